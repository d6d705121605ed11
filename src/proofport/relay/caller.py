"""Who asks, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from proofport.tenancy import DEFAULT, own_name, scoped, tenant_of


@dataclass(frozen=True, slots=True)
class Caller:
    """`destinations` (own names) and `kinds`: all that may be named; None: every one of the tenant.

    `key_id`: the public part of the key, if one was asked for.
    """

    tenant: str = DEFAULT
    destinations: frozenset[str] | None = None
    kinds: frozenset[str] | None = None
    may_read: bool = True
    may_write: bool = True
    key_id: str | None = None

    @property
    def is_operator(self) -> bool:
        """May see what is of all tenants: reads whatever the default tenant has."""
        return self.tenant == DEFAULT and self.may_read and self.destinations is None and self.kinds is None

    def allows_destination(self, name: str) -> bool:
        return self.destinations is None or name in self.destinations

    def allows_kind(self, kind: str) -> bool:
        return self.kinds is None or kind in self.kinds

    def full_name(self, destination: str) -> str:
        """What configuration and journal call one of the tenant's destinations."""
        return scoped(self.tenant, destination)

    def own_name(self, full_name: str) -> str | None:
        """What the tenant calls a destination; None for one of another tenant."""
        return own_name(full_name) if tenant_of(full_name) == self.tenant else None


CALLER = web.RequestKey("caller", Caller)
"""Where the middleware that knows the caller puts it. A request without one is refused."""
