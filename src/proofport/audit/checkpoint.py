"""The signed head of the log, as a note that can be kept elsewhere: in a ticket, in a mail, with the auditor.

The form is that of C2SP: https://c2sp.org/signed-note and https://c2sp.org/tlog-checkpoint
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass
from hashlib import sha256

from proofport.audit.envelope import NotSigned
from proofport.audit.keys import PublicKey, SigningKey

ED25519 = b"\x01"
SIGNATURE = "\u2014 "
"""A line of a signature begins with an em dash and a blank."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How many receipts a log had, and the root over them."""

    origin: str
    size: int
    root: bytes

    def body(self) -> str:
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"


def note_of(checkpoint: Checkpoint, key: SigningKey) -> str:
    """The checkpoint as a signed note."""
    body = checkpoint.body()
    signature = _key_hash(checkpoint.origin, key.public) + key.sign(body.encode())
    return f"{body}\n{SIGNATURE}{checkpoint.origin} {b64encode(signature).decode()}\n"


def read_note(note: str, keys: list[PublicKey]) -> tuple[Checkpoint, PublicKey]:
    """The checkpoint of a note, and the key that has signed it. Raises NotSigned."""
    try:
        body, last = note.split("\n\n")
        origin, size, root = body.split("\n")
        checkpoint = Checkpoint(origin, int(size), b64decode(root, validate=True))
        mark, name, signature = last.removesuffix("\n").split(" ")
        given = b64decode(signature, validate=True)
    except (ValueError, NotBase64):
        raise NotSigned("this is no checkpoint: a checkpoint has an origin, a size, a root and a signature") from None
    for key in keys:
        is_named = mark + " " == SIGNATURE and name == origin and given[:4] == _key_hash(origin, key)
        if is_named and key.verifies(given[4:], (body + "\n").encode()):
            return checkpoint, key
    raise NotSigned("no known key has signed this checkpoint")


def _key_hash(name: str, key: PublicKey) -> bytes:
    return sha256(name.encode() + b"\n" + ED25519 + key.raw).digest()[:4]
