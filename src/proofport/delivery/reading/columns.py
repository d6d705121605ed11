"""Columns that a table lacks: the fields that its source mapping then finds nothing for, and had values for before.

What leaves records out is held to the same, as `skip: REASON`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from proofport.accounting import SKIP_RULE
from proofport.adapter import Mode
from proofport.delivery.reading.decoder import Decoder
from proofport.errors import GuardRefused
from proofport.journal.contract import Journal, RunFilter
from proofport.sources import Reader
from proofport.text.wording import listing

RUNS = 20
"""The number of complete runs that are looked through for the last one with a source mapping."""
COLUMNS = 500
"""Of a wider table the first ones are looked at for a like name: each is compared with each place of each field."""
ALIKE = 0.75
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_]+")
_COMMON = {"name", "date", "time", "type", "code", "number", "user", "status", "value", "created", "last"}
"""Words that many columns have."""

Matched = Mapping[str, Collection[str]]
"""By source, the fields that had a value in some record. A source that is not there is not known yet."""


async def matched_before(journal: Journal, destinations: Sequence[str], kind: str, mode: Mode) -> Matched:
    """The fields that had a value in the last complete run of each source to one of the destinations.

    A snapshot is held against snapshots alone: a run of another mode may bring a few records of its source.
    """
    found: dict[str, set[str]] = {}
    among = RunFilter(kind=kind, mode="snapshot" if mode == "snapshot" else None, state="complete")
    for name in destinations:
        latest: dict[str, list[str]] = {}
        for run in await journal.runs(limit=RUNS, chosen=replace(among, destination=name)):
            latest = run.books.get("matched", {}) | latest
        for source, fields in latest.items():
            found.setdefault(source, set()).update(fields)
    return found


@dataclass(frozen=True, slots=True)
class Lacking:
    """The fields that the rows of one table cannot have, because no column is read for them."""

    table: str
    source: str
    mapping: str
    #: For each field the places where its rule looks.
    places: Mapping[str, Sequence[str]]
    #: The columns that no rule reads.
    unread: Sequence[str]
    #: Those of the fields that no other input of the source can have either.
    nowhere: Collection[str] = ()

    @classmethod
    def of(cls, reader: Reader, decoder: Decoder, source: str) -> Lacking:
        header = reader.header or ()
        places = decoder.lacks(header) if header else {}
        unread = [column for column in header if decoder.unread({column: ""})] if places else []
        return cls(reader.name, source, decoder.source.partition("[")[0], places, unread)

    def lost(self, before: Matched) -> list[str]:
        """The fields that had a value in the last complete run, and have none in any input of the source now."""
        return [field for field in self.places if field in self.nowhere and field in before.get(self.source, ())]

    def warnings(self, before: Matched) -> dict[str, str]:
        """The sentence about each field that was lost; before the first complete run of the source, of each field
        that an unread column may be meant for.
        """
        lost, told, is_known = self.lost(before), dict[str, str](), self.source in before
        for field, places in self.places.items():
            near = self.unread[:COLUMNS]
            alike = [column for column in near if any(is_alike(column, each) for each in (field, *places))]
            if field not in lost and (is_known or not alike or _is_skip(field)):
                continue
            text = f"{field} has no column in {self.table}: {self.mapping} reads it from {listing(places)}."
            text += f" It {_did([field])} in the last complete run." if field in lost else ""
            if columns := alike or (self.unread if field in lost else []):
                verb = "is" if len(columns) == 1 else "are"
                text += f" {listing(columns)} {verb} read by no rule: was the column renamed?"
            told[field] = text
        return told


def lacking_in(inputs: Sequence[tuple[Reader, Decoder]], sources: Sequence[str]) -> list[Lacking]:
    """The fields that each input of a run cannot have. An input that is no table may have all of them."""
    found = [Lacking.of(*each, source) for each, source in zip(inputs, sources, strict=True)]
    nowhere: dict[str, set[str]] = {}
    for each in found:
        nowhere.setdefault(each.source, {*each.places}).intersection_update(each.places)
    return [replace(each, nowhere=nowhere[each.source]) for each in found]


def _is_skip(field: str) -> bool:
    return field.startswith(SKIP_RULE)


def _did(lost: Sequence[str]) -> str:
    return "left records out" if all(map(_is_skip, lost)) else "had values"


def is_alike(one: str, other: str) -> bool:
    """True if two names may mean the same: they share a word, a word of one is in the other, or few letters differ."""
    words, others = ([word.lower() for word in _WORD.findall(name)] for name in (one, other))
    shape, other_shape = "".join(words), "".join(others)
    telling, telling_others = ([word for word in each if word not in _COMMON] for each in (words, others))
    return (
        any(len(word) > 2 and word in telling_others for word in telling)
        or any(len(word) > 3 and word in other_shape for word in telling)
        or any(len(word) > 3 and word in shape for word in telling_others)
        or (_is_near(shape, other_shape) and not (telling and telling_others))
        or (_is_near("".join(telling), "".join(telling_others)) and _is_near(shape, other_shape))
    )


def _is_near(one: str, other: str) -> bool:
    return SequenceMatcher(None, one, other, autojunk=False).ratio() >= ALIKE


def require_columns(tables: Sequence[Lacking], before: Matched) -> None:
    """Raise GuardRefused where a table lacks the column of a field that had values in the last complete run."""
    for table in tables:
        if lost := table.lost(before):
            verb = "has" if len(lost) == 1 else "have"
            raise GuardRefused(
                f"{listing(lost)} {verb} no column in {table.table}, and {_did(lost)} in the last complete run",
                hint=f"Name the column as before, or let {table.mapping} read its new name. If it is meant, push again "
                'with --override-guard "why".',
            )
