"""The base of every reader: it numbers documents, marks malformed ones, and notes if the input was not read whole."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from proofport.errors import Problem, UsageError
from proofport.sources.pages import Pages
from proofport.sources.stream import Stream

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Malformed:
    """Stands where a document should be. The reader goes on with the next one."""

    problem: Problem
    #: The document as far as it could be decoded, to find its id by. Bytes that are not UTF-8 are lone surrogates in
    #: it. None: nothing of it is sure.
    part: object = None


class Reader(ABC):
    """One input, read once: iterating yields `(n, document)`, or `(n, Malformed)` for what cannot be decoded.

    `n` counts from 1: the line for NDJSON and CSV (the first line of a CSV record), the record for a JSON array.
    Use it as a context manager. Iterating to the end closes it, too.
    """

    #: True if the input is one JSON document. Whoever finds the records in it counts them.
    whole = False
    #: Stands between the name and the number: `:` before a line, `#` before a record.
    numbered_by = ":"
    #: True if a document is a row of cells, a dict from the name of a column to what its cell holds.
    tabular = False
    #: The names of its columns, where it is one table. Known before a row is read.
    header: Sequence[str] | None = None
    #: What its pages say, where they were read before.
    pages: Pages | None = None
    #: How many records it holds, as somebody says who knows.
    expected: int | None = None
    #: Its last line is whole, as somebody says who knows, although no line end follows.
    last_line_whole = False
    #: Why its last record may be cut, although it was read to its end. Known after iteration.
    doubt: str | None = None
    #: Makes something else of each document, Malformed or not. None: they stay as they are.
    convert: Callable[[object], object] | None = None

    def __init__(self, stream: Stream) -> None:
        self.name = stream.name
        #: After iteration, the reason why the input was not read to its end.
        self.incomplete: str | None = None
        self._stream = stream

    @abstractmethod
    def _documents(self) -> Iterator[tuple[int, object]]: ...

    def __iter__(self) -> Iterator[tuple[int, object]]:
        documents = self._documents()
        if (convert := self.convert) is not None:
            documents = ((n, convert(document)) for n, document in documents)
        return self.guarded(documents)

    def guarded(self, reading: Iterator[T]) -> Iterator[T]:
        """Read through to the end, close the input, and note why it could not be read to its end."""
        try:
            yield from reading
            if self.changed():
                self.incomplete = f"{self.name} was changed while it was read"
        except OSError as error:
            self.incomplete = f"reading {self.name} failed: {error.strerror or error}"
        finally:
            self.close()

    async def fetch(self) -> bool:
        """Wait for what only a coroutine can read, before iterating. True if there is more to fetch after that."""
        return False

    def position(self, n: int) -> str:
        """Where `n` is, for a person: `file.ndjson:12` (line), `file.json#3` (record)."""
        return f"{self.name}{self.numbered_by}{n}"

    @property
    def digest(self) -> str | None:
        """Hexadecimal SHA-256 of what was read so far. None: it has none, or nobody asked for it."""
        return self._stream.digest

    def changed(self) -> bool:
        """True if the input was written to since it was opened."""
        return self._stream.changed

    @property
    def modified(self) -> float | None:
        """When the input was last written to before it was opened, in seconds since 1970. None: it has no such time."""
        return self._stream.modified

    @property
    def sizes(self) -> tuple[int, int] | None:
        """Bytes read so far, and bytes in all; None where nobody knows how many there are."""
        return self._stream.sizes

    def close(self) -> None:
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def required(module: str, extra: str, what: str) -> Any:
    """A module that only some formats need. Raises UsageError if it is not installed. `what` needs it."""
    try:
        return importlib.import_module(module)
    except ImportError:
        hint = f"Install what reads it: pip install 'proofport[{extra}]'"
        raise UsageError(f"{what}, and nothing is installed that reads it", hint=hint) from None


def share_read(readers: Sequence[Reader]) -> float | None:
    """The share of the inputs' bytes that is read. None where an input is no file, so that nobody knows its size."""
    sizes = [sizes for reader in readers if (sizes := reader.sizes) is not None]
    if len(sizes) < len(readers) or not any(size for _, size in sizes):
        return None
    return sum(done for done, _ in sizes) / sum(size for _, size in sizes)
