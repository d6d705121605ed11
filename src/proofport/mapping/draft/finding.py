"""Where the records of a sample are: the place whose columns fit the kind best. And what a page says of its list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from math import log10
from typing import Any

from proofport.evidence import model_of
from proofport.mapping.draft import values as shapes
from proofport.mapping.draft.matching import assigned, matches
from proofport.mapping.draft.names import STRIPPED, fit, nouns_of, words_of
from proofport.mapping.draft.shape import (
    Column,
    Held,
    Place,
    RuleText,
    can_be_written,
    columns_of,
    held_at,
    path_text,
    place_text,
    places,
    step_text,
)
from proofport.mapping.draft.synonyms import FIELDS, IDS, NOUNS, OTHER_IDS

MOST_PLACES, COMPARED, _ALSO = 80, 40, 0.65
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
    """The records of a sample, with their columns. `nothing`: the words in them that stand for nothing."""

    place: Place
    held: list[Held]
    columns: list[Column]
    nouns: set[str]
    nothing: list[Any]
    #: Other places whose columns fit nearly as well.
    also: list[Place]

    @property
    def records(self) -> list[Any]:
        return [each.record for each in self.held]


@dataclass(frozen=True, slots=True)
class Around:
    """A field that an element around the records gives: the one `depth` steps from the document, by a name in it or,
    without a name, by the record's key."""

    depth: int
    name: str | None
    rule: RuleText

    def of(self, held: Held) -> Any:
        holder = held.holders[self.depth]
        return held.key if self.name is None else holder.get(self.name) if isinstance(holder, dict) else None


def find(kind: str, documents: Sequence[Any], name: str, *, many: bool) -> Found:
    """The best place. `many`: the sample is a list already, so that each document is likely to be one record."""
    candidates = [place for place in places(documents) if can_be_written([step.name for step in place if step.name])]
    worth = {place: _worth(kind, documents, place, name, many=many) for place in candidates[:MOST_PLACES]}
    best = max(worth, key=worth.__getitem__)
    also = [place for place in worth if place != best and worth[place] > _ALSO * worth[best]]
    held = held_at(documents, best)
    columns = columns_of([each.record for each in held])
    scalars = [list(_scalars_in(column)) for column in columns]
    no_times = shapes.no_times(scalars)
    nothing = [*shapes.nothings(chain.from_iterable(scalars)), *({"starts": begin} for begin in no_times)]
    read = [each.without_nothing(no_times) for each in columns]
    return Found(best, held, read, _nouns(kind, best, name), nothing, also)


def _scalars_in(column: Column) -> Iterator[Any]:
    """The scalars of a column, also in the objects of its lists. What stands in tags is anybody's, but for ""."""
    for value in column.values:
        for item in value if isinstance(value, list) else [value]:
            inner = list(item.values()) if isinstance(item, dict) else [item]
            yield from ([each for each in inner if each == ""] if column.of_members else inner)


def _nouns(kind: str, place: Place, name: str) -> set[str]:
    return {*nouns_of(*(step.name for step in place[-1:]), name.rpartition(".")[2]), *NOUNS.get(kind, ())}


def _worth(kind: str, documents: Sequence[Any], place: Place, name: str, *, many: bool) -> float:
    records = [each.record for each in held_at(documents, place)]
    if not records:
        return -1.0
    columns = [column.without_nothing() for column in columns_of(records[:COMPARED])]
    nouns = _nouns(kind, place, name)
    fields = assigned(matches(kind, columns, nouns))
    worth = sum(chosen[0].score for chosen in fields.values()) / STRIPPED
    worth += max((fit(column.names, IDS.get(kind, OTHER_IDS), nouns) for column in columns), default=0) / STRIPPED
    if kind not in FIELDS:
        worth += min(len(columns), 6) / 2
    listed = bool(place) and (place[-1].listed or place[-1].keyed)
    return worth + 0.5 * listed + min(log10(len(records)), 2) / 2 + 2 * (many and not place)


# ------------------------------------------------------------------ around the records
def around(kind: str, found: Found, known: set[str]) -> dict[str, Around]:
    """Fields that an element around the records gives, or the record's key."""
    made: dict[str, Around] = {}
    fields = [field for field in OF_PARENTS if field in model_of(kind).model_fields and field not in known]
    for depth in reversed(range(len(found.place))):
        for column in columns_of([each.holders[depth] for each in found.held]):
            if len(column.names) == 1 and column.given and all(isinstance(value, str) for value in column.given):
                rule = place_text(found.place[:depth], step_text(column.names[0]))
                for field in fields:
                    if field not in made and _gives(kind, field, column):
                        made[field] = Around(depth, column.names[0], rule)
    for depth, step in enumerate(found.place):
        if step.keyed:
            keys = [each.key for each in found.held]
            rule = {"path": place_text(found.place[:depth], step_text(step.name) if step.name else ""), "entries": True}
            for field, pattern in (("region", shapes.REGION), ("account_id", shapes.ACCOUNT_NUMBER)):
                if field in fields and field not in made and shapes.all_match(pattern, keys):
                    made[field] = Around(depth, None, {**rule, "then": "$.key"})
            if "id" not in known and depth == len(found.place) - 1:
                made["id"] = Around(depth, None, {**rule, "then": "$.key"})
    return made


def _gives(kind: str, field: str, column: Column) -> bool:
    if field == "account_id" and shapes.all_match(shapes.ACCOUNT_NUMBER, column.given):
        return words_of(column.names[0])[-1:] == ["id"]
    return fit(column.names, FIELDS[kind][field], set()) >= STRIPPED - 0.1


def next_page(documents: Sequence[Any]) -> list[str]:
    """The paths at which documents have the token for the next page."""
    found = [names for names, _ in _of_documents(documents, TOKENS)]
    sure = [names for names in found if {"next", "more"}.intersection(words_of(names[-1]))]
    return [path_text(names) for names in sure or found]  # beside a next one, a marker may be that of this page


def stated_total(documents: Sequence[Any], found: Found) -> tuple[str, int] | None:
    """The path at which a document states how many records the list has, and the number."""
    for names, value in _of_documents(documents, TOTALS):
        if isinstance(value, int) and not isinstance(value, bool) and value >= len(found.held) / len(documents):
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
