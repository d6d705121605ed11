"""A destination as a delivery uses it: the adapter, its resource for the kind, and the mapping for the bodies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from proofport.adapter import Adapter, Mode, Resource
from proofport.config.names import scoped, tenant_of
from proofport.evidence import Neutral


class BodyMapping(Protocol):
    """A vendor mapping, compiled: evidence → record body."""

    @property
    def fields(self) -> tuple[str, ...]: ...
    @property
    def types(self) -> Mapping[str, str] | None: ...
    def __call__(self, neutral: Neutral) -> dict[str, Any]: ...
    def encode(self, block: Sequence[Neutral]) -> list[bytes]: ...


def lane_of(destination: str, resource: Resource) -> str:
    """The lane of a resource. Two tenants may have accounts with the same numbers at one vendor."""
    return scoped(tenant_of(destination), resource.lane)


@dataclass(frozen=True, slots=True)
class Target:
    """One destination for one kind."""

    name: str
    adapter: Adapter
    resource: Resource
    mapping: BodyMapping

    @property
    def lane(self) -> str:
        """The key by which work is ordered: the vendor's, for each tenant its own."""
        return lane_of(self.name, self.resource)

    def encoder(self, mode: Mode) -> Callable[[Sequence[Neutral]], list[bytes]]:
        """Makes the bodies of several records, or, for removals, writes them as the source gave them.

        It raises Rejected or TypeError when there is no body for one of them.
        """
        return _as_given if mode == "remove" else self.mapping.encode


def _as_given(block: Sequence[Neutral]) -> list[bytes]:
    return list(map(orjson.dumps, block))
