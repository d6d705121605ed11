"""Describes who asks, and what they may do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from proofport.config.names import DEFAULT, scoped


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever sent a request. Without arguments: may do everything for the default tenant."""

    tenant: str = DEFAULT
    #: Destinations (as the tenant calls them) that may be named; None: all of the tenant's.
    destinations: Sequence[str] | None = None
    #: Kinds that may be named; None: all.
    kinds: Sequence[str] | None = None
    may_read: bool = True
    may_write: bool = True
    #: The public part of the key; None where no key was asked for.
    key_id: str | None = None

    @property
    def is_operator(self) -> bool:
        """May see what belongs to all tenants: a key that reads everything of the default tenant."""
        return self.tenant == DEFAULT and self.may_read and self.destinations is None and self.kinds is None

    def allows_destination(self, name: str) -> bool:
        return self.destinations is None or name in self.destinations

    def allows_kind(self, kind: str) -> bool:
        return self.kinds is None or kind in self.kinds

    def full_name(self, destination: str) -> str:
        """The name of a tenant's destination in configuration and journal."""
        return scoped(self.tenant, destination)


CALLER = web.RequestKey("caller", Caller)
"""Where a request holds its caller."""
