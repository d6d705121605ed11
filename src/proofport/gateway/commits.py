"""Delivers committed snapshots: a run over their parts, claimed by lease like all work.

Two processes cannot deliver one snapshot, and one that dies is replaced by any that lives. Whoever takes a commit over
goes on with the same run: it asks the vendor about the session that its predecessor had opened.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import orjson

from proofport.accounting import LeftOut
from proofport.config.names import own_name
from proofport.delivery.lane.lease import new_owner, renewing
from proofport.delivery.lane.payload import left_with, unpack_all
from proofport.delivery.plan import planned
from proofport.delivery.report.report import Exit, RunReport
from proofport.errors import JournalError, LaneLost, ProofportError
from proofport.evidence import Neutral
from proofport.gateway.gateway import Gateway
from proofport.gateway.inputs import Input
from proofport.gateway.records import GivenRecords
from proofport.journal.contract import Commit, Journal, Part
from proofport.journal.scheduler import Slots
from proofport.logs import get_logger
from proofport.sources.pages import Pages

SLOTS = 16
"""Commits at a time. The others wait."""

POLL = 1.0
"""Seconds between two looks for commits that nobody carries out."""

BREAKDOWNS = 5
"""A commit that was claimed after so many deaths in a row ends: its snapshot is open again, with the reason."""

log = get_logger("delivery")


class Commits:
    """Carries out commits in the background. `on_report` is given the report of every run."""

    def __init__(self, gateway: Gateway, on_report: Callable[[RunReport], None] = lambda _: None) -> None:
        self._gateway = gateway
        self._lease = gateway.config.lease
        self._on_report = on_report
        self._owner = new_owner()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._slots = Slots(SLOTS, shared=len(gateway.config.served()) > 1)
        #: Set when a slot is free again.
        self._ended = asyncio.Event()

    async def begin(self, snapshot: str, tenant: str) -> None:
        """Carry out the commit of this snapshot, unless another process has it. Without a free slot it comes later."""
        if not self._slots.may_take(tenant):
            return
        self._slots.take(tenant)
        journal, commit = await self._gateway.journal(), None
        try:
            commit = await journal.claim_commit(owner=self._owner, lease=self._lease, snapshot=snapshot)
        finally:
            if commit is None:
                self._slots.give_back(tenant, self._ended)
        if commit is not None:
            self._start(journal, commit)

    async def run(self) -> None:
        """Carry out every commit that nobody holds, until cancelled."""
        while True:
            try:
                journal = await self._gateway.journal()
                while self._slots.any_free and (commit := await self._claim(journal)) is not None:
                    self._slots.take(commit.snapshot.tenant)
                    self._start(journal, commit)
            except JournalError as error:
                log.error("journal_unavailable", error=error.message)
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL):
                    await self._ended.wait()
            self._ended.clear()

    async def _claim(self, journal: Journal) -> Commit | None:
        return await journal.claim_commit(owner=self._owner, lease=self._lease, full=self._slots.places.full)

    async def ended(self, snapshot: str, within: float) -> None:
        """Wait until the commit of a snapshot has ended, here or in another process, for `within` seconds at most."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within
        journal = await self._gateway.journal()
        while (left := deadline - loop.time()) > 0:
            if (task := self._running.get(snapshot)) is not None:
                await asyncio.wait([task], timeout=left)
                return
            view = await journal.snapshot(snapshot)
            if view is None or view.state != "committed":
                return
            await asyncio.sleep(min(POLL / 10, left))

    async def stop(self, grace: float) -> None:
        """End what is under way, for `grace` seconds at most. The rest is given back: another process goes on."""
        running = list(self._running.values())
        if running:
            await asyncio.wait(running, timeout=grace)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    # ------------------------------------------------------------------ one commit
    def _start(self, journal: Journal, commit: Commit) -> None:
        name = commit.snapshot.id
        if commit.before is not None:
            about = {"destination": ", ".join(commit.snapshot.destinations), "kind": commit.snapshot.kind}
            log.warning("commit_taken_over", snapshot=name, **about, owner=self._owner, before=commit.before)
        task = self._running[name] = asyncio.create_task(self._carry_out(journal, commit))
        task.add_done_callback(partial(self._slots.give_back, commit.snapshot.tenant, self._ended))

        def forget(ended: asyncio.Task[None]) -> None:
            if self._running.get(name) is ended:  # a process that was frozen may have claimed its own commit anew
                del self._running[name]

        task.add_done_callback(forget)

    async def _carry_out(self, journal: Journal, commit: Commit) -> None:
        delivering = asyncio.create_task(self._report(journal, commit))

        def lost(error: ProofportError) -> None:
            log.error("commit_lost", snapshot=commit.snapshot.id, error=error.message)
            delivering.cancel()

        renew = partial(journal.renew_commit, commit, lease=self._lease)
        async with renewing(renew, self._lease, lost, snapshot=commit.snapshot.id):
            try:
                report = await delivering
                state: Literal["delivered", "open"] = "delivered" if report["exit_code"] == Exit.OK else "open"
                await journal.end_commit(commit, state, orjson.dumps(report).decode())
                log.info("snapshot_ended", snapshot=commit.snapshot.id, state=state, exit_code=report["exit_code"])
            except LaneLost as error:
                lost(error)
            except JournalError as error:
                log.error("journal_unavailable", error=error.message)
            except asyncio.CancelledError:
                delivering.cancel()
                await asyncio.gather(delivering, return_exceptions=True)
                with suppress(JournalError):
                    await journal.release_commit(commit)

    async def _report(self, journal: Journal, commit: Commit) -> dict[str, Any]:
        """The report of the run, or of the error that kept it from being made."""
        if commit.breakdowns >= BREAKDOWNS:
            told = f"{commit.breakdowns} times in a row, the relay that was to deliver it died"
            return {"exit_code": int(Exit.INCOMPLETE), "error": told, "hint": "Mend the cause, then commit it again."}
        try:
            return await self._deliver(journal, commit)
        except ProofportError as error:
            return {"exit_code": int(Exit.INCOMPLETE), "error": error.message, "hint": error.hint}
        except Exception:
            log.exception("snapshot_failed", snapshot=commit.snapshot.id)
            return {"exit_code": int(Exit.INCOMPLETE), "error": "an error that the relay did not foresee"}

    async def _deliver(self, journal: Journal, commit: Commit) -> dict[str, Any]:
        """Run over the parts. Where the guard has refused, the report holds the plan."""
        snapshot = commit.snapshot
        to, kind = snapshot.destinations, snapshot.kind
        resumed = any([await journal.run(commit.run_id, name) is not None for name in to])
        async with _parts(journal, snapshot.id) as parts:
            run = await self._gateway.deliver_snapshot(parts, commit, resume=resumed)
            self._on_report(run)
            report = run.as_dict()
            report["destinations"] = {own_name(name): books for name, books in report["destinations"].items()}
            if run.exit_code is Exit.GUARD:
                plan = await self._gateway.plan(parts, to=to, kind=kind, mode="snapshot", without=commit.without)
                report["plan"] = {own_name(name): planned(each) for name, each in plan.destinations.items()}
        return report


@asynccontextmanager
async def _parts(journal: Journal, snapshot: str) -> AsyncIterator[Sequence[Input]]:
    """Each part in a file of its own: memory does not grow with the set."""
    with TemporaryDirectory(prefix="proofport-") as folder:
        inputs, after = list[Input](), ""
        while some := await journal.parts(snapshot, after=after, limit=1):
            path, after = Path(folder) / str(len(inputs)), some[0].name
            folds = await asyncio.to_thread(_write, path, some[0].payload)
            left = await asyncio.to_thread(left_with, some[0].payload)
            given = GivenRecords(_Lines(path, left), after, _pages(some[0]))
            inputs.append(Input(given, label=some[0].source, folds=folds))
        yield sorted(inputs, key=_by_name)


def _by_name(part: Input) -> list[Any]:
    """Names in their order, with numbers in them by value: the pages of a source follow each other in it."""
    assert isinstance(part.data, GivenRecords)
    return [int(piece) if piece.isdigit() else piece for piece in re.split("([0-9]+)", part.data.name)]


def _write(path: Path, payload: bytes) -> bool:
    """Write the records of a part. Returns whether their ids compare without case."""
    records, folds = unpack_all(payload)
    with path.open("wb") as file:
        file.writelines(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in records)
    return folds


def _pages(part: Part) -> Pages | None:
    return Pages(**orjson.loads(part.pages)) if part.pages is not None else None


class _Lines:
    """The records of a part, from its file, which is open only while it is read. They were checked when they came.

    After them come those that were left out then.
    """

    def __init__(self, path: Path, left: Sequence[LeftOut]) -> None:
        self._path = path
        self._left = left

    def __iter__(self) -> Iterator[Neutral | LeftOut]:
        with self._path.open("rb") as file:
            yield from map(orjson.loads, file)
        yield from self._left
