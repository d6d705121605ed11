"""Keys of the relay in a dictionary."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from proofport.journal.access import AccessKey


class MemoryAccessKeys:
    clock: Callable[[], float]

    def __init__(self) -> None:
        self._access: dict[str, AccessKey] = {}

    async def add_access_key(self, key: AccessKey) -> bool:
        return self._access.setdefault(key.prefix, key) is key

    async def access_key(self, prefix: str) -> AccessKey | None:
        return self._access.get(prefix)

    async def access_keys(self, *, tenant: str | None = None) -> list[AccessKey]:
        return [key for key in self._access.values() if tenant is None or key.tenant == tenant]

    async def revoke_access_key(self, prefix: str) -> bool:
        key = self._access.get(prefix)
        if key is not None and key.revoked is None:
            self._access[prefix] = replace(key, revoked=self.clock())
        return key is not None

    async def note_access(self, used: Mapping[str, float]) -> None:
        for prefix, at in used.items():
            if (key := self._access.get(prefix)) is not None:
                self._access[prefix] = replace(key, used=max(at, key.used or at))
