"""A destination as a delivery uses it: the adapter, its resource for the kind, and the mapping for the bodies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from proofport.adapter import Adapter, Mode, Resource
from proofport.evidence import Neutral


class BodyMapping(Protocol):
    """A vendor mapping, compiled: evidence → record body."""

    @property
    def fields(self) -> tuple[str, ...]: ...
    @property
    def types(self) -> Mapping[str, str] | None: ...
    def __call__(self, neutral: Neutral) -> dict[str, Any]: ...
    def encode(self, block: Sequence[Neutral]) -> list[bytes]: ...


@dataclass(frozen=True, slots=True)
class Target:
    """One destination for one kind."""

    name: str
    adapter: Adapter
    resource: Resource
    mapping: BodyMapping

    def encoder(self, mode: Mode) -> Callable[[Sequence[Neutral]], list[bytes]]:
        """Makes the bodies of several records, or, for removals, writes them as the source gave them.

        It raises Rejected or TypeError when there is no body for one of them.
        """
        return _as_given if mode == "remove" else self.mapping.encode


def _as_given(block: Sequence[Neutral]) -> list[bytes]:
    return list(map(orjson.dumps, block))
