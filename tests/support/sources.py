"""The built-in sources, the inputs of their own tests, and what is made of those: with other ids, or refused."""

from __future__ import annotations

import csv
import io
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Collection, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from tests.support.evidence import Record

from proofport.accounting import LeftOut
from proofport.errors import Rejected
from proofport.gateway import Input
from proofport.mapping import MappingFile, MappingLibrary, SourceMapping, compile_source
from proofport.mapping.compile.pages import SCIM_TOTAL
from proofport.mapping.language.paths import Path
from proofport.sources.pages import Pages

PREFIX = "sources/"
LIBRARY = MappingLibrary()
OWN = ("id", "email", "serial_number", "mac_address", "uuid")
"""The fields by which a vendor may take two records for one."""

WRONG: tuple[Any, ...] = ({"wrong": "value"}, "wrong", [{"wrong": "value"}])
Leaf = tuple[Any, ...]
"""The way to a value that is neither an object nor a list: keys, numbers, and last a cell of a table."""


@dataclass(frozen=True)
class Cell:
    """A place in a CSV table that a document has in base64."""

    row: int
    column: int


def sources() -> list[MappingFile]:
    """Every source mapping that is built in."""
    return [LIBRARY.find(name) for name in LIBRARY.names() if name.startswith(PREFIX)]


def short(source: MappingFile) -> str:
    return source.name.removeprefix(PREFIX)


@dataclass(frozen=True)
class Sample:
    """One input of a source, and what its mapping makes of it."""

    name: str
    mapping: SourceMapping = field(repr=False)
    document: Any = field(repr=False)
    values: dict[str, str] = field(default_factory=dict)

    @cached_property
    def records(self) -> list[Any]:
        return list(self.mapping.records(self.document))

    @cached_property
    def made(self) -> list[Record | LeftOut | Rejected]:
        return [self._made(*each) for each in self.records]

    def _made(self, record: Any, parents: Any) -> Record | LeftOut | Rejected:
        try:
            return self.mapping(record, parents)
        except (LeftOut, Rejected) as error:
            return error

    @property
    def good(self) -> list[Record]:
        return [each for each in self.made if isinstance(each, dict)]

    @property
    def left(self) -> list[LeftOut]:
        return [each for each in self.made if isinstance(each, LeftOut)]

    @property
    def ids(self) -> set[str]:
        """Of the good ones."""
        return {self.key(each["id"]) for each in self.good}

    @property
    def refused(self) -> list[str | None]:
        """The ids of those that are refused, None where it cannot be read."""
        pairs = zip(self.records, self.made, strict=True)
        return [self.mapping.id_of(*given) for given, made in pairs if isinstance(made, Rejected)]

    @property
    def page(self) -> Pages:
        return self.mapping.page(self.document, self.name, len(self.records))

    @property
    def is_good(self) -> bool:
        """True if it is a whole list of good records with different ids."""
        return bool(self.good) and len(self.made) == len(self.ids) and self.page.flaw is None

    def key(self, record_id: str) -> str:
        folds = self.mapping.folds or "@" in record_id or record_id.startswith("/subscriptions/")
        return record_id.casefold() if folds else record_id

    def input(self, label: str | None = None) -> Input:
        """A source of its own unless labelled, so that the pages of one test are none of another's list."""
        return Input([self.document], source=self.mapping.name, label=label or self.name, values=self.values)

    def changed(self, name: str, document: Any) -> Sample:
        return Sample(name, self.mapping, document, self.values)


def samples(source: MappingFile) -> list[Sample]:
    """The inputs of a source's own tests."""
    return [
        Sample(f"{number}. {test.name}", _compiled(source.name, *test.values.items()), test.input, dict(test.values))
        for number, test in enumerate(source.tests, 1)
    ]


@cache
def _compiled(name: str, *values: tuple[str, str]) -> SourceMapping:
    return compile_source(LIBRARY.find(name), dict(values))


def good_ones(source: MappingFile, given: Sequence[Sample]) -> list[Sample]:
    """The good records of some samples with different ids, each as a list of its own, where a list can be cut up."""
    found: list[Sample] = []
    for sample in given:
        cut = [_alone(source, sample, number) for number in range(len(sample.made))] if len(sample.made) > 1 else []
        for each in [*cut, sample]:
            if each.is_good and not any(_shared(each, other) for other in found):
                found.append(each)
    return found


def _alone(source: MappingFile, sample: Sample, number: int) -> Sample:
    """The document with one of its records. Where the records are no items of lists, the document as it is."""
    documents = {id(record) for record, _ in sample.records}
    kept = id(sample.records[number][0])

    def cut(value: Any) -> Any:
        if isinstance(value, list):
            return [cut(each) for each in value if id(each) not in documents or id(each) == kept]
        return {name: cut(each) for name, each in value.items()} if isinstance(value, dict) else value

    document = cut(sample.document)
    if (total := _total(sample, source)) is not None:
        total.tree.update_or_create(document, 1)
    return sample.changed(f"{sample.name} ({number + 1})", document)


def apart(given: Sequence[Sample]) -> list[list[Sample]]:
    """The samples in groups, in each of which an id comes from one of them only."""
    groups: list[list[Sample]] = []
    for sample in given:
        fits = (group for group in groups if not any(_shared(sample, other) for other in group))
        group = next(fits, None)
        if group is None:
            groups.append([sample])
        else:
            group.append(sample)
    return groups


def _shared(one: Sample, other: Sample) -> bool:
    """True if a vendor may take a record of one for a record of the other."""
    first, second = (
        {("id", key) for key in each.ids}
        | {("id", each.key(key)) for key in each.refused if key}
        | {(name, made[name]) for made in each.good for name in OWN[2:] if made.get(name)}
        for each in (one, other)
    )
    return bool(first & second)


# ---------------------------------------------------------------------- made of them
def renamed(given: Sample, name: str, taken: Collection[str]) -> Sample | None:
    """Good records about other things: each record has an id that is not taken. None: no value leads to an id."""
    for step in (1, 2, 3, 5, 8):
        sample = given.changed(name, given.document)
        for number, before in enumerate(given.good):
            for own in OWN:
                if before.get(own) is not None and sample.good[number].get(own) == before[own]:
                    sample = _with_another(sample, number, own, step) or sample
        if sample.is_good and not sample.ids & {*taken, *given.ids}:
            return sample
    return None


def _with_another(given: Sample, number: int, name: str, step: int) -> Sample | None:
    """The sample with another value in the field of one record. The others keep theirs, and all stay as good.

    Of several ways it is the one that changes least, so that the record is still of the same type.
    """
    found: dict[int, Sample] = {}
    for leaf in leaves(given.document):
        value = _another(at(given.document, leaf), step)
        sample = given.changed(given.name, with_value(given.document, leaf, value))
        if list(map(set, sample.good)) == list(map(set, given.good)):
            pairs = list(zip(given.good, sample.good, strict=True))
            if [one[name] != other[name] for one, other in pairs if name in one].count(True) == 1:
                before, after = pairs[number]
                differ = sum(before[each] != after[each] for each in before)
                if before[name] != after[name]:
                    found.setdefault(differ, sample)
    return found[min(found)] if found else None


def _another(value: Any, step: int) -> Any:
    """A value of the same form: its last number is larger, or it has one."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value + step
    if not isinstance(value, str):
        return value
    numbers = list(re.finditer(r"\d+", value))
    if numbers:
        last = numbers[-1]
        more = str(int(last[0]) + step).zfill(len(last[0]))
        return value[: last.start()] + more + value[last.end() :]
    before, at_sign, after = value.partition("@")
    return f"{before}{step}{at_sign}{after}"


def spoiled(given: Sample) -> Sample | None:
    """The same input, of which one record is refused: with an id that can be read, if there is a way."""
    unreadable = None
    for leaf in leaves(given.document):
        for wrong in WRONG:
            sample = given.changed(given.name, with_value(given.document, leaf, wrong))
            if len(sample.made) != len(given.made) or len(sample.refused) != 1 or sample.page.flaw is not None:
                continue
            [record_id] = sample.refused
            if record_id is None:
                unreadable = unreadable or sample
            elif given.key(record_id) in given.ids - sample.ids:
                return sample
    return unreadable


def leaves(value: Any, before: Leaf = ()) -> Iterator[Leaf]:
    """The ways to all values of a document that hold no others."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = list(pairs)
    if not found:
        _, *rows = _table(value) or [[]]
        cells = [Cell(row, column) for row, cells in enumerate(rows, 1) for column in range(len(cells))]
        yield from ((*before, cell) for cell in cells)
        yield before
    for name, inner in found:
        yield from leaves(inner, (*before, name))


def _table(value: Any) -> list[list[str]] | None:
    """The rows of a CSV file in base64; None for any other value."""
    try:
        text = b64decode(value, validate=True).decode()
    except (TypeError, ValueError):
        return None
    return list(csv.reader(io.StringIO(text))) if "," in text and "\n" in text else None


def _encoded(table: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(table)
    return b64encode(text.getvalue().encode()).decode()


def at(document: Any, leaf: Leaf) -> Any:
    for name in leaf:
        if isinstance(name, Cell):
            table = _table(document)
            assert table is not None
            return table[name.row][name.column]
        document = document[name]
    return document


def with_value(document: Any, leaf: Leaf, value: Any) -> Any:
    """A copy of the document with another value in one place."""
    if not leaf:
        return value
    if isinstance(cell := leaf[-1], Cell):
        table = _table(at(document, leaf[:-1]))
        assert table is not None
        table[cell.row][cell.column] = value if isinstance(value, str) else json.dumps(value)
        return with_value(document, leaf[:-1], _encoded(table))
    copied = json.loads(json.dumps(document, default=str))
    at(copied, leaf[:-1])[leaf[-1]] = value
    return copied


# ---------------------------------------------------------------------- pages
def paged(source: MappingFile) -> bool:
    """True if a document of the source may be a page of a list. Those of SCIM say so themselves."""
    return source.incomplete_when is not None or any(_total(sample, source) for sample in samples(source))


def _total(sample: Sample, source: MappingFile) -> Path | None:
    """Where the document states how many records the whole list has."""
    return (source.total or SCIM_TOTAL) if sample.page.total is not None else None


def as_pages(source: MappingFile, first: Sample, last: Sample) -> list[Sample]:
    """Two whole lists as the two pages of one, in the words of the source."""
    documents = [deepcopy(first.document), deepcopy(last.document)]
    if source.incomplete_when is not None:
        source.incomplete_when.tree.update_or_create(documents[0], "the-next-page")
    if (total := _total(first, source)) is not None:
        for document in documents:
            total.tree.update_or_create(document, len(first.made) + len(last.made))
    return [each.changed(each.name, document) for each, document in zip((first, last), documents, strict=True)]
