"""How each field of a kind arrives at each destination: carried, renamed, converted, narrowed, or lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

from proofport.accounting import LeftOut
from proofport.audit.explain import how_of, reading
from proofport.config import Config
from proofport.delivery.reading.reading import RecordStream
from proofport.errors import Problem, ProofportError
from proofport.evidence import Neutral, model_of
from proofport.gateway.inputs import Input, open_input
from proofport.gateway.targets import Targets
from proofport.mapping.language.nodes import (
    Change,
    Constant,
    Convert,
    FirstOf,
    Lookup,
    MappingFile,
    Nested,
    Rule,
    Select,
    Substitute,
    conditions_of,
    selects,
)

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
    #: Records of the input that are evidence. None: none was given.
    records: int | None = None
    #: Others of the input: what is no evidence, and what its mapping leaves out.
    rejected: int = 0
    skipped: int = 0
    #: Destinations that do not take the kind, and why.
    refused: dict[str, str] = field(default_factory=dict)


async def portability(targets: Targets, config: Config, kind: str, given: Input | None) -> Portability:
    """Raises UsageError for an unknown kind, and for an input that gives another one."""
    found, held = Portability(kind), Counter[str]()
    names = [name for name in model_of(kind).model_fields if name not in NOT_SENT]
    if given is not None:
        found.records = 0
        async for record in _records(targets, kind, given, config.workbook_bytes):
            if isinstance(record, LeftOut):
                found.skipped += 1
                continue
            if isinstance(record, Problem):
                found.rejected += 1
                continue
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


async def _records(
    targets: Targets, kind: str, given: Input, workbook_bytes: int
) -> AsyncIterator[Neutral | Problem | LeftOut]:
    _, [decoder] = targets.decoders([given], kind, "upsert", {})
    with open_input(given, kind, workbook_bytes) as reader:
        more = True
        while more:
            more = await reader.fetch()
            for _, record, _ in RecordStream(reader, decoder):
                yield record


def _ported(name: str, destination: str, file: MappingFile | None, records: int | None) -> Ported:
    if file is None:
        return Ported(name, destination, "carried", [name], records=records)
    rules = [each for each in reading(file, f"/{name}") if _word(name, *each) != LOST]
    places = [f"{rule.at.file}:{rule.at.line}" for _, rule in rules]
    return Ported(name, destination, becomes(name, file), [wire for wire, _ in rules], places, records)


MILDEST = "carried", "renamed", "converted", "narrowed"
LOST = "lost"
WORDS: Mapping[str, str] = {"copied": "carried", "renamed": "renamed"}


def becomes(name: str, file: MappingFile) -> str:
    """How a vendor mapping carries a field: the word for the rule that loses the least."""
    words = {_word(name, wire, rule) for wire, rule in reading(file, f"/{name}")}
    return next((word for word in MILDEST if word in words), LOST)


def _word(name: str, wire: str, rule: Rule) -> str:
    """Some values are lost where a condition, a table, or another field that comes first, decides if it is sent.

    All are where the field only decides if the value of another one is sent, but not where it decides about a constant.
    """
    if not _is_sent(name, rule):
        return "narrowed" if _decides(name, rule) else LOST
    if rule.when is not None or any(map(_narrows, rule.changes)):
        return "narrowed"
    match rule.source:
        case FirstOf(rules):
            first = _word(name, wire, rules[0]) if _is_sent(name, rules[0]) else "narrowed"
            return "converted" if rule.changes and first in WORDS.values() else first
        case Nested(fields):
            inner = {_word(name, "", each) for each in fields.values() if _is_sent(name, each)}
            return next(word for word in MILDEST if word in inner)
    return WORDS.get(how_of(wire, rule), "converted")


def _is_sent(name: str, rule: Rule) -> bool:
    """True if a rule takes values of a field. It may read it only to decide about another one."""
    return any(isinstance(each, Select) and each.path.prefix[:1] in ((name,), ()) for each in selects(rule))


def _decides(name: str, rule: Rule) -> bool:
    """True if a condition over a field decides if a constant is sent."""
    read = () if rule.when is None else conditions_of(rule.when)
    here = any(each.path.prefix[:1] in ((name,), ()) for each in read)
    match rule.source:
        case Constant():
            return here
        case FirstOf(rules):
            inner = rules
        case Nested(fields):
            inner = tuple(fields.values())
        case _:
            return False
    return any(_decides(name, each) or (here and isinstance(each.source, Constant)) for each in inner)


def _narrows(change: Change) -> bool:
    """True if different values become one, or some are left out."""
    match change:
        case Lookup():
            merges = len({repr(value) for value in change.entries.values()}) < len(change.entries)
            return merges or change.unknown.action in ("omit", "value")
        case Substitute(unmatched="omit") | Convert(to="date"):
            return True
    return False
