"""The connection is cut before the request, after it, and in the middle of the answer, for every call that exists.

The calls are found, not listed: every adapter that is installed is run through every kind, mode and question that it
supports, and through its operations, while a proxy notes what is called; then each of these requests is cut in turn.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast, get_args

import pytest
from tests.crash.proxy import Point, Proxy, Request, leave_alone, proxied
from tests.crash.scene import SOAK
from tests.support.destination import configuration
from tests.support.emulators import NAMES, NOWHERE, block, seeded
from tests.support.reports import FIVE

from proofport import operations
from proofport.adapter import Adapter, Mode, Operation
from proofport.config import Config
from proofport.errors import ConfigError, ProofportError, UnsupportedFeature
from proofport.gateway import Gateway
from proofport.http import retry
from proofport.mapping import MappingLibrary
from proofport.testing import Emulator, serve

POINTS: tuple[Point, ...] = ("before", "sent", "middle")
MODES: tuple[Mode, ...] = get_args(Mode)
QUESTIONS = ("provision", "verify", "check", "plan")
SETTINGS: Mapping[str, dict[str, Any]] = {"drata": {"allow_assumed": ["put_merge"]}}
MOMENTS = ("separatedAt", "deactivatedTimestamp", "deletedAt")
PASS_THROUGH = {"id": "x", "name": "openssl", "version": "3.2"}
SAMPLED = {"drata": ("snapshot", "remove", "provision"), "secureframe": ("upsert",)}


@dataclass(frozen=True)
class Case:
    """What is asked of a vendor, and about which kind."""

    vendor: str
    what: str
    kind: str

    def __str__(self) -> str:
        return f"{self.vendor} {self.what} {self.kind}"


def settings(vendor: str, origin: str = NOWHERE) -> dict[str, Any]:
    return block(vendor, origin, **SETTINGS.get(vendor, {}))


def config(settings: dict[str, Any], vendor: str) -> Config:
    return configuration(Path(), {vendor: settings}, journal="memory:", guard={"max_gone": 1})


def cases() -> list[Case]:
    found = []
    for vendor in NAMES:
        configured = settings(vendor)
        adapter = config(configured, vendor).adapter(vendor)
        for kind in configured["objects"]:
            found += [Case(vendor, mode, kind) for mode in MODES if is_supported(adapter, kind, mode)]
            found += [Case(vendor, what, kind) for what in (*QUESTIONS, "delete_gone")]
    sampled = (case for case in found if case.kind == "cloud_resource" and case.what in SAMPLED.get(case.vendor, MODES))
    return found if SOAK else list(sampled)


def is_supported(adapter: Adapter, kind: str, mode: Mode) -> bool:
    try:
        adapter.resource(kind).limits(mode)
    except (UnsupportedFeature, ConfigError):
        return False
    return True


@cache
def sample(vendor: str, kind: str) -> dict[str, Any]:
    """A complete record, from the tests that the vendor's own mapping brings."""
    library = MappingLibrary()
    if f"{vendor}/{kind}" not in library.names():
        return PASS_THROUGH
    return max((test.input for test in library.find(f"{vendor}/{kind}").tests), key=len)


def records(case: Case, numbers: range) -> list[dict[str, Any]]:
    """Records of one kind, each with names of its own where vendors match on names."""
    whole = sample(case.vendor, case.kind)
    own = {"id": "r{}", "email": "p{}@example.com", "serial_number": "S{}", "mac_address": "00:00:00:00:00:0{}"}
    return [{name: own[name].format(n) if name in own else value for name, value in whole.items()} for n in numbers]


class Stage:
    """One vendor behind a proxy, again and again as it was at first."""

    def __init__(self, case: Case, emulator: Emulator, proxy: Proxy) -> None:
        self.case = case
        self.emulator = emulator
        self.proxy = proxy

    async def play(self, cut: tuple[int, Point] | None) -> tuple[Any, list[str]]:
        """What the vendor holds in the end, and the requests that it took. Whoever is told of a loss tries again."""
        self._prepare()
        async with Gateway(config(self._block(), self.case.vendor)) as gateway:
            self.proxy.meddle = leave_alone
            if self.case.what != "provision":
                await self._deliver_first(gateway)
            self.proxy.count_from_here()
            self.proxy.meddle = once(cut)
            whole = await self._attempt(gateway)
            asked = [f"{request.method} {request.path}" for request in self.proxy.requests]
            assert whole or cut is not None or not asked, "undisturbed, it must go well"
            if not whole and cut is not None:
                assert await self._attempt(gateway), f"{asked[cut[0]]} was cut {cut[1]}"
        await self.emulator.settle()
        return timeless(self.emulator.state()), asked

    async def _deliver_first(self, gateway: Gateway) -> None:
        case = self.case
        adapter = gateway.config.adapter(case.vendor)
        mode: Mode = "upsert" if is_supported(adapter, case.kind, "upsert") else "snapshot"
        first = await gateway.push(records(case, range(4)), kind=case.kind, to=case.vendor, mode=mode)
        assert first.exit_code == 0, first.as_dict()

    def _prepare(self) -> None:
        self.emulator.seed()
        if self.case.what == "provision":
            self.emulator.load({})

    def _block(self) -> dict[str, Any]:
        found = settings(self.case.vendor, self.proxy.origin)
        return {**found, "objects": {}} if self.case.what == "provision" else found

    async def _attempt(self, gateway: Gateway) -> bool:
        try:
            return await self._ask(gateway)
        except ProofportError:
            return False

    async def _ask(self, gateway: Gateway) -> bool:
        """Whether it went well. The books of a delivery balance, whatever happened."""
        case, here = self.case, {"kind": self.case.kind, "to": self.case.vendor}
        match case.what:
            case "provision":
                await gateway.provision(case.vendor, kind=case.kind)
            case "check":
                return all(finding.ok for finding in await gateway.check(case.vendor))
            case "verify":
                await gateway.verify(case.vendor, kind=case.kind)
            case "plan":
                await gateway.plan(records(case, range(2, 6)), mode="snapshot", **cast(Any, here))
            case what:
                given = records(case, range(2)) if what == "remove" else records(case, range(2, 6))
                if what == "patch":
                    given = [{**each, "id": f"r{n}"} for n, each in enumerate(given)]
                mode = cast(Mode, "snapshot" if what == "delete_gone" else what)
                report = await gateway.push(given, mode=mode, delete_gone=what == "delete_gone", **cast(Any, here))
                books = report.as_dict()["destinations"][case.vendor]
                assert sum(books[word] for word in FIVE) == books["input"] == len(given)
                return int(report.exit_code) == 0
        return True


def once(cut: tuple[int, Point] | None) -> Callable[[Request, Point], Awaitable[bool]]:
    left = [cut] if cut else []

    async def meddle(request: Request, point: Point) -> bool:
        if (request.number, point) not in left:
            return False
        left.clear()
        return True

    return meddle


def timeless(state: Any) -> Any:
    """Without order, moments, and what names a run: the sessions of a snapshot, none of which may be open."""
    if isinstance(state, list):
        return sorted(map(timeless, state), key=json.dumps)
    if not isinstance(state, dict):
        return state
    assert "IN_PROGRESS" not in {session["status"] for session in state.get("sessions", ())}
    kept = {name: timeless(value) for name, value in state.items() if name != "sessions"}
    return {name: (name in MOMENTS and value is not None) or value for name, value in kept.items()}


@asynccontextmanager
async def staged(case: Case) -> AsyncIterator[Stage]:
    emulator = seeded(case.vendor)
    async with serve(emulator) as origin, proxied(origin) as proxy:
        yield Stage(case, emulator, proxy)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "_backoff", lambda state: 0.0)


@pytest.mark.parametrize("case", cases(), ids=str)
async def test_the_end_is_the_same_wherever_the_connection_is_cut(case: Case) -> None:
    async with staged(case) as stage:
        expected, asked = await stage.play(None)
        for number, request in enumerate(asked):
            for point in POINTS:
                state, _ = await stage.play((number, point))
                assert state == expected, f"{request} was cut {point}"


def success(body: bytes, kind: bytes = b"application/json") -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b" % (kind, len(body), body)


LIES: Mapping[str, bytes] = {
    "an error object": success(b'{"statusCode":500,"error":{"message":"failed"}}'),
    "a page": success(b"<html>Sign in</html>", b"text/html"),
    "nothing": success(b""),
    "an empty object": success(b"{}"),
    "an empty list": success(b"[]"),
}
"""Answers of a proxy that read as success."""


@pytest.mark.parametrize("lie", LIES if SOAK else list(LIES)[:1])
@pytest.mark.parametrize("case", [case for case in cases() if SOAK or case.what == "snapshot"], ids=str)
async def test_the_end_is_the_same_whatever_a_proxy_answers(case: Case, lie: str) -> None:
    """`before`: the vendor never gets the request. `sent`: it has acted, and its own answer is lost."""
    async with staged(case) as stage:
        expected, asked = await stage.play(None)
        stage.proxy.instead = LIES[lie]
        for number, request in enumerate(asked):
            for point in POINTS[:2]:
                state, _ = await stage.play((number, point))
                assert state == expected, f"{request} was answered with {lie}, {point}"


# ---------------------------------------------------------------------- the vendors' own operations
Step = tuple[str, dict[str, Any]]


PUBLISH: Step = (
    "publish",
    {"schema_slug": "cloud_resource", "resource_data": [{"id": "a", "cloud_resource_type": "vpc"}]},
)
FIRST: Mapping[str, list[Step]] = {"secureframe": [PUBLISH]}


def walk_of(vendor: str) -> list[Step]:
    """The operations in an order in which each finds what it needs: the contract tests' own walk where there is one.

    An operation that it does not name joins by itself when it needs nothing but the `id` of a row that was listed.
    """
    name = f"tests.contracts.test_{vendor}_operations"
    found = getattr(import_module(name), "WALK", []) if find_spec(name) else []
    offered = {operation.name for operation in operations_of(vendor)}
    walk = [step for step in found or FIRST.get(vendor, []) if step[0] in offered]
    for operation in operations_of(vendor):
        needed = {name for name, field in operation.parameters.model_fields.items() if field.is_required()}
        if operation.name not in {name for name, _ in walk} and needed <= {"id"}:
            walk.append((operation.name, dict.fromkeys(needed, 0)))
    return walk


@cache
def operations_of(vendor: str) -> Sequence[Operation]:
    return operations.of(config(settings(vendor), vendor).adapter(vendor))


@pytest.mark.parametrize("vendor", NAMES)
def test_every_operation_is_walked(vendor: str) -> None:
    assert {name for name, _ in walk_of(vendor)} == {operation.name for operation in operations_of(vendor)}


class Walk:
    """The operations of one vendor, one after the other."""

    def __init__(self, vendor: str, emulator: Emulator, proxy: Proxy) -> None:
        self.vendor = vendor
        self.emulator = emulator
        self.proxy = proxy
        self._made: dict[str, Any] = {}

    async def play(self, cut: tuple[int, Point] | None) -> tuple[Any, list[str]]:
        """What the vendor holds in the end, and the operation behind each request."""
        self.emulator.seed()
        self._made.clear()
        self.proxy.count_from_here()
        self.proxy.meddle = once(cut)
        behind: list[str] = []
        async with Gateway(config(settings(self.vendor, self.proxy.origin), self.vendor)) as gateway:
            for name, parameters in walk_of(self.vendor):
                try:
                    await self._call(gateway, name, parameters)
                except ProofportError:
                    await self._again(gateway, name, parameters)
                behind += [name] * (len(self.proxy.requests) - len(behind))
        await self.emulator.settle()
        return timeless(self.emulator.state()), behind

    async def _again(self, gateway: Gateway, name: str, parameters: dict[str, Any]) -> None:
        """That it is done already is no failure: the vendor's state is what counts."""
        with suppress(ProofportError):
            await self._call(gateway, name, parameters)

    async def _call(self, gateway: Gateway, name: str, parameters: dict[str, Any]) -> None:
        """A 0 stands for the id that an earlier step was given."""
        kind = "device" if name in ("upsert_device", "get_device", "delete_connection_device") else "other"
        filled = {field: self._made.get(kind, 1) if value == 0 else value for field, value in parameters.items()}
        value = (await gateway.call(self.vendor, name, **filled)).value
        if name == "upsert_device":
            self._made["device"] = value["id"]
        elif name.startswith(("v1_create", "list_")):
            rows = value["connections" if name.startswith("v1_create") else "data"]
            self._made["other"] = rows[0]["id"] if rows else "00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize("vendor", [vendor for vendor in NAMES if operations_of(vendor)])
async def test_operations_end_the_same_wherever_the_connection_is_cut(vendor: str) -> None:
    emulator = seeded(vendor)
    async with serve(emulator) as origin, proxied(origin) as proxy:
        walk = Walk(vendor, emulator, proxy)
        expected, behind = await walk.play(None)
        boundaries = [(number, point) for number in range(len(behind)) for point in POINTS]
        sampled = [each for each in boundaries if "create" in behind[each[0]]]
        for number, point in boundaries if SOAK else sampled[: len(POINTS)]:
            state, _ = await walk.play((number, point))
            assert state == expected, f"{behind[number]} was cut {point} at request {number}"
