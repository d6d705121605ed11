"""Decodes the documents of one input, as the delivery sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from proofport.evidence import Neutral
from proofport.sources.pages import Pages


class Decoder(Protocol):
    """Turns the documents of one input into neutral records."""

    @property
    def quick(self) -> Callable[[Any], Neutral] | None:
        """The same as calling it, where every document is one record and none says that there is more."""

    @property
    def of_lines(self) -> Callable[[bytes], list[Neutral | None]] | None:
        """The same from text, a line each, and quicker. None for a line that goes the whole way."""

    @property
    def folds(self) -> bool:
        """True if ids of its records are the same where they differ in case alone."""

    @property
    def source(self) -> str:
        """The name of the source, the same in every run."""

    @property
    def optional(self) -> Sequence[str]:
        """The fields that its rules make only where they match something."""

    def records(self, document: object) -> Iterable[tuple[Any, Any]]: ...
    def __call__(self, record: Any, parents: Any) -> Neutral:
        """Raises Rejected, and LeftOut."""
        ...

    def id_of(self, record: Any, parents: Any = ()) -> str | None:
        """The id of a record that is refused. None where it cannot be read for sure: it is never guessed."""
        ...

    def page(self, document: object, place: str, records: int) -> Pages | None:
        """The page that a document with `records` records is, of which list. The document may be Malformed."""
        ...

    def unread(self, record: object) -> Sequence[str]:
        """The places in a raw record that no rule reads."""
        ...

    def lacks(self, header: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """The optional fields that no row of a table with these columns has, each with the places of its rule."""
        ...
