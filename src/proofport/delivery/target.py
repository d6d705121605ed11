"""A destination as a delivery uses it: the adapter, its resource for the kind, and the mapping for the bodies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from proofport.adapter import Adapter, Job, MakesSchema, Mode, Resource
from proofport.config.names import scoped, tenant_of
from proofport.errors import Problem, Rejected
from proofport.evidence import Neutral

DAY = 86_400.0
"""Seconds."""

LONGEST_REASON = 500
"""Characters of an error that nobody foresaw."""


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
    #: Seconds that the clock of a source may be ahead of ours.
    clock_tolerance: float = DAY
    #: Raises LeftOut for evidence that is left out there, and Rejected for what lacks what decides it.
    leave_out: Callable[[Neutral], None] | None = None
    #: Sentences for the report, about the choice of the mapping.
    notes: Sequence[str] = ()
    #: The name of the vendor mapping. None: evidence is sent as it is.
    mapping_name: str | None = None

    @property
    def lane(self) -> str:
        """The key by which work is ordered: the vendor's, for each tenant its own."""
        return lane_of(self.name, self.resource)

    def job(self, run_id: str, instance: str, kind: str, mode: Mode, started: float = 0.0) -> Job:
        """The job of a run that delivers to it. Only a vendor that makes a schema is told the types of the fields."""
        types = self.mapping.types if isinstance(self.resource, MakesSchema) else None
        return Job(run_id, instance, kind, mode, self.mapping.fields, types, started)

    def encoder(self, mode: Mode) -> Callable[[Sequence[Neutral]], list[bytes]]:
        """Makes the bodies of several records, or, for removals, writes them as the source gave them.

        It raises Rejected or TypeError when there is no body for one of them.
        """
        return _as_given if mode == "remove" else self.mapping.encode

    def leaves_out(self, mode: Mode) -> Callable[[Neutral], None] | None:
        """Leaves evidence out, where something is left out. A removal has only an id, and is always sent."""
        return None if mode == "remove" else self.leave_out

    def body_of(self, record: Neutral) -> dict[str, Any] | Problem:
        """The exact body of a record, or the reason why there is none."""
        try:
            return self.mapping(record)
        except Exception as error:
            return no_body(error)


def no_body(error: Exception) -> Problem:
    """Why there is no body for a record, also where nobody foresaw that."""
    if isinstance(error, Rejected):
        return error.problem
    if isinstance(error, TypeError):
        hint = "Lone surrogates and integers beyond 64 bits cannot be sent."
        return Problem(str(error), "values that JSON can carry", hint=hint)
    found = f"{type(error).__name__}: {str(error)[:LONGEST_REASON]}"
    return Problem(found, "a record that a body can be made of", hint="Please report it, with the record.")


def _as_given(block: Sequence[Neutral]) -> list[bytes]:
    return list(map(orjson.dumps, block))
