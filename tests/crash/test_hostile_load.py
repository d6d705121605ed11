"""A relay under a hostile load for two minutes: what a well-behaved tenant sees of it, and what it costs the machine.

Strangers send what is no HTTP, hold connections and make up keys. A tenant with many keys floods the relay with
malformed, huge and poisonous evidence, and its vendor never answers. Beside it a tenant posts record after record.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path

import aiohttp
import pytest
from tests.crash.scene import SOAK
from tests.support.emulators import emulated, hanging
from tests.support.programs import process
from tests.support.relay import RelayProcess, relay_process

from proofport.journal import open_journal, opened
from proofport.journal.contract import Filter
from proofport.relay.access import keys
from proofport.testing import Running

SECONDS = float(os.environ.get("PROOFPORT_HOSTILE_SECONDS", "120"))
KEYS = 20
KIND = "custom:good"
PAUSE = 0.1
MEBI = 1024 * 1024
LANES = 30
"""Of the tenant that floods: more than the relay has places."""

TOO_LONG = 5.0
"""Seconds within which the well-behaved tenant has its answer."""

pytestmark = pytest.mark.skipif(not SOAK, reason="takes two minutes by the clock")


class Flood:
    """All that is hostile. `answers` counts what it was told, by what it did."""

    def __init__(self, http: aiohttp.ClientSession, relay: RelayProcess, tokens: list[str]) -> None:
        self.answers: Counter[str] = Counter()
        self._http = http
        self._relay = relay
        self._tokens = tokens
        self._chance = random.Random(7)

    async def post(self, what: str, body: bytes, kind: str = "custom:k1", **headers: str) -> None:
        token = self._chance.choice(self._tokens)
        given = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **headers}
        url = f"{self._relay.origin}/v1/evidence/{kind}?to=flood"
        async with self._http.post(url, data=BytesIO(body), headers=given) as answer:
            await answer.read()
            self.answers[f"{what}: {answer.status}"] += 1

    async def flood(self) -> None:
        """Evidence for lanes whose vendor never answers."""
        records = [{"id": f"r{n}", "text": "x" * 100} for n in range(500)]
        await self.post("flood", json.dumps(records).encode(), f"custom:k{self._chance.randrange(1, LANES + 1)}")

    async def malformed(self) -> None:
        body = self._chance.choice([b"{", b"[" * 500, b'[{"id":1}]', b"\xff\xfe", b'{"id":"a","id":"b"}', b"[]"])
        await self.post("malformed", body)

    async def huge(self) -> None:
        """Just over the limit, and just below it."""
        size = self._chance.choice([8 * MEBI + 1, 7 * MEBI])
        await self.post("huge", b'[{"id":"a","text":"' + b"x" * size + b'"}]')

    async def poisonous(self) -> None:
        edge = {"id": "x", "observed_at": self._chance.choice(["9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00Z"])}
        await self.post("poisonous", json.dumps([edge]).encode(), "custom:refused")

    async def made_up_keys(self) -> None:
        await self.post("made-up key", b"[]", Authorization=f"Bearer pp_{self._chance.randbytes(5).hex()}_{'a' * 52}")

    async def no_http(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._relay.port, limit=MEBI)
        try:
            writer.write(self._chance.randbytes(self._chance.randrange(1, 20_000)) + b"\r\n\r\n")
            await reader.read()
            self.answers["no HTTP: closed"] += 1
        finally:
            writer.close()

    async def slow(self) -> None:
        """A request that never ends: the relay closes the connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._relay.port)
        try:
            writer.write(b"POST /v1/evidence/custom:k1?to=flood HTTP/1.1\r\nHost: a\r\n")
            await reader.read()
            self.answers["slow: closed"] += 1
        finally:
            writer.close()

    @property
    def attackers(self) -> list[tuple[Callable[[], Awaitable[None]], int]]:
        """What they do, and how many of them."""
        return [
            (self.flood, 4),
            (self.malformed, 2),
            (self.huge, 2),
            (self.poisonous, 1),
            (self.made_up_keys, 2),
            (self.no_http, 2),
            (self.slow, 50),
        ]

    @asynccontextmanager
    async def raging(self) -> AsyncIterator[None]:
        attacks = [asyncio.create_task(self._again(do)) for do, count in self.attackers for _ in range(count)]
        try:
            yield
        finally:
            for each in attacks:
                each.cancel()
            ends = await asyncio.gather(*attacks, return_exceptions=True)
            assert {type(each) for each in ends} == {asyncio.CancelledError}, "they went on to the end"

    async def _again(self, do: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await do()
            except (aiohttp.ClientError, OSError):
                self.answers[f"{do.__name__}: cut"] += 1
            await asyncio.sleep(0.01)


class Machine:
    """What the relay takes of the machine, looked at again and again."""

    def __init__(self, relay: RelayProcess, journal: Path) -> None:
        self._relay = relay
        self._journal = journal
        self.memory: list[int] = []
        self.files: list[int] = []
        self.journal: list[int] = []

    async def watch(self) -> None:
        proc = Path("/proc") / str(self._relay.process.pid)
        while True:
            words = (proc / "status").read_text().split()
            self.memory.append(int(words[words.index("VmRSS:") + 1]) * 1024)
            self.files.append(len(list((proc / "fd").iterdir())))
            self.journal.append(
                sum(each.stat().st_size for each in self._journal.parent.glob(f"{self._journal.name}*"))
            )
            await asyncio.sleep(0.5)

    def bounded(self, values: list[int], slack: int) -> bool:
        """True if the second half takes no more than the first, but for a little."""
        middle = len(values) // 2
        return max(values[middle:]) <= max(values[:middle]) * 1.25 + slack


class Good:
    """Posts the states of one record, each once the one before was acknowledged."""

    def __init__(self, http: aiohttp.ClientSession, relay: RelayProcess, token: str) -> None:
        self._http = http
        self._url = f"{relay.origin}/v1/evidence/{KIND}?to=good"
        self._headers = {"Authorization": f"Bearer {token}"}
        self.waited: list[float] = []
        self.statuses: Counter[int] = Counter()

    async def post(self) -> None:
        n, begun = len(self.waited), time.monotonic()
        headers = {**self._headers, "Idempotency-Key": str(n)}
        async with self._http.post(self._url, json={"id": "r", "n": n}, headers=headers) as answer:
            self.statuses[answer.status] += 1
        self.waited.append(time.monotonic() - begun)


@asynccontextmanager
async def load(folder: Path) -> AsyncIterator[tuple[Running, Path, RelayProcess, list[str], str]]:
    """The emulator, the journal, the relay, the keys of the tenant that floods, and the key of the other."""
    async with emulated("drata") as emulator, hanging() as (origin, _):
        connections = [{"id": 1, "type": "CUSTOM", "resources": [{"id": 101, "kind": KIND}]}]
        emulator.emulator.load({"connections": connections})
        block = {**emulator.destination(), "requests_per_minute": 0}
        lanes = {f"custom:k{n}": {"connection_id": 1, "resource_id": n} for n in range(1, LANES + 1)}
        flooded = {**lanes, "custom:refused": {"connection_id": 1, "resource_id": 99}}
        overload = {"deliveries": 3_000, "tenant_deliveries": 2_000, "lane_deliveries": 200, "free_bytes": 0}
        config = {
            "instance": "load",
            "journal": "journal.sqlite3",
            "lease": 5,
            "destinations": {},
            "tenants": {
                "calm": {
                    "destinations": {"good": {**block, "objects": {KIND: {"connection_id": 1, "resource_id": 101}}}}
                },
                "hostile": {"destinations": {"flood": {**block, "base_url": origin, "objects": flooded}}},
            },
            "relay": {
                "port": 0,
                "limits": {"body_bytes": 8 * MEBI, "connections": 200, "idle_seconds": 5, "body_seconds": 5},
                "overload": overload,
            },
        }
        (folder / "proofport.yaml").write_text(json.dumps(config))
        path = folder / "journal.sqlite3"
        async with opened(open_journal(path)) as journal:
            scope = {"name": "load", "may_read": True, "may_write": True}
            many = [str((await keys.issue(journal, tenant="hostile", **scope))[0]) for _ in range(KEYS)]
            one = str((await keys.issue(journal, tenant="calm", **scope))[0])
        async with relay_process(process("relay", folder=folder)) as relay:
            yield emulator, path, relay, many, one


async def test_a_well_behaved_tenant_is_answered_in_order_beside_a_hostile_load(tmp_path: Path) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    async with load(tmp_path) as (emulator, path, relay, many, one), aiohttp.ClientSession(connector=connector) as http:
        good, flood, machine = Good(http, relay, one), Flood(http, relay, many), Machine(relay, path)
        watching = asyncio.create_task(machine.watch())
        end = time.monotonic() + SECONDS
        async with flood.raging():
            while time.monotonic() < end:
                await good.post()
                await asyncio.sleep(PAUSE)
        watching.cancel()
        async with opened(open_journal(path)) as journal, asyncio.timeout(60):
            while await journal.find(Filter(tenant="calm", state="queued")):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.1)
            done = await journal.find(Filter(tenant="calm", state="done"), limit=100_000)
            states = Counter([each.state for each in await journal.find(Filter(tenant="hostile"), limit=100_000)])
        sent = [json.loads(each.body or b"")["data"] for each in emulator.emulator.log if each.method == "POST"]
        arrived = [row["n"] for rows in sent for row in rows]
        count, waits = len(good.waited), sorted(good.waited)
        figures = {
            "seconds": SECONDS,
            "answered": dict(good.statuses),
            "waited ms, median, 99 %, longest": [round(1000 * waits[int(count * part)]) for part in (0.5, 0.99)]
            + [round(1000 * waits[-1])],
            "memory MiB, first, highest, last": [
                round(each / MEBI) for each in (machine.memory[0], max(machine.memory), machine.memory[-1])
            ],
            "files, highest": max(machine.files),
            "journal MiB, half-way, end": [
                round(each / MEBI, 1) for each in (machine.journal[len(machine.journal) // 2], machine.journal[-1])
            ],
            "log lines": len(relay.log),
            "hostile answers": dict(sorted(flood.answers.items())),
            "hostile deliveries": dict(states),
        }
        print(json.dumps(figures, indent=2))
        assert good.statuses == {202: count}
        assert waits[-1] < TOO_LONG
        assert arrived == sorted(arrived), "in order; one that was on its way may come twice"
        assert set(arrived) == set(range(count)), "nothing lost"
        assert len(done) == count
        assert machine.bounded(machine.memory, 64 * MEBI)
        assert max(machine.files) < 400
        assert machine.bounded(machine.journal, 16 * MEBI)
        assert all(len(line) < 4_000 for line in relay.log)
