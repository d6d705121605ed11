"""The inputs that a caller may give, and the readers for them."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Generic, TypeVar, cast

from proofport import mapping
from proofport.adapter import Mode
from proofport.delivery.reading.decoder import Decoder
from proofport.delivery.reading.observed import FIELD, latest, require_passed
from proofport.errors import UsageError
from proofport.evidence import Neutral, format_timestamp, moment_of
from proofport.gateway.cells import read_as_evidence
from proofport.gateway.records import (
    AwaitedRecords,
    GivenRecords,
    Record,
    Records,
    begun,
    is_given,
    kind_of,
    require_several,
)
from proofport.sources import Format, Reader, open_source
from proofport.sources.xlsx import WORKBOOK_BYTES
from proofport.text.durations import in_words

EVIDENCE = "evidence"
"""The source of records that no mapping reads."""


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
    #: Values for its source mapping alone. They go before those of the whole run.
    values: Mapping[str, str] = field(default_factory=dict)
    records: int | None = None  #: How many records it holds. Another number means that it is not whole.
    #: The last line of a CSV is whole, although no line end follows. A snapshot without this refuses such a file.
    last_line_whole: bool = False
    #: The format, where neither the name of a file nor its beginning tells it.
    format: Format | None = None


class AlreadyEvidence:
    """Decodes input that is evidence already: each document is one record."""

    of_lines = None
    source = EVIDENCE
    optional = ()

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

    def unread(self, record: object) -> list[str]:
        return []

    def lacks(self, header: Sequence[str]) -> dict[str, list[str]]:
        return {}


D = TypeVar("D", bound=Decoder)


class DecoderAround(Generic[D]):
    """A decoder that is another one but for how it reads a record."""

    def __init__(self, decoder: D) -> None:
        self.folds = decoder.folds
        self.source = decoder.source
        self.optional = decoder.optional
        self.records = decoder.records
        self.id_of = decoder.id_of
        self.page = decoder.page
        self.unread = decoder.unread
        self.lacks = decoder.lacks
        self._decoder = decoder


class Passed(DecoderAround[AlreadyEvidence | mapping.SourceMapping]):
    """A decoder whose records were observed at a time that has passed, or at none. All input goes through one."""

    def __init__(self, decoder: AlreadyEvidence | mapping.SourceMapping, tolerance: float) -> None:
        super().__init__(decoder)
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
        decoder, made = self._decoder, self._decoder.of_lines
        if made is None or (isinstance(decoder, mapping.SourceMapping) and FIELD not in decoder.fields):
            return made

        def passed(text: bytes) -> list[Neutral | None]:
            limit = format_timestamp(moment_of(latest(self._tolerance)))
            return [each if each is None or (each.get(FIELD) or "") <= limit else None for each in made(text)]

        return passed


def inputs_of(records: Input | Sequence[Input] | Records) -> list[Input]:
    if isinstance(records, Input):
        return [records]
    if isinstance(records, Sequence) and records and all(isinstance(item, Input) for item in records):
        return list(cast(Sequence[Input], records))
    return [Input(require_several(cast(Records, records)))]


async def typed(inputs: Sequence[Input], kind: str | None) -> tuple[list[Input], str | None]:
    """The inputs, and their kind, which records that are objects of the model say by themselves. None: they do not.

    Raises UsageError where they are of several kinds, or not of `kind`.
    """
    found, at_hand = list(inputs), list[Record]()
    for number, item in enumerate(inputs):
        if item.source is None and is_given(item.data):
            records, some = await begun(item.data)
            found[number] = replace(item, data=records)
            at_hand += some
    return found, kind_of(at_hand, kind)


def require_young(readers: Sequence[Reader], most: float | None, now: float) -> list[str]:
    """Notes about inputs that have no age. Raises UsageError for a file that was last modified too long ago."""
    if most is None:
        return []
    notes = []
    for reader in readers:
        if isinstance(reader, GivenRecords):
            continue
        if reader.modified is None:
            notes.append(f"{reader.name} has no age: it is no file, so the limit on the age of inputs was not applied.")
        elif now - reader.modified > most:
            raise UsageError(
                f"{reader.name} is too old: it was last modified {in_words(now - reader.modified)} ago, "
                f"and at most {in_words(most)} are allowed",
                hint="Nothing was sent. Make the file again: look why the job that writes it did not. To push it all "
                "the same, allow more with --max-input-age.",
            )
    return notes


def open_input(item: Input, kind: str, workbook_bytes: int = WORKBOOK_BYTES, *, hashed: bool = False) -> Reader:
    """A reader for an input. A table without a source mapping is evidence of that kind, and so are objects.

    `hashed`: its bytes get a digest. Raises UsageError.
    """
    reader = _reader_of(item, kind, workbook_bytes, hashed)
    reader.expected, reader.last_line_whole = item.records, item.last_line_whole
    return reader


def _reader_of(item: Input, kind: str, workbook_bytes: int, hashed: bool) -> Reader:
    data = item.data
    if isinstance(data, Reader):
        return data
    if is_given(data):
        of_kind = kind if item.source is None else None
        if isinstance(data, AsyncIterable):
            return AwaitedRecords(data, kind=of_kind)
        return GivenRecords(data, kind=of_kind)
    place = cast("str | Path | BinaryIO", data)
    reader = open_source(place, format=item.format, workbook_bytes=workbook_bytes, hashed=hashed)
    if item.source is None and reader.tabular:
        read_as_evidence(reader, kind)
    return reader
