"""A relay gets nothing but malformed requests: it refuses each of them, does not break, and does not grow.

`make test` sends a fixed sample, `make soak` all of them.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import orjson
import pytest
from tests.crash.scene import SOAK, scene
from tests.fuzz.malformed import ANYTHING, KINDS, Malformed, malformed
from tests.support.relay import RelayProcess

REQUESTS = 10_000 if SOAK else 8 * len(KINDS)
PORTION = 1_000
AT_ONCE = 16
LIMITS = {"body_bytes": 262_144, "body_seconds": 0.25, "records": 5_000}
"""Small, so that what is over a limit is cheap."""


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[RelayProcess]:
    async with scene(tmp_path, "drata") as at:
        objects = at.destinations["drata"]["objects"]
        at.change(objects={**objects, "custom:k1": {"connection_id": 4, "resource_id": 104}})
        at.change_options(relay={"limits": LIMITS})
        async with at.relay() as started:
            yield started


async def answer_to(sent: Malformed, port: int) -> bytes:
    """All that comes back, empty when the connection was closed without a word."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent.raw)
        if sent.hangs_up:
            writer.write_eof()
        async with asyncio.timeout(60):
            return await reader.read()
    except ConnectionError:  # the relay need not read to the end what it has refused
        return b""
    finally:
        writer.close()


def verdict(sent: Malformed, answer: bytes) -> str:
    """The status; `silence` where whoever asked is gone. Anything but a problem with a 4xx is a finding."""
    if not answer:
        return "silence" if sent.hangs_up else f"finding: {sent.kind} got no answer"
    head, _, body = answer.partition(b"\r\n\r\n")
    status = head.split(b" ", 2)[1].decode()
    if not status.startswith("4") or b"\r\nContent-Type: application/problem+json\r\n" not in head + b"\r\n":
        return f"finding: {sent.kind} got {answer[:300]!r}"
    if b" HEAD " not in sent.raw[:10]:
        assert orjson.loads(body)["status"] == int(status)
    return status


async def send(numbers: Iterator[int], port: int, verdicts: Counter[str]) -> None:
    for number in numbers:
        sent = malformed(number)
        found = verdict(sent, await answer_to(sent, port))
        verdicts[f"{number}: {found}" if found.startswith("finding") else found] += 1


def resident(process: int) -> int:
    """Bytes, on Linux."""
    status = Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))


async def test_whatever_is_malformed_is_refused(relay: RelayProcess) -> None:
    verdicts, sizes = Counter[str](), list[int]()
    for start in range(0, REQUESTS, PORTION):
        numbers = iter(range(start, min(start + PORTION, REQUESTS)))
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(send(numbers, relay.port, verdicts))
        sizes.append(resident(relay.process.pid))
    assert [each for each in verdicts if "finding" in each] == []
    assert {"400", "404", "405", "408", "413", "415", "422"} <= verdicts.keys()
    assert not SOAK or "431" in verdicts
    assert len(sizes) < 3 or abs(sizes[-1] / sizes[1] - 1) <= 0.05, sizes
    async with aiohttp.ClientSession() as client:
        async with client.post(relay.origin + ANYTHING, json={"id": "a"}) as answer:
            assert answer.status == 202
        async with client.get(f"{relay.origin}/v1/deliveries") as answer:
            assert len((await answer.json())["items"]) == 1
