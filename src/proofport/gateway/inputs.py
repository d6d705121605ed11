"""What a caller may hand over, and how it is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, cast

from proofport import mapping
from proofport.adapter import Mode
from proofport.evidence import Evidence, Neutral
from proofport.sources import Reader, open_source

Records: TypeAlias = Iterable[Evidence | Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Input:
    """What to read: a path ("-" is standard input), a binary file, records, or a reader; and the source mapping."""

    data: str | Path | BinaryIO | Records | Reader
    source: str | None = None


class AlreadyEvidence:
    """Reads input that is evidence as it stands: each document is one record."""

    of_lines = None

    def __init__(self, kind: str, mode: Mode) -> None:
        self.quick = mapping.compile_kind(kind, mode)

    def records(self, document: object) -> Iterable[tuple[object, object]]:
        return ((document, ()),)

    def __call__(self, record: object, parents: object) -> Neutral:
        return self.quick(record)

    def incomplete(self, document: object) -> str | None:
        return None


class GivenRecords(Reader):
    """Records that a caller of the library holds."""

    numbered_by = "#"

    def __init__(self, records: Records) -> None:
        self.name = "records"
        self.incomplete = None
        self._records = records

    def _documents(self) -> Iterator[tuple[int, object]]:
        for number, record in enumerate(self._records, 1):
            yield number, record.neutral() if isinstance(record, Evidence) else record

    def close(self) -> None:
        """The records belong to the caller."""


def inputs_of(records: Input | Sequence[Input] | Records) -> list[Input]:
    if isinstance(records, Input):
        return [records]
    if isinstance(records, Sequence) and records and all(isinstance(item, Input) for item in records):
        return [item for item in records if isinstance(item, Input)]
    return [Input(records)]  # type: ignore[arg-type]


def open_input(item: Input) -> Reader:
    data = item.data
    if isinstance(data, Reader):
        return data
    if isinstance(data, str | Path):
        return open_source(data)
    return open_source(cast(BinaryIO, data)) if hasattr(data, "read") else GivenRecords(data)
