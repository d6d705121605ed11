"""Two processes deliver a queue of 20 lanes, and one of them is killed, frozen, or told to wait."""

from __future__ import annotations

import asyncio
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.crash.program import SLOTS
from tests.crash.proxy import Point, Request
from tests.crash.scene import SOAK, Scene, scene

from proofport.journal.contract import State
from proofport.testing.emulator_faults import Faults

LANES = 20
EACH = 100 if SOAK else 5
SECRET_CONTENT = "content-of-a-record"


@pytest.fixture
async def queue(tmp_path: Path) -> AsyncIterator[Scene]:
    """One connection for each of 20 kinds."""
    async with scene(tmp_path, "drata") as made:
        made.open_lanes(range(1, LANES + 1))
        yield made


async def submit(at: Scene, lanes: Iterable[int], numbers: Iterable[int]) -> None:
    """One delivery a lane and number: the state of one record, as it follows from the one before."""
    async with at.gateway() as gateway:

        async def one_lane(lane: int) -> None:
            for number in numbers:
                record = {"id": "r", "n": number, "note": SECRET_CONTENT}
                await gateway.submit([record], kind=f"custom:k{lane}", to=["drata"])

        await asyncio.gather(*map(one_lane, lanes))


def arrived(at: Scene) -> dict[str, list[tuple[int, str]]]:
    """Of each lane, what the vendor received, in order: the number and the process."""
    lanes = at.posted().items()
    return {path: [(row["n"], row["process"]) for row in rows] for path, rows in lanes}


def newest(at: Scene) -> int:
    """The number that came last to the one lane that has any."""
    [numbers] = arrived(at).values()
    return numbers[-1][0]


def is_through(at: Scene, last: int) -> bool:
    lanes = arrived(at)
    return len(lanes) == LANES and all(numbers[-1][0] == last for numbers in lanes.values())


def assert_in_order(at: Scene, *, victim: str) -> None:
    """Nothing lost, nothing out of order, and repeated only what the victim had in flight."""
    repeated = 0
    for numbers in arrived(at).values():
        assert sorted({number for number, _ in numbers}) == list(range(EACH))
        for (before, by), (after, again) in pairwise(numbers):
            assert before <= after
            if before == after:
                repeated += 1
                assert (by, again) == (victim, "second")
    assert repeated <= SLOTS


async def states(at: Scene) -> set[State]:
    return {delivery.state for delivery in await at.deliveries()}


class Halfway:
    """Does something to the first worker while half of the deliveries have arrived and one of its own is in flight."""

    def __init__(self, at: Scene, *, hold: bool) -> None:
        self.at = at
        self.came = asyncio.Event()
        self.thaw = asyncio.Event()
        self.through = asyncio.Event()
        self.victim: Process | None = None
        self._hold = hold
        at.proxy.meddle = self.meddle

    async def meddle(self, request: Request, point: Point) -> bool:
        if point != "sent" or request.method != "POST":
            return False
        if is_through(self.at, EACH - 1):
            self.through.set()
        sent = sum(map(len, arrived(self.at).values()))
        if self.came.is_set() or sent < LANES * EACH // 2 or request.process != "first" or self.victim is None:
            return False
        self.came.set()
        if not self._hold:
            self.victim.kill()
            await self.victim.wait()
            return True
        await self.at.freeze(self.victim)
        await self.thaw.wait()
        return False


async def test_nothing_is_lost_when_a_worker_is_killed(queue: Scene) -> None:
    await submit(queue, range(1, LANES + 1), range(EACH))
    halfway = Halfway(queue, hold=False)
    async with queue.process("work", name="first") as first, queue.process("work", name="second") as second:
        halfway.victim = first
        async with asyncio.timeout(120):
            await halfway.came.wait()
            await halfway.through.wait()
            await queue.settled()
        assert first.returncode == -signal.SIGKILL
        second.send_signal(signal.SIGTERM)
        await second.communicate()
        assert second.returncode == 0
    assert_in_order(queue, victim="first")
    assert await states(queue) == {"done"}


async def test_a_worker_that_was_frozen_writes_nothing_when_it_wakes(queue: Scene) -> None:
    await submit(queue, range(1, LANES + 1), range(EACH))
    halfway = Halfway(queue, hold=True)
    # One lane at a time: of two, the other might be frozen past the gate, on its way to the wire.
    async with queue.process("work", "1", name="first") as first, queue.process("work", name="second") as second:
        halfway.victim = first
        async with asyncio.timeout(120):
            await halfway.came.wait()
            await halfway.through.wait()
            await queue.settled()
        second.send_signal(signal.SIGTERM)
        await second.communicate()
        held, sent = queue.emulator.state(), len(queue.emulator.log)
        assert await states(queue) == {"done"}
        first.send_signal(signal.SIGCONT)
        halfway.thaw.set()
        said = await told(first, "lane_lost")
        first.send_signal(signal.SIGTERM)
        await first.communicate()
        assert first.returncode == 0, said
    assert queue.changed_since(sent) == []
    assert queue.emulator.state() == held
    assert_in_order(queue, victim="first")
    assert await states(queue) == {"done"}


async def told(process: Process, event: str) -> list[str]:
    """The log of a process up to this event, in which there is neither a secret nor a record."""
    said: list[str] = []
    assert process.stderr is not None
    async with asyncio.timeout(60):
        while line := (await process.stderr.readline()).decode():
            assert SECRET_CONTENT not in line
            said.append(line)
            if f"event='{event}'" in line:
                return said
    raise AssertionError("".join(said))


@pytest.mark.parametrize(
    ("refusal", "event", "shown"),
    [
        ({"code": 429, "retry_after": 3600}, "lane_rests", "waits until"),
        ({"code": 401}, "lane_parked", "parked:"),
    ],
)
async def test_a_lane_that_waits_does_so_after_a_restart_and_the_others_go_on(
    queue: Scene, refusal: dict[str, Any], event: str, shown: str
) -> None:
    await submit(queue, [1, 2], range(3))
    blocked, other = (f"/resources/{100 + n}/" for n in (1, 2))
    queue.emulator.faults = Faults.model_validate({"status": {**refusal, "times": 1}, "match": {"path": blocked}})
    lane = f"{queue.proxy.origin.removeprefix('http://')}/1/101"

    async with queue.process("work", name="first") as first:
        await told(first, event)
        first.kill()
    waiting = Reached(queue, other, 5)
    await submit(queue, [2], range(3, 6))
    async with queue.process("work", name="second") as second:
        await waiting.reached()
        assert not [path for path in arrived(queue) if blocked in path]
        code, said = await typed(queue, "status", lane)
        assert (code, shown in said, "3 queued" in said) == (0, True, True), said
        waiting = Reached(queue, blocked, 2)
        code, said = await typed(queue, "resume", lane)
        assert (code, said) == (0, f"drata/custom:k1 ({lane}) goes on.\n")
        await waiting.reached()
        second.send_signal(signal.SIGTERM)
        await second.communicate()
    numbers = {path: [number for number, _ in numbers] for path, numbers in arrived(queue).items()}
    assert [sorted(set(each)) for each in numbers.values()] == [list(range(6)), list(range(3))]
    assert all(each == sorted(each) for each in numbers.values()), "one that was in flight may come twice"
    assert await states(queue) == {"done"}


@pytest.mark.skipif(not SOAK, reason="four processes, one after the other; the contract of journals has it in one")
async def test_what_kills_its_worker_three_times_is_set_aside(queue: Scene) -> None:
    """It has arrived each time, so the lane goes on with the next state of the record."""
    await submit(queue, [1], range(3))
    victims: list[Process] = []

    async def deadly(request: Request, point: Point) -> bool:
        if point != "sent" or request.method != "POST" or newest(queue) != 1:
            return False
        victims[-1].kill()
        await victims[-1].wait()
        return True

    queue.proxy.meddle = deadly
    for number in range(3):
        async with queue.process("work", name=str(number)) as victim:
            victims.append(victim)
            async with asyncio.timeout(60):
                await victim.wait()
    async with queue.process("work", name="last") as last:
        async with asyncio.timeout(60):
            await queue.settled()
        last.send_signal(signal.SIGTERM)
        await last.communicate()
    assert [number for each in arrived(queue).values() for number, _ in each] == [0, 1, 1, 1, 2]
    first, letter, last_one = await queue.deliveries()
    assert [first.state, letter.state, last_one.state] == ["done", "dead", "done"]
    assert letter.failure is not None
    assert letter.failure.reason == "broke_down"


class Reached:
    """That a lane has received its record `last`."""

    def __init__(self, at: Scene, lane: str, last: int) -> None:
        self._at, self._lane, self._last = at, lane, last
        self._event = asyncio.Event()
        at.proxy.meddle = self.meddle

    async def meddle(self, request: Request, point: Point) -> bool:
        lanes = (numbers for path, numbers in arrived(self._at).items() if self._lane in path)
        if any(numbers[-1][0] == self._last for numbers in lanes):
            self._event.set()
        return False

    async def reached(self) -> None:
        async with asyncio.timeout(60):
            await self._event.wait()


async def typed(at: Scene, *arguments: str) -> tuple[int, str]:
    """What a command line prints, 80 columns wide and without a secret or a record."""
    async with at.process(*arguments, name="typed") as process:
        out, err = await process.communicate()
    said = out.decode() + err.decode()
    assert SECRET_CONTENT not in said
    assert max(map(len, said.splitlines())) <= 80
    assert process.returncode is not None
    return process.returncode, said
