"""Keys of the relay: whose they are and what they may do. The secret itself is never kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class AccessKey:
    """One key. Times are seconds since 1970, None for never."""

    #: The public half, which finds the key and names it in logs.
    prefix: str
    name: str
    tenant: str
    #: `sha256$` and the hexadecimal hash of the secret half. Any other is of an earlier version, and refused.
    proof: str = field(repr=False)
    may_read: bool
    may_write: bool
    created: float
    #: Those it may be used for, as the tenant calls them. None: all of the tenant's.
    destinations: Sequence[str] | None = None
    #: Those it may be used for. None: all.
    kinds: Sequence[str] | None = None
    expires: float | None = None
    revoked: float | None = None
    #: About when it was last used.
    used: float | None = None


class AccessKeys(Protocol):
    async def add_access_key(self, key: AccessKey) -> bool:
        """Durable when it returns. False: the prefix is taken, and nothing was done."""
        ...

    async def access_key(self, prefix: str) -> AccessKey | None: ...
    async def access_keys(self, *, tenant: str | None = None) -> list[AccessKey]:
        """In the order in which they were added, with those that were revoked or have expired."""
        ...

    async def revoke_access_key(self, prefix: str) -> bool:
        """Revoke a key, which stays listed; the first revocation counts. False when there is no such key."""
        ...

    async def note_access(self, used: Mapping[str, float]) -> None:
        """Note when keys, by prefix, were last used. An earlier time than the noted one changes nothing."""
        ...
