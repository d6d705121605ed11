"""How each field of a kind arrives at each destination: carried, renamed, converted, narrowed, or lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from proofport.audit.explain import how_of, reading
from proofport.config import Config
from proofport.delivery.reading import RecordStream
from proofport.errors import ProofportError
from proofport.evidence import model_of
from proofport.gateway.inputs import Input, open_input
from proofport.gateway.targets import Targets
from proofport.mapping.language.nodes import Lookup, MappingFile, Rule

NOT_SENT = frozenset({"extras"})
"""Fields that are no evidence of their own."""


@dataclass(frozen=True, slots=True)
class Ported:
    """A field of the evidence at one destination."""

    field: str
    destination: str
    #: `carried`, `renamed`, `converted`, `narrowed` (some values are lost), or `lost`.
    becomes: str
    #: The fields of the body, and the rules that make them: `FILE:LINE`.
    fields: Sequence[str] = ()
    rules: Sequence[str] = ()
    #: Records of the input that have the field. None: no input was given.
    records: int | None = None


@dataclass(slots=True)
class Portability:
    kind: str
    ported: list[Ported] = field(default_factory=list)
    #: Records of the input. None: none was given.
    records: int | None = None
    #: Destinations that do not take the kind, and why.
    refused: dict[str, str] = field(default_factory=dict)


async def portability(targets: Targets, config: Config, kind: str, given: Input | None) -> Portability:
    """Raises UsageError for an unknown kind, and for an input that gives another one."""
    found, held = Portability(kind), Counter[str]()
    names = [name for name in model_of(kind).model_fields if name not in NOT_SENT]
    if given is not None:
        found.records = 0
        async for record in _records(targets, kind, given, config.workbook_bytes):
            found.records += 1
            held.update(name for name, value in record.items() if value is not None)
    for destination in config.destinations:
        try:
            target = targets.in_any_mode(destination, kind)
        except ProofportError as error:
            found.refused[destination] = error.message
            continue
        file = targets.library.find(target.mapping_name) if target.mapping_name else None
        found.ported += [_ported(name, destination, file, None if given is None else held[name]) for name in names]
    return found


async def _records(targets: Targets, kind: str, given: Input, workbook_bytes: int) -> Any:
    _, [decoder] = targets.decoders([given], kind, "upsert", {})
    with open_input(given, kind, workbook_bytes) as reader:
        more = True
        while more:
            more = await reader.fetch()
            for _, record, _ in RecordStream(reader, decoder):
                if isinstance(record, dict):
                    yield record


def _ported(name: str, destination: str, file: MappingFile | None, records: int | None) -> Ported:
    if file is None:
        return Ported(name, destination, "carried", [name], records=records)
    rules = reading(file, f"/{name}")
    places = [f"{rule.at.file}:{rule.at.line}" for _, rule in rules]
    return Ported(name, destination, _becomes(rules), [wire for wire, _ in rules], places, records)


MILDEST = "carried", "renamed", "converted", "narrowed"
WORDS: Mapping[str, str] = {"copied": "carried", "renamed": "renamed"}


def _becomes(rules: Sequence[tuple[str, Rule]]) -> str:
    """The word for the rule that loses the least."""
    words = {_word(wire, rule) for wire, rule in rules}
    return next((word for word in MILDEST if word in words), "lost")


def _word(wire: str, rule: Rule) -> str:
    """A table that leaves out what it does not know, or has fewer values than words, narrows."""
    for change in rule.changes:
        if isinstance(change, Lookup):
            merges = len({repr(value) for value in change.entries.values()}) < len(change.entries)
            return "narrowed" if merges or change.unknown.action in ("omit", "value") else "converted"
    return WORDS.get(how_of(wire, rule), "converted")
