"""What a journal keeps of the keys of the relay: whose they are, what they may do, never the secret itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class AccessKey:
    """One key. `prefix`, its public half, finds it and names it in logs; `proof` is a slow hash of the secret half.

    `destinations` (as the tenant calls them) and `kinds` that it may be used for; None: all of the tenant's. Times in
    seconds since 1970, None: never. `used`: about when it was last used.
    """

    prefix: str
    name: str
    tenant: str
    proof: str = field(repr=False)
    may_read: bool
    may_write: bool
    created: float
    destinations: Sequence[str] | None = None
    kinds: Sequence[str] | None = None
    expires: float | None = None
    revoked: float | None = None
    used: float | None = None


class AccessKeys(Protocol):
    """The part of a journal that keeps them."""

    async def add_access_key(self, key: AccessKey) -> bool:
        """Durable when it returns. False: the prefix is taken, and nothing was done."""
        ...

    async def access_key(self, prefix: str) -> AccessKey | None: ...
    async def access_keys(self, *, tenant: str | None = None) -> list[AccessKey]:
        """In the order in which they were added, with those that were revoked or have expired."""
        ...

    async def revoke_access_key(self, prefix: str) -> bool:
        """It stays listed; the first revocation counts. False when there is no such key."""
        ...

    async def note_access(self, used: Mapping[str, float]) -> None:
        """When keys, by prefix, were last used; an earlier time than the noted one changes nothing."""
        ...
