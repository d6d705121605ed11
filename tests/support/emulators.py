"""Emulators by the name of their adapter, found through the registry: in this process, or as a program."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web
from tests.support.evidence import Record
from tests.support.openapi import Contract
from tests.support.programs import fetch, first_line, program

from proofport import registry
from proofport.testing import Emulator, Running, running
from proofport.testing import document as vendor_document

NAMES = registry.names(registry.EMULATORS)
NOWHERE = "http://127.0.0.1:9"
"""Nobody listens there."""


def seeded(name: str) -> Emulator:
    """An emulator that holds what a new customer has: an object for every kind, and no records."""
    emulator: Emulator = registry.load_emulator(name)()
    emulator.seed()
    return emulator


def strict(name: str) -> Emulator:
    """A seeded emulator that refuses devices of strangers, where its vendor's module says how."""
    emulator, module = seeded(name), import_module(f"tests.support.{name}")
    if hasattr(module, "refuse_strangers"):
        module.refuse_strangers(emulator)
    return emulator


def document(name: str) -> dict[str, Any]:
    """The vendor's OpenAPI document."""
    return vendor_document(registry.load_emulator(name).__module__.rpartition(".")[0])


@cache
def contract(name: str) -> Contract:
    return Contract(document(name))


@asynccontextmanager
async def hanging() -> AsyncIterator[tuple[str, asyncio.Semaphore]]:
    """A vendor that takes requests and never answers. Its origin, and a permit for each request."""
    asked, end = asyncio.Semaphore(0), asyncio.Event()

    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.release()
        await end.wait()
        writer.close()

    async with await asyncio.start_server(never, "127.0.0.1") as server:
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
        finally:
            end.set()


@asynccontextmanager
async def emulated(name: str) -> AsyncIterator[Running]:
    """Serve a seeded emulator; at the end, every answer it gave must fit the vendor's document."""
    emulator, fits = seeded(name), contract(name)
    application_of = emulator.application
    fits.violations.clear()

    def application() -> web.Application:
        application = application_of()
        application.on_response_prepare.append(fits.check)
        return application

    emulator.application = application  # type: ignore[method-assign]
    async with running(emulator) as served:
        yield served
    assert fits.violations == []


def block(name: str, origin: str = NOWHERE, **changes: Any) -> dict[str, Any]:
    """The block of `destinations:` for a seeded emulator, whose requests need not wait for a budget."""
    return {**seeded(name).destination(origin), "requests_per_minute": 0, **changes}


def records(name: str, state: dict[str, Any], kind: str) -> list[Record]:
    """What a vendor holds of a kind. Each vendor's state is read by the module of its name in this package."""
    found: list[Record] = import_module(f"tests.support.{name}").records(state, kind)
    return found


def live(name: str, state: dict[str, Any], kind: str) -> set[str]:
    """The ids that a vendor shows as present: all that it holds, unless its module has a `live` of its own."""
    module = import_module(f"tests.support.{name}")
    if hasattr(module, "live"):
        return set(module.live(state, kind))
    return {each["id"] for each in module.records(state, kind)}


class Emulators:
    """All emulators as they run for a user. `config` is what `proofport emulate` wrote, but for the journal."""

    def __init__(self, config: dict[str, Any]) -> None:
        del config["journal"]
        self.config = config
        self._changed: set[str] = set()
        self._first = {name: self.control(name, "GET", "state") for name in config["destinations"]}

    def control(self, name: str, method: str, path: str, **body: Any) -> Any:
        """Use the control plane of the emulator that a destination is configured for."""
        origin = self.config["destinations"][name]["base_url"]
        if method != "GET":
            self._changed.add(name)
        return fetch(method, f"{origin}/_emulator/{path}", body or None).body

    def fault(self, name: str, **faults: Any) -> None:
        """Replace the faults. Without any, clear them."""
        self.control(name, "DELETE", "faults")
        if faults:
            self.control(name, "POST", "faults", **faults)

    def state(self, name: str) -> dict[str, Any]:
        """All that the vendor holds, once everything it accepted has been processed."""
        self.control(name, "POST", "settle")
        state: dict[str, Any] = self.control(name, "GET", "state")
        return state

    def received(self, *names: str) -> list[dict[str, Any]]:
        """Every request so far to these vendors, or to any, in order."""
        return [each for name in names or self.config["destinations"] for each in self.control(name, "GET", "received")]

    def restart(self) -> None:
        """Let every vendor be as it was at first. Nothing is to do at one that nobody has asked anything."""
        for name, state in self._first.items():
            if name in self._changed or self.received(name):
                self.control(name, "DELETE", "faults")
                self.control(name, "POST", "reset")
                self.control(name, "POST", "seed", **state)
        self._changed.clear()


@contextmanager
def emulating(folder: Path) -> Iterator[Emulators]:
    """`proofport emulate` in a process of its own, from its line `ready` on."""
    file = folder / "emulated.yaml"
    with program("emulate", "--write-config", str(file)) as process:
        assert first_line(process) == "ready\n"
        yield Emulators(yaml.safe_load(file.read_text(encoding="utf-8")))
