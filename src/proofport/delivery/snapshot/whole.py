"""Decides if a set is whole: its sources were read to their end, and every record has an answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from proofport.accounting import Status
from proofport.adapter import Mode
from proofport.delivery.books import InputChanged, RunBooks
from proofport.delivery.destination_run import DestinationRun
from proofport.errors import GuardRefused
from proofport.sources import Reader
from proofport.sources.pages import Pages


class Chains:
    """The pages of a run: those of one source are one chain, in the order in which they are given."""

    def __init__(self) -> None:
        #: What the pages of a source say together, and the numbers of the inputs that hold them.
        self._of: dict[tuple[str, str], tuple[Pages, list[int]]] = {}

    def add(self, number: int, source: str, pages: Pages | None) -> None:
        """Take the pages of the next input, which is given with its number and the name of its source."""
        if pages is not None:
            before, inputs = self._of.get((source, pages.source), (None, []))
            chain = before.then(pages) if before is not None else pages
            self._of[source, pages.source] = chain, [*inputs, number]

    def flaws(self, repeated: Mapping[tuple[int, int], int]) -> Iterator[tuple[int, str]]:
        """For each chain that is not whole: the number of its last input, and the reason.

        `repeated` is how many records of an input, the second number, have an id that an input had before.
        """
        for pages, inputs in self._of.values():
            count = sum(n for pair, n in repeated.items() if set(pair) <= set(inputs))
            if (flaw := pages._replace(repeated=count).flaw) is not None:
                yield inputs[-1], flaw


def end_of(reader: Reader, read: int, mode: Mode) -> tuple[str | None, str | None]:
    """Why an input with `read` records is not whole, if it is not; else what a person should know about its end.

    A last line that may be cut is a reason only where the records that follow it would be gone.
    """
    if reader.incomplete is not None:
        return reader.incomplete, None
    if reader.expected is not None and reader.expected != read:
        verb = "was" if read == 1 else "were"
        return f"{reader.name} should have {records(reader.expected)}, and {read:,} {verb} read", None
    if reader.doubt is None or reader.last_line_whole:
        return None, None
    if mode != "snapshot":
        return None, f"{reader.doubt}. Look at the last record."
    return f"{reader.doubt}; if the file is whole, push it again with --last-line-whole", None


def require_read_to_end(incomplete: Sequence[str]) -> None:
    """Raise GuardRefused unless every source was read to its end. `incomplete` says of each that was not, why."""
    if incomplete:
        raise GuardRefused(
            f"the source was not read to its end: {'; '.join(incomplete)}",
            hint="Fetch the rest and push all parts in one snapshot; what is missing would look deleted.",
        )


async def flaw_of(destination: DestinationRun, books: RunBooks) -> str | None:
    """Why what was delivered cannot stand for the whole source, if it cannot. Refused records are counted elsewhere."""
    if destination.stopped is None:
        try:
            books.check_end()
        except InputChanged as error:
            await destination.halt(error)
    if destination.stopped is not None:
        return "the delivery was stopped"
    unknown = destination.report.tally.status[Status.UNKNOWN]
    return f"{records(unknown)} with an unknown outcome" if unknown else None


def records(count: int) -> str:
    return "1 record" if count == 1 else f"{count:,} records"
