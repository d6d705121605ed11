"""The log: receipts in one order, each naming the one before, as leaves of a Merkle tree."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, TypeAlias

from proofport.audit.envelope import signed, statement
from proofport.audit.keys import PublicKey, SigningKey
from proofport.audit.merkle import Tree, leaf_hash
from proofport.errors import ConfigError, JournalError
from proofport.journal.contract import NewReceipt, ReceiptKey, Receipts

KEY_ROTATED = "urn:proofport:key:v1"
"""The predicate of a receipt in which the key before says which one follows."""

ED25519 = b"\x01"
"""The kind of a signature, in the hash of its key."""

TRIES = 100
"""So often another process may be quicker."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A receipt that has no number yet."""

    predicate_type: str
    #: `(name, hexadecimal SHA-256), …`
    subjects: Sequence[tuple[str, str]]
    predicate: Mapping[str, Any]
    run_id: str = ""
    destination: str = ""
    #: What is kept beside it, by name.
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)


Put: TypeAlias = Callable[[NewReceipt, int], Awaitable[bool]]
"""Adds a receipt to a log of this size. False: another process was quicker."""


class ReceiptLog:
    """Signs receipts, and adds them to the log of a journal."""

    def __init__(self, journal: Receipts, key: SigningKey, instance: str) -> None:
        self._journal = journal
        self._key = key
        self._known = False
        self.origin = f"proofport/{instance}"

    async def keep_texts(self, texts: Mapping[str, str]) -> None:
        if texts:
            await self._journal.keep_texts({sha256(text.encode()).hexdigest(): text for text in texts.values()})

    async def begin(self) -> None:
        """Keep the public key with the log, so that what ends from now on is due. Raises ConfigError."""
        await self._note_key()

    async def add(self, draft: Draft, put: Put | None = None) -> str:
        """Sign a receipt as the next of the log, durably. Returns its number. Raises ConfigError for a wrong key.

        `put`: adds it in another way than `Receipts.add_receipt`.
        """
        await self._note_key()
        put = put or self._add
        for _ in range(TRIES):
            head = await self._journal.log_head()
            number = {"branch": head.branch, "sequence": head.sequence + 1, "previous": head.digest.hex() or None}
            payload = statement(draft.predicate_type, draft.subjects, {**draft.predicate, "number": number})
            envelope = signed(payload, self._key)
            new = NewReceipt(
                head.branch,
                head.sequence + 1,
                draft.run_id,
                draft.destination,
                leaf_hash(envelope),
                sha256(envelope).digest(),
                envelope,
                draft.files,
            )
            if await put(new, head.size):
                return f"{head.branch}-{head.sequence + 1}"
            if draft.run_id:
                there = await self._journal.receipts(run_id=draft.run_id)
                if mine := [each for each in there if each.destination == draft.destination]:
                    return mine[0].name
        raise JournalError("the receipt could not be written: other processes are always quicker")

    async def _add(self, new: NewReceipt, after: int) -> bool:
        return await self._journal.add_receipt(new, after=after)

    async def _note_key(self) -> None:
        """Keep the public key with the log. The first one begins it; another one must have been announced."""
        if self._known:
            return
        public, kept = self._key.public, await self._journal.receipt_keys()
        if not kept:
            await self._journal.add_receipt_key(ReceiptKey(public.raw, time.time()))
            kept = await self._journal.receipt_keys()
        require_signer(public, kept)
        self._known = True

    async def rotate(self, new: SigningKey) -> str:
        """Let the key that signs now say which one follows. Returns the number of the receipt that says so."""
        public = new.public
        predicate = {"public": public.raw.hex(), "fingerprint": public.fingerprint}
        subjects = [("key", public.fingerprint)]
        number = await self.add(Draft(KEY_ROTATED, subjects, predicate))
        await self._journal.add_receipt_key(ReceiptKey(public.raw, time.time(), rotation=number.encode()))
        return number

    async def checkpoint(self) -> str:
        """The signed head of the log, as a note."""
        await self._note_key()
        tree = Tree()
        while page := await self._journal.leaves(first=tree.size):
            for leaf in page:
                tree.add(leaf)
        return note_of(self.origin, tree.size, tree.root(), self._key)


def require_signer(public: PublicKey, kept: Sequence[ReceiptKey]) -> None:
    """Raises ConfigError for a key that is not the last one of the log. A log without keys takes any."""
    if kept and kept[-1].public != public.raw:
        signer = PublicKey(kept[-1].public).fingerprint
        raise ConfigError(
            f"the key of `receipts:` is {public.fingerprint}, and the log is signed by {signer}",
            hint="Name the key of the log again. A new one is announced by it: `proofport receipt key rotate`.",
        )


def note_of(origin: str, size: int, root: bytes, key: SigningKey) -> str:
    """The signed head of a log, as a note that can be kept elsewhere: in a ticket, in a mail, with the auditor.

    The form is that of C2SP: https://c2sp.org/signed-note and https://c2sp.org/tlog-checkpoint
    """
    body = f"{origin}\n{size}\n{b64encode(root).decode()}\n"
    key_hash = sha256(f"{origin}\n".encode() + ED25519 + key.public.raw).digest()[:4]
    return f"{body}\n\N{EM DASH} {origin} {b64encode(key_hash + key.sign(body.encode())).decode()}\n"
