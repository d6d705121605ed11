"""Processes that are killed or frozen while they work on one journal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from proofport.errors import JournalError
from proofport.journal import open_journal, opened
from proofport.journal.contract import Delivery, Filter, NewDelivery

PROGRAM = Path(__file__).with_name("program.py")
"""Run with -P: beside it lies a `queue.py`, which would hide that of the standard library."""
LANES = 20
LEASE, HOURS = 2.0, 36_000.0
PATIENCE = 120.0
SOAK = "PROOFPORT_SOAK" in os.environ


@dataclass(frozen=True, slots=True)
class Sent:
    """One delivery as the vendor saw it."""

    by: str
    epoch: int
    lane: str
    id: int


@dataclass(slots=True)
class Processes:
    """Programs that tell what they do on one pipe, whose lines end with the last of them. All end with the block.

    A program that does not end in time is killed, so that a test fails instead of waiting for ever.
    """

    running: dict[str, subprocess.Popen[bytes]]
    lines: Iterator[list[str]] = field(default_factory=lambda: iter(()))

    @classmethod
    @contextmanager
    def on(
        cls, url: str, what: str, *names: str, lease: float = LEASE, slots: int = 10, later: str = ""
    ) -> Iterator[Processes]:
        """All begin at once, but for the one that is to `begin` later."""
        read_end, write_end = os.pipe()
        command = [sys.executable, "-P", str(PROGRAM), what, url]
        running = {
            name: subprocess.Popen([*command, name, str(write_end), str(lease), str(slots)], pass_fds=[write_end])
            for name in names
        }
        os.close(write_end)
        processes = cls(running)
        watchdog = threading.Timer(PATIENCE, processes._kill)
        watchdog.start()
        with os.fdopen(read_end, "r", encoding="utf-8") as told:
            processes.lines = (line.split() for line in told)
            try:
                assert sorted(next(processes.lines)[1] for _ in names) == sorted(names), "not every one is ready"
                for name in names:
                    if name != later:
                        processes.begin(name)
                yield processes
            finally:
                watchdog.cancel()
                processes._kill()
                for process in running.values():
                    process.wait()

    def begin(self, name: str) -> None:
        self.send(name, signal.SIGUSR1)

    def freeze(self, name: str) -> None:
        """Stop it, and return when it does nothing more."""
        self.send(name, signal.SIGSTOP)
        os.waitid(os.P_PID, self.running[name].pid, os.WSTOPPED)

    def _kill(self) -> None:
        for process in self.running.values():
            process.kill()

    def send(self, name: str, number: signal.Signals) -> None:
        self.running[name].send_signal(number)

    def end(self, name: str) -> int:
        """Ask for an orderly end; the exit status."""
        self.send(name, signal.SIGTERM)
        return self.running[name].wait(timeout=30)

    def sent(self) -> Iterator[Sent]:
        for kind, *words in self.lines:
            if kind == "sent":
                name, epoch, *lane, number = words
                yield Sent(name, int(epoch), " ".join(lane), int(number))


class ProcessTests(ABC):
    """What a journal promises where processes are killed, or frozen.

    `deliveries` are drained in a test; `acknowledged` are accepted before each kill. A soak takes more of both.
    """

    deliveries = 2_000 if SOAK else 600
    acknowledged = 17_000 if SOAK else 600

    @abstractmethod
    def shared_url(self) -> str:
        """Where `open_journal` finds an empty journal of its own, from any process."""

    @abstractmethod
    def end_leases(self) -> bool:
        """Let all leases of lanes run out, as if their time were over. False: a process keeps others from writing."""

    async def test_nothing_is_lost_when_a_worker_is_killed(self) -> None:
        """Nothing out of order in a lane either, and repeated only what was in flight."""
        url = self.shared_url()
        with Processes.on(url, "deliver", "first", "second") as processes:
            accepted = await self._fill(url, self.deliveries)
            sent = self._until(processes, lambda sent: len(sent) == self.deliveries // 2)
            processes.send("first", signal.SIGKILL)
            sent += self._until(processes, lambda more: {s.id for s in sent + more} == set(accepted))
            assert {one.by for one in sent} == {"first", "second"}
            assert processes.end("second") == 0
        repeated = _repeated(sent)
        assert [(first.by, again.by) for first, again in repeated] == [("first", "second")] * len(repeated)
        assert len({first.lane for first, _ in repeated}) == len(repeated), "more than the one in flight in a lane"
        _assert_in_order(sent)
        assert [delivery.state for delivery in await _all(url)] == ["done"] * self.deliveries

    async def test_a_worker_that_was_frozen_writes_nothing_when_it_wakes(self) -> None:
        """Its lease ends when the test says so. No other lease comes to its end, however slow the machine is.

        It works on one lane at a time: of two, the end of one job might keep the other from finding out.
        """
        url = self.shared_url()
        with Processes.on(url, "deliver", "frozen", "awake", lease=HOURS, slots=1, later="awake") as processes:
            accepted = await self._fill(url, self.deliveries // 6)
            sent = self._until(processes, lambda sent: len(sent) == len(accepted) // 4)
            await self._freeze(url, processes, len(accepted) // LANES)
            processes.begin("awake")
            sent += self._until(processes, lambda more: {s.id for s in sent + more} == set(accepted))
            assert processes.end("awake") == 0
            before = await _all(url)
            assert {delivery.state for delivery in before} == {"done"}
            processes.send("frozen", signal.SIGCONT)
            assert processes.end("frozen") == 0
            told = [(word, name) for word, name, *_ in processes.lines]
            assert told in ([("lost", "frozen")], [("sent", "frozen"), ("lost", "frozen")])
        assert await _all(url) == before
        assert all(first.by == "frozen" for first, _ in _repeated(sent))
        _assert_in_order(sent)

    async def test_one_process_at_a_time_has_a_lease_and_none_is_starved(self) -> None:
        """Also when the one that holds it is killed: then the other has it once it has run out."""
        url = self.shared_url()
        async with opened(open_journal(url)) as journal:
            await journal.take_lease("app", owner="test", lease=PATIENCE)
            with Processes.on(url, "lease", "first", "second") as processes:
                await journal.give_back_lease("app", owner="test")
                self._take_turns(processes)

    @staticmethod
    def _take_turns(processes: Processes) -> None:
        holder, turns = None, list[str]()
        for word, name in processes.lines:
            assert holder == (name if word == "gave" else None)
            holder = name if word == "took" else None
            turns += [name] if word == "took" else []
            if len(turns) == 20:
                break
        assert {turns.count("first"), turns.count("second")} == {10}
        processes.send(turns[-1], signal.SIGKILL)
        [other] = {"first", "second"} - {turns[-1]}
        assert next(name for word, name in processes.lines if (word, name) == ("took", other))
        assert processes.end(other) == 0

    async def test_what_was_acknowledged_is_there_when_the_accepting_process_is_killed(self) -> None:
        url = self.shared_url()
        acknowledged: dict[int, str] = {}
        for number in range(6 if SOAK else 2):
            with Processes.on(url, "accept", f"round{number}") as processes:
                enough = len(acknowledged) + self.acknowledged
                for identity, key in processes.lines:
                    acknowledged[int(identity)] = key
                    if len(acknowledged) >= enough:
                        break
                processes.send(f"round{number}", signal.SIGKILL)
                acknowledged |= {int(identity): key for identity, key in processes.lines}
            kept = {delivery.id: delivery for delivery in await _all(url)}
            assert [key for identity, key in acknowledged.items() if kept[identity].payload != key.encode()] == []
            assert len({delivery.payload for delivery in kept.values()}) == len(kept)

    async def _freeze(self, url: str, processes: Processes, each: int) -> None:
        """Freeze it in the middle of a lane, of `each` deliveries, while it keeps nobody from writing.

        Without a fence it would go on in that lane when it wakes. What it has locked would stay locked.
        """
        async with opened(open_journal(url)) as journal:
            while True:
                processes.freeze("frozen")
                with suppress(JournalError):
                    middle = any(2 < lane.queued < each and lane.owner for lane in await journal.lanes())
                    if middle and self.end_leases():
                        return
                processes.send("frozen", signal.SIGCONT)

    async def _fill(self, url: str, count: int) -> list[int]:
        async with opened(open_journal(url)) as journal:
            new = [NewDelivery(f"lane {n % LANES}", "somewhere", "device", "upsert", b"[]", 1) for n in range(count)]
            return list((await journal.accept(new)).ids)

    @staticmethod
    def _until(processes: Processes, enough: Callable[[list[Sent]], bool]) -> list[Sent]:
        sent = []
        for one in processes.sent():
            sent.append(one)
            if enough(sent):
                break
        return sent


async def _all(url: str) -> list[Delivery]:
    found: list[Delivery] = []
    async with opened(open_journal(url)) as journal:
        while page := await journal.find(Filter(), after=found[-1].id if found else 0, limit=10_000):
            found += page
    return found


def _repeated(sent: list[Sent]) -> list[tuple[Sent, Sent]]:
    """The first and second sending of what was sent twice; nothing may be sent more often."""
    seen: dict[int, list[Sent]] = {}
    for one in sent:
        seen.setdefault(one.id, []).append(one)
    assert max(map(len, seen.values())) <= 2
    return [(ones[0], ones[1]) for ones in seen.values() if len(ones) == 2]


def _assert_in_order(sent: list[Sent]) -> None:
    """Within a lane ids only grow, but for one that is repeated on the spot; and an old epoch never comes back."""
    last: dict[str, Sent] = {}
    for one in sent:
        before = last.get(one.lane)
        assert before is None or (before.id <= one.id and before.epoch <= one.epoch), f"{one} came after {before}"
        last[one.lane] = one
