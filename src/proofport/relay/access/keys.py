"""Makes keys of the relay, and finds the key behind a given token.

A token is `pp_<prefix>_<secret>`. The prefix is public and finds the key. The secret is 256 random bits: nobody can
guess it, so the journal keeps its SHA-256 hash, without salt. Earlier versions kept a scrypt hash. Their keys are
refused: the journal does not have what it takes to make the new hash of them.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Any

from proofport.journal.contract import AccessKey, AccessKeys

TOKEN = re.compile(r"pp_(?P<prefix>[a-z0-9]{10})_(?P<secret>[A-Za-z0-9]{43})")
PROOF = "sha256$"
"""Begins a proof that is a SHA-256 hash."""

RECHECK = 2.0
"""Seconds until the journal is asked again about a key: a revoked key works at most this long."""


@dataclass(frozen=True, slots=True)
class Token:
    """The text that a caller presents."""

    prefix: str
    secret: str = field(repr=False)

    def __str__(self) -> str:
        return f"pp_{self.prefix}_{self.secret}"


def new_token() -> Token:
    low, all_ = string.ascii_lowercase + string.digits, string.ascii_letters + string.digits
    return Token("".join(secrets.choice(low) for _ in range(10)), "".join(secrets.choice(all_) for _ in range(43)))


def parsed(text: str) -> Token | None:
    match = TOKEN.fullmatch(text)
    return Token(match["prefix"], match["secret"]) if match else None


def proof_of(secret: str) -> str:
    return PROOF + hashlib.sha256(secret.encode()).hexdigest()


def is_outdated(key: AccessKey) -> bool:
    """True if an earlier version made the key, so that it can no longer be proved."""
    return not key.proof.startswith(PROOF)


async def issue(journal: AccessKeys, **scope: Any) -> tuple[Token, AccessKey]:
    """Put a new key into the journal. Its token is shown once. `scope`: the other fields of AccessKey."""
    while True:
        token = new_token()
        key = AccessKey(prefix=token.prefix, proof=proof_of(token.secret), created=time.time(), **scope)
        if await journal.add_access_key(key):
            return token, key


class KeyRing:
    """Finds the key behind a token. `clock`: seconds since 1970; `timer`: seconds that never go back."""

    def __init__(
        self,
        journal: AccessKeys,
        *,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._timer = timer
        #: Keys by prefix, each with the time until which it is not looked up again.
        self._known: dict[str, tuple[AccessKey, float]] = {}
        self._used: dict[str, float] = {}
        #: The time until which the answer "there is no key" holds; None once there is a key.
        self._empty_until: float | None = 0.0

    async def find(self, token: Token) -> AccessKey | None:
        """The key, or None: unknown, wrong, revoked, expired or outdated. The caller is not told which."""
        key, now = await self._key(token.prefix), self._clock()
        if key is None or not compare_digest(key.proof, proof_of(token.secret)):
            return None
        if key.revoked is not None or (key.expires is not None and key.expires <= now):
            return None
        self._used[key.prefix] = now
        return key

    async def _key(self, prefix: str) -> AccessKey | None:
        found, good_until = self._known.get(prefix, (None, 0.0))
        asked = self._timer()
        if found is None or asked >= good_until:
            found = await self._journal.access_key(prefix)
            if found is not None:
                self._known[prefix] = found, asked + RECHECK
        return found

    async def is_empty(self) -> bool:
        """True if no key was ever made. The journal is asked every few seconds until there is one."""
        if self._empty_until is not None and self._timer() >= self._empty_until:
            any_key = await self._journal.access_keys()
            self._empty_until = None if any_key else self._timer() + RECHECK
        return self._empty_until is not None

    async def note_uses(self) -> None:
        """Write to the journal which keys were used since the last time."""
        used, self._used = self._used, {}
        if used:
            await self._journal.note_access(used)
