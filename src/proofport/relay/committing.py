"""Carries out snapshots that were committed: all parts as one run, in the background, and again after a crash."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import orjson

from proofport.delivery.payload import unpack
from proofport.delivery.report import Exit, RunReport
from proofport.errors import ProofportError
from proofport.gateway import Gateway, Input
from proofport.journal.contract import Commit, Journal, Part, SnapshotView
from proofport.logs import get_logger
from proofport.relay.metrics import Metrics
from proofport.sources import Reader
from proofport.tenancy import own_name

log = get_logger("relay")


class Committer:
    """Delivers committed snapshots that nobody else delivers; afterwards they are `delivered`, or open again."""

    def __init__(self, gateway: Gateway, metrics: Metrics) -> None:
        self._gateway = gateway
        self._metrics = metrics
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._running: dict[str, asyncio.Task[None]] = {}

    def begin(self, snapshot: str) -> asyncio.Task[None]:
        task = asyncio.create_task(self._carry_out(snapshot))
        self._running[snapshot] = task
        task.add_done_callback(lambda _: self._running.pop(snapshot, None))
        return task

    async def resume(self) -> None:
        """Go on with what another process, or this one before it was killed, had begun."""
        journal = await self._gateway.journal()
        for snapshot in await journal.snapshots(state="committed", limit=10_000):
            if snapshot.id not in self._running:
                self.begin(snapshot.id)

    async def stop(self, grace: float) -> None:
        """What is on its way after `grace` seconds stays committed: another process begins it anew."""
        running = list(self._running.values())
        if running:
            await asyncio.wait(running, timeout=grace)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _carry_out(self, snapshot: str) -> None:
        journal, lease = await self._gateway.journal(), self._gateway.config.lease
        commit = await journal.claim_commit(owner=self._owner, lease=lease, snapshot=snapshot)
        if commit is None:
            return
        renewing = asyncio.create_task(_renewed(journal, commit, lease))
        try:
            report = await self._push(commit.snapshot, commit.override)
        except ProofportError as error:
            report = {"exit_code": int(Exit.INCOMPLETE), "error": error.message, "hint": error.hint}
        except asyncio.CancelledError:
            await journal.release_commit(commit)
            raise
        except Exception:
            log.exception("snapshot_failed", snapshot=snapshot)
            report = {"exit_code": int(Exit.INCOMPLETE), "error": "an error that the relay did not foresee"}
        finally:
            renewing.cancel()
        state: Literal["delivered", "open"] = "delivered" if report["exit_code"] == Exit.OK else "open"
        log.info("snapshot_ended", snapshot=snapshot, state=state, exit_code=report["exit_code"])
        await journal.end_commit(commit, state, orjson.dumps(report).decode())

    async def _push(self, snapshot: SnapshotView, override: str | None) -> dict[str, Any]:
        """The report, with the plan where the guard has refused."""
        to, kind = snapshot.destinations, snapshot.kind
        async with self._parts(snapshot.id) as parts:
            run = await self._gateway.push(
                list(inputs_of(parts)), to=to, kind=kind, mode="snapshot", override_guard=override
            )
            self._metrics.reported(run)
            report = _own(run)
            if run.exit_code is Exit.GUARD:
                plan = await self._gateway.plan(list(inputs_of(parts)), to=to, kind=kind, mode="snapshot")
                report["plan"] = {own_name(name): each.as_dict() for name, each in plan.destinations.items()}
        return report

    @asynccontextmanager
    async def _parts(self, snapshot: str) -> AsyncIterator[Sequence[tuple[Part, Path]]]:
        """Each part in a file of its own: memory does not grow with the set."""
        journal = await self._gateway.journal()
        with TemporaryDirectory(prefix="proofport-") as folder:
            written: list[tuple[Part, Path]] = []
            while some := await journal.parts(snapshot, after=written[-1][0].name if written else "", limit=1):
                path = Path(folder) / str(len(written))
                await asyncio.to_thread(_write, path, some[0].payload)
                written.append((Part(some[0].name, some[0].records, b"", some[0].incomplete), path))
            yield written


async def _renewed(journal: Journal, commit: Commit, lease: float) -> None:
    while True:
        await asyncio.sleep(lease / 3)
        await journal.renew_commit(commit, lease=lease)


def _write(path: Path, payload: bytes) -> None:
    with path.open("wb") as file:
        file.writelines(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in unpack(payload))


def inputs_of(parts: Sequence[tuple[Part, Path]]) -> Iterator[Input]:
    return (Input(StoredPart(part, path)) for part, path in parts)


class StoredPart(Reader):
    """A part of a snapshot, from its file. Its records are evidence that was checked when it came in."""

    numbered_by = "#"

    def __init__(self, part: Part, path: Path) -> None:
        self.name = part.name
        self.incomplete = part.incomplete
        self._path = path

    def _documents(self) -> Iterator[tuple[int, object]]:
        with self._path.open("rb") as file:
            for number, line in enumerate(file, 1):
                yield number, orjson.loads(line)

    def close(self) -> None:
        """The file is open only while it is read."""


def _own(run: RunReport) -> dict[str, Any]:
    """The report as its tenant reads it."""
    report = run.as_dict()
    destinations: Mapping[str, Any] = report["destinations"]
    return {**report, "destinations": {own_name(name): books for name, books in destinations.items()}}
