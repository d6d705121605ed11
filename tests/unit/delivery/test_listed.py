"""The vendor's list held against the journal: which records it lacks, however their ids are written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import pytest
from tests.unit.delivery.snapshots import TERMS, page
from tests.unit.delivery.support import (
    KIND,
    LEASE,
    ListedTiny,
    ScriptedSender,
    TinyAdapter,
    destination,
    memory_journal,
)

from proofport.delivery.lane.live_set import PAGE, LiveSet
from proofport.delivery.snapshot.guard import Terms
from proofport.delivery.snapshot.listed import VendorList
from proofport.errors import GuardRefused
from proofport.journal.contract import IN_DOUBT, BatchDone, Journal, NewRun, Sent

LANE = f"tiny/{KIND}"
OVERRIDE = Terms(0.2, 0, override="they were removed")


@pytest.fixture
def live() -> Iterator[LiveSet]:
    with closing(LiveSet(partial=False)) as made:
        yield made


async def journal_with(*ids: str, bodies: Sequence[int] = (), spellings: Sequence[str | None] = ()) -> Journal:
    journal = await memory_journal()
    run = await journal.claim(LANE, owner="test", lease=LEASE)
    assert run is not None
    await run.begin(NewRun("1", "tiny", KIND, "upsert"))
    sent = Sent(ids, list(bodies) or [7] * len(ids), spellings=spellings)
    await run.batch_done("1", BatchDone(0, 1, len(ids), len(ids), b"", "", sent))
    await run.end("1", complete=True, report="{}")
    await run.release()
    return journal


async def read(journal: Journal, live: LiveSet, shown: Sequence[str], terms: Terms = TERMS, **how: Any) -> list[str]:
    """The ids that count as held."""
    tried = destination(ScriptedSender(list_records=page(shown)), adapter=TinyAdapter(made=ListedTiny))
    vendor_list = VendorList(tried, journal, terms, live, **how)
    await vendor_list.read()
    await vendor_list.read()
    assert len(tried.vendor.sender.calls) == 1  # type: ignore[attr-defined]
    return [each for ids in live.held() for each in ids]


@pytest.mark.parametrize("shown", [["Ana@example.com"], ["ana@example.com"], [" ana@example.com "]])
async def test_a_record_is_shown_however_its_id_is_written(live: LiveSet, shown: list[str]) -> None:
    assert await read(await journal_with("ana@example.com"), live, shown) == shown


async def test_an_id_that_was_folded_is_shown_as_it_was_written_first(live: LiveSet) -> None:
    """The mapping of this run does not fold."""
    journal = await journal_with("vm-1", "vm-2", spellings=["VM-1", "Vm-2"])
    assert await read(journal, live, ["VM-1", "Vm-2"]) == ["VM-1", "Vm-2"]


async def test_what_may_have_arrived_is_held_and_makes_no_list_short(live: LiveSet) -> None:
    """A killed run had eight records on the wire, and none of them arrived."""
    ids = [f"r{number}" for number in range(10)]
    journal = await journal_with(*ids, bodies=[7, 7] + [IN_DOUBT] * 8)
    assert await read(journal, live, ids[:2]) == ids


async def test_a_list_that_lacks_what_arrived_is_refused(live: LiveSet) -> None:
    ids = [f"r{number}" for number in range(12)]
    journal = await journal_with(*ids, bodies=[7] * 10 + [IN_DOUBT] * 2)
    with pytest.raises(GuardRefused, match="tiny shows 7 of 10 records delivered from here"):
        await read(journal, live, ids[:7])


async def test_an_override_forgets_what_the_list_lacks(live: LiveSet) -> None:
    """More than a page of it."""
    ids, forgotten = sorted(f"r{number}" for number in range(PAGE + 10)), list[str]()

    async def forget(some: Sequence[str]) -> None:
        forgotten.extend(some)

    assert await read(await journal_with(*ids), live, ids[:4], OVERRIDE, forget=forget) == ids[:4]
    assert sorted(forgotten) == ids[4:]


async def test_an_override_that_is_not_needed_forgets_nothing(live: LiveSet) -> None:
    ids = [f"r{number}" for number in range(10)]
    assert await read(await journal_with(*ids), live, ids[:8], OVERRIDE) == ids
