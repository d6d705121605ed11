"""Each write of a push, of an acceptance and of a worker fails once, or is the last one: the next run ends all of it.

A sample of the writes, and all of them in a soak.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple, cast
from zlib import crc32

import pytest
from tests.crash.faults import Camera, Disk, Kind, QuickJournal, SessionTiny, There, put_in
from tests.crash.scene import SOAK
from tests.support.clock import Clock
from tests.unit.delivery.runs import Vendor, counts, push, write
from tests.unit.delivery.support import KIND, LEASE, EndingTiny, Plain, Tiny

from proofport.adapter import Mode
from proofport.delivery.queue.worker import Worker
from proofport.delivery.report.report import RunReport
from proofport.delivery.snapshot.guard import Terms
from proofport.delivery.target import Target
from proofport.errors import JournalError
from proofport.gateway.upkeep.check import damage_in
from proofport.journal import opened, scheduler
from proofport.journal.contract import Filter, IdempotencyRecord, Journal, LaneView, NewDelivery

SAMPLES = 2
LANE = f"here/{KIND}"
BEFORE: list[dict[str, Any]] = [{"id": f"r{n}", "v": 1} for n in range(6)]
NOW: list[dict[str, Any]] = [{"id": f"r{n}", "v": 2} for n in range(1, 7)]
FEWER: list[dict[str, Any]] = [{"id": f"r{n}", "v": 3} for n in range(1, 6)]


def sampled(count: int, about: str) -> Sequence[int]:
    """Numbers from 1 to `count`: all of them in a soak, else SAMPLES of them, other ones for each test."""
    step = 1 if SOAK else max(1, count // SAMPLES)
    return range(1 + crc32(about.encode()) % step, count + 1, step)


class Case(NamedTuple):
    name: str
    made: type[Tiny]
    mode: Mode
    #: What the vendor holds once all went well.
    expected: dict[str, Any]


CASES = [
    Case("upsert", Tiny, "upsert", {row["id"]: row for row in (*BEFORE, *NOW)}),
    Case("staged", SessionTiny, "snapshot", {row["id"]: row for row in NOW}),
    Case("ended", EndingTiny, "snapshot", {row["id"]: row for row in NOW}),
]


class Pushed:
    """A folder with a journal, and a vendor: what was there before, and what pushing `NOW` makes of it."""

    def __init__(self, case: Case, folder: Path, there: There, clock: Clock) -> None:
        self.case = case
        self.folder = folder
        self.there = there
        self.clock = clock

    def copy(self, name: str) -> Pushed:
        folder = self.folder.with_name(name)
        shutil.copytree(self.folder, folder)
        return Pushed(self.case, folder, deepcopy(self.there), Clock(self.clock.now))

    def journal(self) -> Journal:
        return QuickJournal(self.folder / "journal", clock=self.clock)

    async def push(self, file: str, run_id: str, moment: Callable[[], None] = lambda: None, **how: Any) -> RunReport:
        vendor = Vendor(self.there.sender(moment), self.case.made, max_records=2, keeps_bodies=True)
        async with opened(self.journal()) as journal:
            return await push(
                file, mode=self.case.mode, journal=journal, run_id=run_id, here=vendor, terms=Terms(0.9, 9), **how
            )

    async def ends_right(self, *, resume: bool) -> None:
        """The next run: it goes on with the one before, if that is open (`resume`), or brings something else."""
        self.clock.advance(LEASE + 1)
        await self.is_whole()
        already = self.there.times
        async with opened(self.journal()) as journal:
            run = await journal.run("now", "here")
        if resume and run is not None and run.state == "open":
            report = await self.push("now", "now", resume=True)
            assert counts(report) == {"delivered": len(NOW)}, report.destinations["here"].notes
            assert self.there.held == self.case.expected
        elif self.case.mode == "upsert":  # what may have been overwritten meanwhile is not skipped
            report = await self.push("before", "next", skip_unchanged=True)
            assert counts(report).keys() <= {"delivered", "unchanged"}
            assert [self.there.held[row["id"]] for row in BEFORE] == BEFORE
        else:  # what has perhaps arrived is ended
            report = await self.push("fewer", "next")
            assert counts(report) == {"delivered": len(FEWER)}, report.destinations["here"].notes
            assert self.there.held == {row["id"]: row for row in FEWER}
        assert max((self.there.times - already).values(), default=0) <= 1
        await self.is_whole()
        async with opened(self.journal()) as journal:
            known = await journal.known_count(LANE, KIND)
            assert known >= len(self.there.held), "it knows of all that is there"
            assert known == len(self.there.held) or self.case.mode == "upsert"
            assert [each.state for each in await journal.runs() if each.state == "open"] == []

    async def is_whole(self) -> None:
        async with opened(self.journal()) as journal:
            assert await journal.damage() == []
            assert [each async for each in damage_in(journal)] == []


@pytest.fixture(params=CASES, ids=lambda case: case.name)
async def pushed(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pushed:
    monkeypatch.chdir(tmp_path)
    write("before", *BEFORE)
    write("now", *NOW)
    write("fewer", *FEWER)
    made = Pushed(request.param, tmp_path / "first", There(), Clock())
    await made.push("before", "before")
    made.there.arrived.clear()
    return made


@pytest.mark.parametrize("kind", ["full", "broken", "unsure"])
async def test_a_push_whose_journal_fails(pushed: Pushed, monkeypatch: pytest.MonkeyPatch, kind: Kind) -> None:
    counting = Disk(kind)
    with monkeypatch.context() as patch:
        put_in(patch, counting)
        await pushed.copy("counted").push("now", "now")
    assert counting.writes > 10 or kind == "unsure"
    for at in sampled(counting.writes, f"{pushed.case.name} {kind}"):
        tried, disk = pushed.copy(f"{kind}-{at}"), Disk(kind, at)
        with monkeypatch.context() as patch:
            put_in(patch, disk)
            try:
                report = await tried.push("now", "now")
            except JournalError:
                pass  # before anything is sent, or where the report cannot be noted
            else:
                assert counts(report).get("delivered", 0) <= sum(tried.there.times.values())
        assert disk.failed
        await tried.ends_right(resume=bool(at % 2))


async def test_a_push_that_is_killed(pushed: Pushed, monkeypatch: pytest.MonkeyPatch) -> None:
    camera = Camera(pushed.folder, pushed.there, [])
    with monkeypatch.context() as patch:
        put_in(patch, Disk(moment=camera.take))
        await pushed.push("now", "now", camera.take)
    camera.take()
    for number in sampled(len(camera.pictures), pushed.case.name):
        seen = camera.pictures[number - 1]
        await Pushed(pushed.case, seen.folder, seen.there, Clock()).ends_right(resume=bool(number % 2))


# ---------------------------------------------------------------------- accepting and delivering
class Accepted(NamedTuple):
    """What one caller sends. One with a key sends it again until it is acknowledged."""

    name: str
    key: str | None

    @property
    def new(self) -> NewDelivery:
        rows = [{"id": f"{self.name}{n}"} for n in range(3)]
        return NewDelivery(LANE, "here", KIND, "upsert", json.dumps(rows).encode(), len(rows))

    async def send(self, journal: Journal) -> Sequence[int]:
        record = IdempotencyRecord("default", self.key, b"digest", b"{}") if self.key else None
        return (await journal.accept([self.new], record=record)).ids


CALLERS = [Accepted("a", None), Accepted("b", "key"), Accepted("c", None), Accepted("d", "another")]


class Queued:
    """A folder with a journal, and the vendor that its worker delivers to."""

    def __init__(self, folder: Path, there: There, acknowledged: Sequence[str] = ()) -> None:
        self.folder = folder
        self.there = there
        self.acknowledged = list(acknowledged)
        self.clock = Clock()
        #: The run after the one that failed, in which a caller without a key has given up.
        self.again = False

    async def work(self, disk: Disk, moment: Callable[[], None] = lambda: None) -> None:
        """Accept what was not acknowledged before, and deliver, until nothing waits or the disk has failed."""
        async with opened(QuickJournal(self.folder / "journal", clock=self.clock)) as journal:
            for caller in CALLERS:
                if caller.name not in self.acknowledged and (caller.key or not self.again):
                    try:
                        await caller.send(journal)
                    except JournalError:
                        continue
                    self.acknowledged.append(caller.name)
            await self._drain(journal, disk, moment)

    async def _drain(self, journal: Journal, disk: Disk, moment: Callable[[], None]) -> None:
        vendor, stop = Vendor(self.there.sender(moment), max_records=2), asyncio.Event()
        vendor.host = "here"
        target = Target("here", vendor, vendor.resource(KIND), Plain())
        senders = cast(Any, lambda target: target.adapter.sender)
        worker = Worker(journal, lambda *_: target, senders, instance="test", lease=LEASE)
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            group.create_task(worker.run(stop))
            while not disk.failed and any(map(self._is_busy, await journal.lanes())):  # noqa: ASYNC110
                await asyncio.sleep(0)
            stop.set()

    def _is_busy(self, lane: LaneView) -> bool:
        return bool(lane.queued) or (lane.lease_until or 0) > self.clock.now

    async def ends_right(self) -> None:
        before, already = list(self.acknowledged), self.there.times
        self.again = True
        self.clock.advance(LEASE + 1)
        await self.work(Disk())
        arrived, times = self.there.arrived, self.there.times
        for caller in CALLERS:
            ids = [f"{caller.name}{n}" for n in range(3)]
            if caller.name in self.acknowledged:
                assert all(each in times for each in ids), f"{caller.name} was acknowledged"
            assert all((times - already)[each] <= 1 for each in ids), "no more than what was on its way"
        first = [each for n, each in enumerate(arrived) if each not in arrived[:n] and each[0] in before]
        assert first == sorted(first), "in the order of acceptance"
        async with opened(QuickJournal(self.folder / "journal", clock=self.clock)) as journal:
            found = await journal.find(Filter())
            assert {each.state for each in found} <= {"done"}
            payloads = [each.payload for each in found]
            assert len(set(payloads)) == len(payloads), "nothing was accepted twice"
            assert await journal.damage() == []
            assert [each async for each in damage_in(journal)] == []


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "PAUSE", 0.0)


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize("kind", ["full", "broken", "unsure"])
async def test_an_acceptance_and_a_worker_whose_journal_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Kind
) -> None:
    counting = Disk(kind)
    with monkeypatch.context() as patch:
        put_in(patch, counting)
        await Queued(tmp_path / "counted", There()).work(counting)
    for at in sampled(counting.writes, kind):
        tried, disk = Queued(tmp_path / f"{kind}-{at}", There()), Disk(kind, at)
        with monkeypatch.context() as patch:
            put_in(patch, disk)
            await tried.work(disk)
        assert disk.failed
        await tried.ends_right()


@pytest.mark.usefixtures("no_pause")
async def test_an_acceptance_and_a_worker_that_are_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = Queued(tmp_path / "first", There())
    camera = Camera(tried.folder, tried.there, tried.acknowledged)
    with monkeypatch.context() as patch:
        put_in(patch, Disk(moment=camera.take))
        await tried.work(Disk(), camera.take)
    camera.take()
    for number in sampled(len(camera.pictures), "worker"):
        seen = camera.pictures[number - 1]
        await Queued(seen.folder, seen.there, seen.acknowledged).ends_right()
