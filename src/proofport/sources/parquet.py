"""Parquet: a record is a row. Row groups are read in batches, so that memory does not grow with the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from proofport.errors import Problem, UsageError
from proofport.sources.reader import Malformed, Reader, required
from proofport.sources.stream import Stream
from proofport.sources.values import record_of

ROWS = 1_000
"""Rows that are made at once."""

BUFFER = 1 << 16
"""Bytes of a column that are read at once."""


class ParquetReader(Reader):
    """A null in a cell is null. Raises UsageError on opening for a file that is damaged, or cut."""

    numbered_by = "#"

    def __init__(self, stream: Stream) -> None:
        super().__init__(stream)
        self._arrow = required("pyarrow", "parquet", f"{self.name} is Parquet")
        parquet = required("pyarrow.parquet", "parquet", f"{self.name} is Parquet")
        raw = stream.seekable()
        try:
            self._file: Any = parquet.ParquetFile(raw, buffer_size=BUFFER, memory_map=False, pre_buffer=False)
            self.header = self._file.schema_arrow.names
        except (self._arrow.ArrowException, OSError) as error:
            raise UsageError(f"{self.name} is no whole Parquet file: {error}", hint="Write it again.") from None

    def _documents(self) -> Iterator[tuple[int, object]]:
        read = 0
        try:
            for batch in self._batches():
                for row in self._rows(batch):
                    read += 1
                    yield read, row
        except (self._arrow.ArrowException, OSError) as error:
            self.incomplete = f"{self.name} is damaged after record {read}: {error}"
        if self.incomplete is None and read != self._file.metadata.num_rows:
            self.incomplete = f"{self.name} has {read:,} rows, and states {self._file.metadata.num_rows:,}"

    def _batches(self) -> Iterator[Any]:
        """Batches of one row group after the other: a reader of all of them holds pages of two at once."""
        for group in range(self._file.num_row_groups):
            yield from self._file.iter_batches(batch_size=ROWS, row_groups=[group], use_threads=False)

    def _rows(self, batch: Any) -> Iterator[object]:
        try:
            rows = batch.to_pylist(maps_as_pydicts="strict")
        except (self._arrow.ArrowException, ValueError, KeyError):
            for at in range(batch.num_rows):
                yield self._row(batch.slice(at, 1))
            return
        yield from map(record_of, rows)

    def _row(self, one: Any) -> object:
        try:
            return record_of(one.to_pylist(maps_as_pydicts="strict")[0])
        except (self._arrow.ArrowException, ValueError, KeyError) as error:
            return Malformed(Problem(f"a value that Python lacks ({error})", "values that JSON has"))
