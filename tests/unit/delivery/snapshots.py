"""A staged snapshot whose records have all been sent, for the tests of its end."""

from __future__ import annotations

from collections.abc import Sequence

from tests.unit.delivery.support import (
    LEASE,
    ScriptedSender,
    StagedTiny,
    Tiny,
    TinyAdapter,
    counts,
    destination,
    listing,
    memory_journal,
    reply,
)

from proofport.accounting import CONFIRMED, rejected
from proofport.delivery.books import RunBooks
from proofport.delivery.destination_run import DestinationRun
from proofport.delivery.ids.ids import IdStore
from proofport.delivery.lane.lease import Holder
from proofport.delivery.report.report import DestinationReport
from proofport.delivery.snapshot.guard import Terms
from proofport.delivery.snapshot.staged import StagedSet
from proofport.errors import Problem
from proofport.journal.contract import Journal, NewRun
from proofport.wire import Reply

TERMS = Terms(max_gone=0.2, max_rejected=0)
BAD = rejected(Problem("x", "y"))


def ten(first: int = 0) -> list[str]:
    return [f"r{n}" for n in range(first, first + 10)]


def page(ids: Sequence[str], following: str | None = None) -> Reply:
    return reply({"ids": list(ids), "next": following})


async def books_of(tried: DestinationRun, journal: Journal) -> RunBooks:
    """Hold the lane, and begin the run in the journal."""
    right, job = await journal.claim(tried.resource.lane, owner="test", lease=LEASE), tried.job
    assert right is not None
    books = RunBooks(
        journal, Holder(right, LEASE), NewRun(job.run_id, tried.name, job.kind, job.mode, staged=tried.stages)
    )
    tried.attach(journal, Holder(right, LEASE), books)
    await books.begin()
    return books


class Snapshot:
    """A staged snapshot whose records have all been sent, and that is about to end."""

    def __init__(
        self,
        ids: IdStore,
        sender: ScriptedSender,
        read: Sequence[str],
        *,
        opened: bool = True,
        made: type[Tiny] = StagedTiny,
    ) -> None:
        self.sender = sender
        self.ids = ids
        self.tried = destination(sender, mode="snapshot", adapter=TinyAdapter(made=made))
        self.tried.memory = {} if opened else None
        self.tried.report.tally.add([CONFIRMED] * len(read))
        #: The new set is the one that the next is compared with.
        self.complete = False
        ids.add(read, list(range(len(read))))

    async def end(self, terms: Terms = TERMS, incomplete: Sequence[str] = ()) -> DestinationReport:
        books = await books_of(self.tried, await memory_journal())
        ending = StagedSet(self.tried, books, terms, self.ids, listing(self.tried, books, terms))
        self.complete = await ending.end(incomplete)
        return self.tried.report

    @property
    def counts(self) -> dict[str, int]:
        return counts(self.tried)
