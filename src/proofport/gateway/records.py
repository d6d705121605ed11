"""Records that a program gives: in a list, or one by one from an iterator, which may be an asynchronous one."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, TypeAlias, TypeGuard

from proofport.accounting import LeftOut
from proofport.errors import Problem, UsageError
from proofport.evidence import KINDS, Custom, Evidence
from proofport.sources import Malformed, Reader
from proofport.sources.pages import Pages

Record: TypeAlias = Evidence | Mapping[str, Any]
Records: TypeAlias = Iterable[Record] | AsyncIterable[Record]

CUSTOM = "custom:<type>"
ONE_KIND = "Push each kind in a run of its own."
BLOCK = 64
"""So many records of an asynchronous iterator are read before they are looked at."""


class GivenRecords(Reader):
    """Records that were read already. They may be read again where the iterable allows it. LeftOut stands for one that
    was left out then."""

    numbered_by = "#"
    incomplete = None

    def __init__(
        self,
        records: Iterable[Record | LeftOut],
        name: str = "records",
        pages: Pages | None = None,
        kind: str | None = None,
    ) -> None:
        """`kind`: a record that is an object of another kind is malformed. None: any object is data."""
        self.name = name
        self.pages = pages
        self._records = records
        self._kind = kind
        self._first = 1

    def _documents(self) -> Iterator[tuple[int, object]]:
        for number, record in enumerate(self._records, self._first):
            yield number, self._document(record) if isinstance(record, Evidence) else record

    def _document(self, record: Evidence) -> object:
        if self._kind is None or _fits(type(record), self._kind):
            return record.neutral()
        found, expected = f"a {type(record).__name__}", f"evidence of the kind {self._kind}, as in the rest of this run"
        return Malformed(Problem(found, expected, hint=ONE_KIND), record.neutral())

    @property
    def digest(self) -> None:
        """None: a receipt cannot say what the records were read from."""

    def changed(self) -> bool:
        return False

    @property
    def modified(self) -> None:
        """None: records that were read already have no age."""

    @property
    def sizes(self) -> None:
        """None: records have no size in bytes."""

    def close(self) -> None:
        """Do nothing: the records belong to the caller."""


class AwaitedRecords(GivenRecords):
    """Records of an asynchronous iterator. Each `fetch` waits for some of them, and iterating gives those."""

    def __init__(self, records: AsyncIterable[Record], kind: str | None) -> None:
        super().__init__([], kind=kind)
        self._coming = aiter(records)
        self._fetched: list[Record] = []

    async def fetch(self) -> bool:
        self._first += len(self._fetched)
        self._records = self._fetched = []
        async for record in self._coming:
            self._fetched.append(record)
            if len(self._fetched) == BLOCK:
                return True
        return False


def is_given(data: object) -> TypeGuard[Records]:
    """True for records, and false for a path, a file, or a reader."""
    return (
        not isinstance(data, str | Reader) and not hasattr(data, "read") and isinstance(data, Iterable | AsyncIterable)
    )


def require_several(records: Records) -> Records:
    """Raises UsageError for one record, and for what holds none, such as a path. A binary file is read as a file is."""
    if isinstance(records, Evidence | Mapping):
        raise UsageError("found one record, expected several", hint="Put it into a list: [record].")
    if isinstance(records, bytes) or not (is_given(records) or hasattr(records, "read")):
        raise UsageError(
            f"found an object of the type {type(records).__name__}, expected records",
            hint='Give a file as Input("FILE"), and records as a list or an iterator.',
        )
    return records


async def all_of(records: Records) -> list[Record]:
    """Read an iterator to its end."""
    require_several(records)
    if isinstance(records, AsyncIterable):
        return [record async for record in records]
    return list(records)


# ------------------------------------------------------------------ kinds
async def begun(records: Records) -> tuple[Records, Sequence[Record]]:
    """The records, and those of them to look at before all are read: all of a sequence, the first of an iterator."""
    if isinstance(records, Sequence):
        return records, records
    if isinstance(records, AsyncIterable):
        coming = aiter(records)
        try:
            first = [await anext(coming)]
        except StopAsyncIteration:
            first = []
        return _joined(first, coming), first
    iterator = iter(records)
    first = list(islice(iterator, 1))
    return chain(first, iterator), first


async def _joined(first: Sequence[Record], coming: AsyncIterator[Record]) -> AsyncIterator[Record]:
    for record in first:
        yield record
    async for record in coming:
        yield record


def kind_of(records: Iterable[Record], kind: str | None) -> str | None:
    """`kind`, or the one that records say which are objects of the model. None: they are plain data.

    Raises UsageError where there are several, and for custom records, which do not say their type.
    """
    models = {model for model in set(map(type, records)) if issubclass(model, Evidence)}
    named = [kind, *(_named(model) for model in models if kind is None or not _fits(model, kind))]
    kinds = sorted({each for each in named if each is not None})
    if len(kinds) > 1:
        raise UsageError(f"the records are of several kinds: {', '.join(kinds)}", hint=ONE_KIND)
    if kinds == [CUSTOM]:
        raise UsageError("records of the class Custom do not say their type", hint=f'Give it: kind="{CUSTOM}".')
    return kinds[0] if kinds else None


def _fits(model: type[Evidence], kind: str) -> bool:
    named = _named(model)
    return named in (kind, None) or (named == CUSTOM and kind.startswith("custom:"))


def _named(model: type[Evidence]) -> str | None:
    """The kind of a model. None: it is none of them, and its objects are read as plain data."""
    if issubclass(model, Custom):
        return CUSTOM
    return next((kind for kind, known in KINDS.items() if issubclass(model, known)), None)
