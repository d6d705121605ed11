"""Pages of one source: what they say about the whole list, and how many of its records they hold."""

from __future__ import annotations

from typing import NamedTuple


class Pages(NamedTuple):
    """Pages that follow each other, taken together. One page alone is such a chain, too."""

    #: The source that all of them come from.
    source: str
    #: The place of the last one, for a person.
    last: str
    #: Records on all of them, the refused ones included.
    records: int = 0
    #: How many pages they are.
    number: int = 1
    #: Records whose id was read on them before.
    repeated: int = 0
    #: How the last one says that more follow, if it does.
    more: str | None = None
    #: The number of records in the whole list, as the last page that has one states it, ...
    total: int | None = None
    #: ... with its place, and where it states that.
    stated_by: str = ""
    stated_in: str = ""
    #: How two of them contradict each other, if they do.
    contradiction: str | None = None

    def then(self, page: Pages) -> Pages:
        """These pages and the one, or those, after them."""
        stating = page if page.total is not None else self
        return Pages(
            page.source,
            page.last,
            self.records + page.records,
            self.number + page.number,
            self.repeated + page.repeated,
            page.more,
            stating.total,
            stating.stated_by,
            stating.stated_in,
            self.contradiction or page.contradiction or self._contradicted_by(page),
        )

    def _contradicted_by(self, page: Pages) -> str | None:
        if self.total is None or page.total is None or self.total == page.total:
            return None
        why = "the list changed while it was fetched, or these are pages of two lists"
        return f"{page._stated}, but {self._stated}: {why}"

    @property
    def _stated(self) -> str:
        return f"{self.stated_by} states a total of {self.total:,} in {self.stated_in}"

    @property
    def flaw(self) -> str | None:
        """Why these pages are not a whole list, if they are not."""
        if self.contradiction is not None:
            return self.contradiction
        if self.more is not None:
            return f"{self.last} is the last page that was given, and {self.more}; {self._read}"
        if self.total is not None and self.total != self.records - self.repeated:
            return f"{self._stated}; {self._read}"
        return None

    @property
    def _read(self) -> str:
        repeated = f" ({self.repeated:,} of them repeated)" if self.repeated else ""
        verb = "was" if self.records == 1 else "were"
        return f"{_counted(self.records, 'record')}{repeated} {verb} read from {_counted(self.number, 'page')}"


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}" + ("" if number == 1 else "s")


def joined(before: Pages | None, page: Pages | None) -> Pages | None:
    """A chain with one more page. None: there is none."""
    return before.then(page) if before is not None and page is not None else page or before
