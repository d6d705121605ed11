"""Where the records of a sample are: the place whose columns fit the kind best. And what a page says of its list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log10
from typing import Any

from proofport.evidence import model_of
from proofport.mapping.draft import values as shapes
from proofport.mapping.draft.matching import assigned, matches
from proofport.mapping.draft.names import STRIPPED, fit, nouns_of, words_of
from proofport.mapping.draft.shape import (
    Column,
    Step,
    can_be_written,
    columns_of,
    holders_and_records,
    path_text,
    places,
    records_at,
    records_text,
    step_text,
)
from proofport.mapping.draft.synonyms import FIELDS, IDS, NOUNS, OTHER_IDS

MOST_PLACES, COMPARED = 80, 40
OF_PARENTS = ("account_id", "region", "system", "course", "title")
"""Fields that an element around the records may have for all of them."""
TOKENS = (
    *(
        "nexttoken",
        "nextmarker",
        "marker",
        "nextpagetoken",
        "nextcursor",
        "nextlink",
        "odatanextlink",
        "next",
        "hasmore",
    ),
    *("hasnextpage", "nextpage", "continuationtoken", "cursor", "istruncated", "morerecords", "nextrecordsurl"),
)
TOTALS = ("totalresults", "totalcount", "total", "totalrecords", "totalitems", "totalsize", "odatacount")


@dataclass(frozen=True, slots=True)
class Found:
    """The records of a sample. `holders`: the elements around each of them, the document first."""

    place: tuple[Step, ...]
    records: list[Any]
    holders: list[tuple[Any, ...]]
    columns: list[Column]
    nouns: set[str]


def find(kind: str, documents: Sequence[Any], name: str, *, many: bool) -> Found:
    """The best place. `many`: the sample is a list already, so that each document is likely to be one record."""
    candidates = [
        place for place in places(documents) if not place or can_be_written([step.name for step in place if step.name])
    ]
    best = max(candidates[:MOST_PLACES], key=lambda place: _worth(kind, documents, place, name, many=many))
    pairs = holders_and_records(documents, best)
    records = [record for _, record in pairs]
    return Found(best, records, [holders for holders, _ in pairs], columns_of(records), _nouns(kind, best, name))


def _nouns(kind: str, place: Sequence[Step], name: str) -> set[str]:
    return {*nouns_of(*(step.name for step in place[-1:]), name.rpartition(".")[2]), *NOUNS.get(kind, ())}


def _worth(kind: str, documents: Sequence[Any], place: Sequence[Step], name: str, *, many: bool) -> float:
    records = records_at(documents, place)
    columns, nouns = columns_of(records[:COMPARED]), _nouns(kind, place, name)
    if not records:
        return -1.0
    fields = assigned(matches(kind, columns, nouns))
    worth = sum(chosen[0].score for chosen in fields.values()) / STRIPPED
    worth += max((fit(column.names, IDS.get(kind, OTHER_IDS), nouns) for column in columns), default=0) / STRIPPED
    if kind not in FIELDS:
        worth += min(len(columns), 6) / 2
    listed = bool(place) and place[-1].listed
    return worth + 0.5 * listed + min(log10(len(records)), 2) / 2 + 2 * (many and not place)


# ------------------------------------------------------------------ around the records
def parents(kind: str, found: Found, known: set[str]) -> dict[str, str]:
    """Fields that an element around the records gives, with their paths."""
    made: dict[str, str] = {}
    model = model_of(kind)
    for depth in reversed(range(len(found.place))):
        around = [holders[depth] for holders in found.holders]
        prefix = records_text(found.place[:depth])
        for column in columns_of(around):
            if len(column.names) != 1 or not all(isinstance(value, str) for value in column.given) or not column.given:
                continue
            for field in OF_PARENTS:
                if (
                    field in model.model_fields
                    and field not in known
                    and field not in made
                    and _gives(kind, field, column)
                ):
                    made[field] = prefix + step_text(column.names[0])
    return made


def _gives(kind: str, field: str, column: Column) -> bool:
    if field == "account_id" and shapes.all_match(shapes.ACCOUNT_NUMBER, column.given):
        return words_of(column.names[0])[-1:] == ["id"]
    return fit(column.names, FIELDS[kind][field], set()) >= STRIPPED - 0.1


def next_page(documents: Sequence[Any]) -> list[str]:
    """The paths at which documents have the token for the next page."""
    return [path_text(names) for names, _ in _of_documents(documents, TOKENS)]


def stated_total(documents: Sequence[Any], found: Found) -> tuple[str, int] | None:
    """The path at which a document states how many records the list has, and the number."""
    for names, value in _of_documents(documents, TOTALS):
        if isinstance(value, int) and not isinstance(value, bool) and value >= len(found.records) / len(documents):
            return path_text(names), value
    return None


def _of_documents(documents: Sequence[Any], wanted: Sequence[str]) -> Iterator[tuple[tuple[str, ...], Any]]:
    seen = set()
    for document in documents:
        for names, value in _scalars(document, ()):
            if "".join(words_of(names[-1])) in wanted and names not in seen and can_be_written(names):
                seen.add(names)
                yield names, value


def _scalars(document: Any, before: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in document.items() if isinstance(document, dict) else ():
        if isinstance(value, dict) and not before:
            yield from _scalars(value, (name,))
        elif not isinstance(value, dict | list):
            yield (*before, name), value
