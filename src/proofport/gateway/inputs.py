"""The inputs that a caller may give, and the readers for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, cast

from proofport import mapping
from proofport.adapter import Mode
from proofport.delivery.observed import FIELD, latest, require_passed
from proofport.delivery.reading import Decoder
from proofport.evidence import Evidence, Neutral, format_timestamp, moment_of
from proofport.gateway.cells import read_as_evidence
from proofport.sources import Format, Reader, open_source
from proofport.sources.pages import Pages
from proofport.sources.xlsx import WORKBOOK_BYTES

EVIDENCE = "evidence"
"""The source of records that no mapping reads."""

Records: TypeAlias = Iterable[Evidence | Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Input:
    """One input, and its source mapping."""

    #: A path ("-" is standard input), a binary file, records, or a reader.
    data: str | Path | BinaryIO | Records | Reader
    source: str | None = None
    label: str | None = None  #: Names the source of the records, the same in every run. None: its mapping does.
    #: The records are evidence that a source mapping has made, and their ids are the same where they differ in case
    #: alone.
    folds: bool = False
    #: The format, where neither the name of a file nor its beginning tells it.
    format: Format | None = None


class AlreadyEvidence:
    """Decodes input that is evidence already: each document is one record."""

    of_lines = None
    source = EVIDENCE

    def __init__(self, kind: str, mode: Mode, *, folds: bool = False) -> None:
        self.folds = folds
        self.quick = mapping.compile_kind(kind, mode)

    def records(self, document: object) -> Iterable[tuple[object, object]]:
        return ((document, ()),)

    def __call__(self, record: object, parents: object) -> Neutral:
        return self.quick(record)

    def id_of(self, record: object, parents: object = ()) -> str | None:
        return mapping.id_of_evidence(record)

    def page(self, document: object, place: str, records: int) -> None:
        return None


class Passed:
    """A decoder whose records were observed at a time that has passed, or at none. All input goes through one."""

    def __init__(self, decoder: Decoder, tolerance: float) -> None:
        self.folds = decoder.folds
        self.source = decoder.source
        self.records = decoder.records
        self.id_of = decoder.id_of
        self.page = decoder.page
        self._decoder = decoder
        self._tolerance = tolerance

    def __call__(self, record: Any, parents: Any) -> Neutral:
        return require_passed(self._decoder(record, parents), self._tolerance)

    @cached_property
    def quick(self) -> Callable[[Any], Neutral] | None:
        read = self._decoder.quick
        return None if read is None else lambda document: require_passed(read(document), self._tolerance)

    @cached_property
    def of_lines(self) -> Callable[[bytes], list[Neutral | None]] | None:
        """Declines lines whose time may be yet to come; `quick` then looks closely."""
        made = self._decoder.of_lines
        if made is None:
            return None

        def passed(text: bytes) -> list[Neutral | None]:
            limit = format_timestamp(moment_of(latest(self._tolerance)))
            return [each if each is None or (each.get(FIELD) or "") <= limit else None for each in made(text)]

        return passed


class GivenRecords(Reader):
    """Records that were read already. They may be read again where the iterable allows it."""

    numbered_by = "#"
    incomplete = None

    def __init__(self, records: Records, name: str = "records", pages: Pages | None = None) -> None:
        self.name = name
        self.pages = pages
        self._records = records

    def _documents(self) -> Iterator[tuple[int, object]]:
        for number, record in enumerate(self._records, 1):
            yield number, record.neutral() if isinstance(record, Evidence) else record

    def changed(self) -> bool:
        return False

    @property
    def sizes(self) -> None:
        """None: records have no size in bytes."""

    def close(self) -> None:
        """Do nothing: the records belong to the caller."""


def inputs_of(records: Input | Sequence[Input] | Records) -> list[Input]:
    if isinstance(records, Input):
        return [records]
    if isinstance(records, Sequence) and records and all(isinstance(item, Input) for item in records):
        return list(cast(Sequence[Input], records))
    return [Input(cast(Records, records))]


def open_input(item: Input, kind: str, workbook_bytes: int = WORKBOOK_BYTES) -> Reader:
    """A reader for an input. A table without a source mapping is evidence of that kind."""
    data = item.data
    if isinstance(data, Reader):
        return data
    if not isinstance(data, str | Path) and not hasattr(data, "read"):
        return GivenRecords(data)
    reader = open_source(cast("str | Path | BinaryIO", data), format=item.format, workbook_bytes=workbook_bytes)
    if item.source is None and reader.tabular:
        read_as_evidence(reader, kind)
    return reader
