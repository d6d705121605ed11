"""Keys of the relay: how one is made, and whose a given one is.

`pp_<prefix>_<secret>`: the prefix is public, and finds the key; the secret is 256 random bits, and kept nowhere. The
journal has its scrypt hash. Nobody guesses such a secret, whatever hash he reads; the slow one costs 16 MiB and about
70 ms a guess all the same. So that only the first request with a key pays for it, a key that was proved is remembered
as a keyed fast digest in memory, and looked up in the journal anew every few seconds: revoking one takes that long.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
import string
import time
from collections.abc import Callable
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any

from proofport.journal.contract import AccessKey, AccessKeys

TOKEN = re.compile(r"pp_(?P<prefix>[a-z0-9]{10})_(?P<secret>[A-Za-z0-9]{43})")
LOG2_N, R, P = 14, 8, 1
"""scrypt's cost: 128 * 2^14 * 8 bytes of memory. OWASP asks for more where people choose the secrets."""

RECHECK = 2.0
"""Seconds after which the journal is asked anew about a key: the longest that a revoked one still works."""

FIRST_USES = 30, 50
"""Keys that one address may present for the first time: a minute, and at once. Each costs the slow hash."""


@dataclass(frozen=True, slots=True)
class Token:
    """What a caller presents."""

    prefix: str
    secret: str

    def __repr__(self) -> str:
        return f"Token({self.prefix})"

    def __str__(self) -> str:
        return f"pp_{self.prefix}_{self.secret}"


def new_token() -> Token:
    low, all_ = string.ascii_lowercase + string.digits, string.ascii_letters + string.digits
    return Token("".join(secrets.choice(low) for _ in range(10)), "".join(secrets.choice(all_) for _ in range(43)))


def parsed(text: str) -> Token | None:
    match = TOKEN.fullmatch(text)
    return Token(match["prefix"], match["secret"]) if match else None


def proof_of(secret: str) -> str:
    """The slow hash, with its cost and salt beside it."""
    salt = secrets.token_bytes(16)
    return f"scrypt${LOG2_N}${R}${P}${salt.hex()}${_scrypt(secret, salt, LOG2_N, R, P).hex()}"


def proves(secret: str, proof: str) -> bool:
    _, log2_n, r, p, salt, expected = proof.split("$")
    found = _scrypt(secret, bytes.fromhex(salt), int(log2_n), int(r), int(p))
    return compare_digest(found, bytes.fromhex(expected))


def _scrypt(secret: str, salt: bytes, log2_n: int, r: int, p: int) -> bytes:
    room = 256 * r * p << log2_n
    return hashlib.scrypt(secret.encode(), salt=salt, n=1 << log2_n, r=r, p=p, maxmem=room, dklen=32)


NOBODY = f"scrypt${LOG2_N}${R}${P}${'00' * 16}${'00' * 32}"
"""What the secret of an unknown prefix is held against, so that it takes as long as a wrong secret."""


async def issue(journal: AccessKeys, **scope: Any) -> tuple[Token, AccessKey]:
    """A new key in the journal, and the token that is shown once. `scope`: the other fields of AccessKey."""
    while True:
        token = new_token()
        key = AccessKey(prefix=token.prefix, proof=proof_of(token.secret), created=time.time(), **scope)
        if await journal.add_access_key(key):
            return token, key


@dataclass(slots=True)
class _Proved:
    digest: bytes
    key: AccessKey
    seen: float


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
        self._pepper = secrets.token_bytes(32)
        self._proved: dict[str, _Proved] = {}
        self._used: dict[str, float] = {}
        self._hashing = asyncio.Lock()
        self._empty_until: float | None = 0.0

    def remembers(self, token: Token) -> bool:
        """Whether this token was proved before, so that `find` is quick."""
        proved = self._proved.get(token.prefix)
        return proved is not None and compare_digest(proved.digest, self._digest(token))

    async def find(self, token: Token) -> AccessKey | None:
        """The key, or None: unknown, wrong, revoked or expired, which the caller is not told apart."""
        key = await (self._current(token) if self.remembers(token) else self._prove(token))
        now = self._clock()
        if key is None or key.revoked is not None or (key.expires is not None and key.expires <= now):
            return None
        self._used[key.prefix] = now
        return key

    async def is_empty(self) -> bool:
        """Whether no key was ever made. Asked of the journal every few seconds until there is one."""
        if self._empty_until is not None and self._timer() >= self._empty_until:
            any_key = await self._journal.access_keys()
            self._empty_until = None if any_key else self._timer() + RECHECK
        return self._empty_until is not None

    async def note_uses(self) -> None:
        """Write down what was used since the last time."""
        used, self._used = self._used, {}
        if used:
            await self._journal.note_access(used)

    async def _current(self, token: Token) -> AccessKey | None:
        proved = self._proved[token.prefix]
        if self._timer() - proved.seen >= RECHECK:
            asked = self._timer()
            key = await self._journal.access_key(token.prefix)
            if key is None or key.proof != proved.key.proof:
                return await self._prove(token)
            proved.key, proved.seen = key, asked
        return proved.key

    async def _prove(self, token: Token) -> AccessKey | None:
        """One at a time, whoever asks: a crowd of strangers costs one core and 16 MiB, not all there is."""
        async with self._hashing:
            if self.remembers(token):
                return self._proved[token.prefix].key
            asked = self._timer()
            key = await self._journal.access_key(token.prefix)
            proved = await asyncio.to_thread(proves, token.secret, key.proof if key else NOBODY)
            if key is None or not proved:
                return None
            self._proved[token.prefix] = _Proved(self._digest(token), key, asked)
            return key

    def _digest(self, token: Token) -> bytes:
        return hashlib.blake2b(token.secret.encode(), key=self._pepper, digest_size=32).digest()
