"""A folder with a configuration, an emulator behind a proxy, and processes that come to harm."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from tests.crash.proxy import Proxy, Request, proxied

from proofport.delivery.report import RunReport
from proofport.gateway import Gateway, Input
from proofport.journal.contract import Journal, RunView
from proofport.registry import load_emulator
from proofport.testing import Emulator, serve

SOAK = "PROOFPORT_SOAK" in os.environ
PROGRAM = str(Path(__file__).with_name("program.py"))
KIND = "personnel_account"
FIVE = ("delivered", "unchanged", "rejected", "withheld", "unknown")
LEASE = 1.0
Bodies = dict[str, dict[str, Any]]


@dataclass
class Scene:
    """`vendor` names the emulator and the one destination; processes talk to it through `proxy`."""

    folder: Path
    vendor: str
    emulator: Emulator
    proxy: Proxy

    # ------------------------------------------------------------------ what a user has
    def configure(self, **changes: Any) -> None:
        block = {**self.emulator.destination(self.proxy.origin), "requests_per_minute": 0, **changes}
        config = {
            "instance": "crash",
            "lease": LEASE,
            "patience": 20,
            "guard": {"max_gone": 0.6},
            "destinations": {self.vendor: block},
        }
        (self.folder / "proofport.yaml").write_text(yaml.safe_dump(config))

    def write(self, name: str, records: Iterable[Mapping[str, Any]]) -> str:
        (self.folder / name).write_text("".join(json.dumps(record) + "\n" for record in records))
        return name

    def gateway(self) -> Gateway:
        return Gateway.from_file(self.folder / "proofport.yaml")

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

    async def open_runs(self) -> list[RunView]:
        async with self.journal() as journal:
            runs = [run for run in await journal.runs() if run.state == "open"]
            return [view for run in runs if (view := await journal.run(run.run_id, run.destination))]

    # ------------------------------------------------------------------ processes
    @asynccontextmanager
    async def process(self, *arguments: str, name: str = "first") -> AsyncIterator[Process]:
        """`proofport ARGUMENTS` (or `work`); gone at the end."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, PROGRAM, name, *arguments, cwd=self.folder, stdin=None, stdout=PIPE, stderr=PIPE
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()

    def snapshot(self, file: str, *more: str) -> Sequence[str]:
        return ("push", file, "--kind", KIND, "--to", self.vendor, "--mode", "snapshot", "--json", *more)

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
        state = self.emulator.state()
        parts = [part for each in state["connections"] for part in each.get("resources") or each.get("schemas") or ()]
        part = next(part for part in parts if KIND in (part.get("kind"), part.get("slug")))
        return {record["id"]: record for record in part.get("records", part.get("resources"))}

    def statuses(self) -> set[str]:
        """Of the sessions, where the vendor has any."""
        state = self.emulator.state()
        parts = [part for each in state["connections"] for part in each.get("resources") or ()]
        return {session["status"] for part in parts for session in part["sessions"]}


@asynccontextmanager
async def scene(folder: Path, vendor: str) -> AsyncIterator[Scene]:
    emulator = load_emulator(vendor)()
    emulator.seed()
    async with serve(emulator) as origin, proxied(origin) as proxy:
        made = Scene(folder, vendor, emulator, proxy)
        made.configure()
        yield made


def accounts(numbers: Iterable[int], version: str) -> list[dict[str, Any]]:
    return [{"id": f"a{n}", "email": f"{version}.{n}@example.com", "active": True} for n in numbers]


def is_write(request: Request) -> bool:
    return request.method != "GET"
