"""A folder with a configuration, an emulator behind a proxy, and processes that come to harm."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from asyncio.subprocess import Process
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import orjson
from tests.crash.proxy import Point, Proxy, Request, leave_alone, proxied
from tests.support.cli import ACCOUNTS, SNAPSHOT, CommandLine
from tests.support.emulators import records, seeded
from tests.support.evidence import FULLY_KNOWN, personnel_account
from tests.support.programs import process
from tests.support.relay import RelayProcess, relay_process
from tests.support.reports import FIVE

from proofport.adapter import Resource
from proofport.delivery.report.report import RunReport
from proofport.gateway import Gateway, Input
from proofport.journal.contract import Delivery, Filter, Journal, RunView
from proofport.testing import Emulator, serve

SOAK = "PROOFPORT_SOAK" in os.environ
PROGRAM = str(Path(__file__).with_name("program.py"))
KIND = "personnel_account"
LEASE = 1.0
Bodies = dict[str, dict[str, Any]]


class Scene(CommandLine):
    """A folder with a configuration. `vendor` names the emulator and the one destination, behind `proxy`."""

    def __init__(self, folder: Path, vendor: str, emulator: Emulator, proxy: Proxy) -> None:
        block = {**emulator.destination(proxy.origin), "requests_per_minute": 0}
        guard = {"max_gone": 0.6}
        super().__init__(folder, {vendor: block}, instance="crash", lease=LEASE, patience=20, guard=guard)
        self.vendor = vendor
        self.emulator = emulator
        self.proxy = proxy
        self.configure()

    def change(self, **block: Any) -> None:
        """Change the settings of the destination."""
        self.destinations = {self.vendor: {**self.destinations[self.vendor], **block}}
        self.configure()

    def change_options(self, **options: Any) -> None:
        self.options |= options
        self.configure()

    def open_lanes(self, numbers: Iterable[int]) -> None:
        """Let the vendor have one object, and the destination one kind, for each number: `custom:k1` and so on."""
        kinds = {number: f"custom:k{number}" for number in numbers}
        connections = [
            {"id": n, "type": "CUSTOM", "resources": [{"id": 100 + n, "kind": kind}]} for n, kind in kinds.items()
        ]
        self.emulator.load({"connections": connections})
        self.change(objects={kind: {"connection_id": n, "resource_id": 100 + n} for n, kind in kinds.items()})

    def gateway(self) -> Gateway:
        return Gateway.from_file(self.folder / "proofport.yaml")

    def resource(self) -> Resource:
        return self.gateway().config.adapter(self.vendor).resource(KIND)

    @asynccontextmanager
    async def journal(self) -> AsyncIterator[Journal]:
        async with self.gateway() as gateway:
            yield await gateway.journal()

    async def push(self, file: str, **how: Any) -> RunReport:
        """In this process, which survives."""
        async with self.gateway() as gateway:
            return await gateway.push(
                Input(str(self.folder / file)), kind=KIND, to=self.vendor, **{"mode": "snapshot", **how}
            )

    async def plan(self, file: str) -> dict[str, Any]:
        """The plan of a snapshot, in this process."""
        async with self.gateway() as gateway:
            plan = await gateway.plan(Input(str(self.folder / file)), kind=KIND, to=self.vendor, mode="snapshot")
        found: dict[str, Any] = plan.as_dict()["destinations"][self.vendor]
        return found

    async def open_runs(self) -> list[RunView]:
        async with self.journal() as journal:
            runs = [run for run in await journal.runs() if run.state == "open"]
            return [view for run in runs if (view := await journal.run(run.run_id, run.destination))]

    # ------------------------------------------------------------------ processes
    def process(self, *arguments: str, name: str = "first") -> AbstractAsyncContextManager[Process]:
        """`proofport ARGUMENTS` (or `work`); gone at the end."""
        return process(*arguments, folder=self.folder, script=(PROGRAM, name))

    def relay(self, port: int = 0, name: str = "relay") -> AbstractAsyncContextManager[RelayProcess]:
        """On a port that stays the same from one start to the next, where one is given."""
        return relay_process(self.process("relay", "--port", str(port), name=name))

    def snapshot(self, file: str, *more: str) -> Sequence[str]:
        return ("push", file, *ACCOUNTS, "--to", self.vendor, *SNAPSHOT, "--json", *more)

    async def finish(self, process: Process) -> tuple[int, dict[str, Any], str]:
        """Exit code, the destination's books, which balance, and stderr."""
        out, err = await process.communicate()
        assert process.returncode is not None
        assert "Traceback" not in err.decode()
        if not out:
            return process.returncode, {}, err.decode()
        books = json.loads(out)["destinations"][self.vendor]
        assert sum(books[word] for word in FIVE) == books["input"]
        return process.returncode, books, err.decode()

    async def freeze(self, process: Process) -> None:
        """At a moment at which it does not keep the journal locked: what it locked would stay so."""
        async with self.journal() as journal:
            while True:
                process.send_signal(signal.SIGSTOP)
                try:
                    async with asyncio.timeout(LEASE / 4):
                        await journal.permit("probe", per_minute=60, burst=1)
                except TimeoutError:
                    process.send_signal(signal.SIGCONT)
                else:
                    return

    # ------------------------------------------------------------------ what the vendor holds
    async def held(self) -> Bodies:
        """Every account that is live, by its id."""
        await self.emulator.settle()
        return {record["id"]: record for record in records(self.vendor, self.emulator.state(), KIND)}

    def statuses(self) -> set[str]:
        """Of the sessions, where the vendor has any."""
        return {session["status"] for part in self._resources() for session in part.get("sessions", ())}

    def holds(self) -> dict[str, int]:
        """The number that each record has in the end."""
        return {row["id"]: row["n"] for part in self._resources() for row in part["records"]}

    def _resources(self) -> list[dict[str, Any]]:
        return [part for each in self.emulator.state()["connections"] for part in each.get("resources") or ()]

    def posted(self) -> dict[str, list[dict[str, Any]]]:
        """Of each lane the records that came to the vendor, in their order, each with the `process` that sent it."""
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for each in self.emulator.log:
            if each.method == "POST":
                rows = orjson.loads(each.body or b"")["data"]
                found[each.path] += [{**row, "process": each.headers.get("X-Process")} for row in rows]
        return found

    def changed_since(self, sent: int) -> list[str]:
        """The paths of the requests after the first `sent` that were to change something."""
        return [each.path for each in list(self.emulator.log)[sent:] if each.method != "GET"]

    async def deliveries(self) -> list[Delivery]:
        async with self.journal() as journal:
            return await journal.find(Filter(), limit=1_000_000)

    async def settled(self) -> list[Delivery]:
        """All deliveries, once none is queued: what has arrived is noted a moment later, or after a lease."""
        while any(each.state == "queued" for each in await self.deliveries()):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
        return await self.deliveries()


@asynccontextmanager
async def scene(folder: Path, vendor: str) -> AsyncIterator[Scene]:
    emulator = seeded(vendor)
    async with serve(emulator) as origin, proxied(origin) as proxy:
        yield Scene(folder, vendor, emulator, proxy)


def support(vendor: str) -> Any:
    """What only this vendor has."""
    return import_module(f"tests.support.{vendor}")


def accounts(numbers: Iterable[int], version: str) -> list[dict[str, Any]]:
    return [personnel_account(n, email=f"{version}.{n}@example.com", **FULLY_KNOWN) for n in numbers]


def is_write(request: Request) -> bool:
    return request.method != "GET"


async def killed_on_the_wire(at: Scene, process: Process, *, number: int = 0) -> None:
    """Kill it when its request `number` that writes has reached the vendor, before the answer reaches it."""
    seen = 0

    async def kill(request: Request, here: Point) -> bool:
        nonlocal seen
        if here != "sent" or not is_write(request):
            return False
        seen += 1
        if seen != number + 1:
            return False
        process.kill()
        await process.wait()
        return True

    at.proxy.meddle = kill
    await process.communicate()
    assert process.returncode == -9
    at.proxy.meddle = leave_alone
