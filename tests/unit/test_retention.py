"""Pruning on a schedule: once in each period, however many processes share the journal."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.support.journals import MemoryJournal

from proofport.config import Config
from proofport.config.configuration import Retention
from proofport.errors import ConfigError, JournalError
from proofport.gateway import Gateway
from proofport.gateway.upkeep import retention
from proofport.gateway.upkeep.retention import keeping_pruned
from proofport.journal.contract import Filter, NewDelivery, Pruned

DAILY = Retention.model_validate({"older_than": "90d"})
DAY = 86_400.0


class Counting(MemoryJournal):
    """Counts how often pruning has begun, and may fail at it."""

    def __init__(self, *, fails: int = 0) -> None:
        super().__init__()
        self.begun = 0
        self.fails = fails
        self.told = asyncio.Event()

    async def expire_snapshots(self) -> int:
        self.begun += 1
        self.told.set()
        if self.begun <= self.fails:
            raise JournalError("the disk fails")
        return await super().expire_snapshots()

    async def until_begun(self) -> None:
        await asyncio.wait_for(self.told.wait(), 30)
        self.told.clear()


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "TRY_AGAIN", 0.01)


async def looked(journal: Counting, times: int = 5) -> None:
    """Until everybody has asked for the lease some times more."""
    asked = 0
    take = journal.take_lease
    enough = asyncio.Event()

    async def counted(*given: Any, **named: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked > times:
            enough.set()
        return await take(*given, **named)

    journal.take_lease = counted  # type: ignore[method-assign]
    await asyncio.wait_for(enough.wait(), 30)


async def test_one_of_those_who_share_a_journal_prunes_in_a_period() -> None:
    journal = Counting()
    [old] = (await journal.accept([NewDelivery("a", "one", "device", "upsert", b"[]", 1)])).ids
    await journal.cancel(Filter(ids=[old]), "a mistake")
    now = journal.clock()
    async with keeping_pruned(journal, DAILY), keeping_pruned(journal, DAILY), keeping_pruned(journal, DAILY):
        await journal.until_begun()
        await looked(journal)
        assert journal.begun == 1
        journal.clock = lambda: now + DAY + 1
        await journal.until_begun()
        await looked(journal)
        assert journal.begun == 2
    assert [each.id for each in await journal.find(Filter())] == [old], "it is young"


async def test_a_journal_that_fails_is_pruned_later() -> None:
    journal = Counting(fails=2)
    async with keeping_pruned(journal, DAILY):
        for _ in range(3):
            await journal.until_begun()


async def test_who_is_stopped_in_the_middle_leaves_the_rest_to_another(monkeypatch: pytest.MonkeyPatch) -> None:
    journal, windows, stopping = Counting(), 0, asyncio.Event()

    async def endless(*_: object, **__: object) -> Pruned:
        nonlocal windows
        windows += 1
        stopping.set()
        await asyncio.sleep(0)
        return Pruned((), 1)

    with monkeypatch.context() as patched:
        patched.setattr(journal, "prune", endless, raising=False)
        async with keeping_pruned(journal, DAILY):
            await stopping.wait()
    async with keeping_pruned(journal, DAILY):
        journal.told.clear()
        await journal.until_begun()
    assert journal.begun == 2


async def test_nothing_is_pruned_unless_it_is_configured() -> None:
    journal = Counting()
    async with keeping_pruned(journal, None):
        pass
    assert journal.begun == 0


async def test_a_worker_prunes(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "proofport.yaml"
    path.write_text("instance: t\nretention: {older_than: 90d, every: 6h}\ndestinations: {}\n")
    gateway, journal = Gateway.from_file(path), Counting()
    assert gateway.config.retention == Retention.model_validate({"older_than": "90d", "every": "6h"})
    assert (gateway.config.retention.older_than, gateway.config.retention.every) == (90 * DAY, DAY / 4)
    gateway._journal, stop = journal, asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(gateway.work(stop))
        await journal.until_begun()
        stop.set()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "{older_than: 12h}",
            "retention.older_than: found '12h', expected a number with s, m, h or d, such as 26h or 2d, at least 1d",
        ),
        (
            "{older_than: 90}",
            "retention.older_than: found 90, expected a number with s, m, h or d, such as 26h or 2d, at least 1d",
        ),
        (
            "{older_than: 9d, every: 0h}",
            "retention.every: found '0h', expected a number with s, m, h or d, such as 26h or 2d, at least 1h",
        ),
        ("{every: 1d}", "retention.older_than: found nothing, expected a value"),
    ],
)
def test_times_are_spans(tmp_path: Any, text: str, message: str) -> None:
    path = tmp_path / "proofport.yaml"
    path.write_text(f"instance: t\nretention: {text}\n")
    with pytest.raises(ConfigError) as caught:
        Config.load(path)
    assert message in str(caught.value)
