"""A pushing process is killed at every boundary of every request; nothing is half done, and the next push ends it."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.crash.program import BATCH
from tests.crash.proxy import Point, Request, leave_alone
from tests.crash.scene import KIND, SOAK, Bodies, Scene, accounts, is_write, killed_on_the_wire, scene, support
from tests.support.emulators import NAMES
from tests.support.reports import FIVE

from proofport.adapter import Replaces, Stages
from proofport.journal.contract import Filter

BATCHES = 20
RECORDS = BATCHES * BATCH
GONE = BATCHES // 2
POINTS: tuple[Point, ...] = ("before", "sent", "answered")


REQUESTS: dict[str, list[str]] = {each: support(each).snapshot_requests(BATCHES, GONE) for each in NAMES}
"""The methods of one snapshot."""


def boundaries(requests: list[str]) -> Iterator[tuple[int, Point]]:
    """All of them, or two: in the middle of the writes, and at the last of them."""
    writes = [number for number, method in enumerate(requests) if method != "GET"]
    sample = {(writes[len(writes) // 2], "before"), (writes[-1], "sent")}
    for number in range(len(requests)):
        yield from ((number, point) for point in POINTS if SOAK or (number, point) in sample)


ROUNDS = [(vendor, *each) for vendor, requests in REQUESTS.items() for each in boundaries(requests)]


@pytest.fixture
async def at(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Scene]:
    """A vendor that holds a complete set, and a new one of which half of the ids, and every body, is another."""
    async with scene(tmp_path, request.param) as made:
        made.write("old.ndjson", *accounts(range(RECORDS), "old"))
        made.write("new.ndjson", *accounts(range(RECORDS // 2, RECORDS + RECORDS // 2), "new"))
        assert (await made.push("old.ndjson")).exit_code == 0
        made.proxy.count_from_here()
        yield made


def merged(vendor: str, old: Bodies, new: Bodies) -> Bodies:
    """What a vendor holds in the end: where it cannot delete, or shows for some time who has left, that too."""
    return {**ended(vendor, old), **new}


def ended(vendor: str, old: Bodies) -> Bodies:
    left = {each: support(vendor).ended(body) for each, body in old.items()}
    return {each: body for each, body in left.items() if body is not None}


async def expected(scene: Scene) -> tuple[Bodies, Bodies]:
    """The bodies of both sets as the vendor stores them."""
    old = await scene.held()
    first = json.dumps(old["a0"])
    numbers = range(RECORDS // 2, RECORDS + RECORDS // 2)
    texts = (first.replace("old.0@", f"new.{n}@").replace('"a0"', f'"a{n}"') for n in numbers)
    return old, {body["id"]: body for body in map(json.loads, texts)}


def is_lawful(at: Scene, held: Bodies, old: Bodies, new: Bodies) -> bool:
    """One whole set or the other where sets are whole, else every record whole and none lost."""
    resource = at.resource()
    if isinstance(resource, Stages | Replaces):
        return held in (old, merged(at.vendor, old, new))
    left = ended(at.vendor, old)
    return old.keys() <= held.keys() and all(b in (old.get(i), new.get(i), left.get(i)) for i, b in held.items())


@pytest.mark.parametrize("at", REQUESTS, indirect=True)
async def test_an_undisturbed_snapshot_has_just_these_boundaries(at: Scene) -> None:
    async with at.process(*at.snapshot("new.ndjson")) as process:
        code, books, _ = await at.finish(process)
    assert (code, books["delivered"]) == (0, RECORDS)
    assert [request.method for request in at.proxy.requests] == REQUESTS[at.vendor]


@pytest.mark.parametrize(("at", "number", "point"), ROUNDS, indirect=["at"])
async def test_nothing_is_half_done_and_the_next_push_ends_it(at: Scene, number: int, point: Point) -> None:
    old, new = await expected(at)
    async with at.process(*at.snapshot("new.ndjson")) as process:
        await killed_at(at, process, number, point, old, new)
    assert is_lawful(at, await at.held(), old, new)

    runs = await at.open_runs()
    resumes = bool(runs) and (number + POINTS.index(point)) % 2 == 1
    acknowledged = len(runs[0].batches) if resumes else 0
    before = len(at.proxy.requests)
    async with at.process(*at.snapshot("new.ndjson", *(("--resume", runs[0].run_id) if resumes else ()))) as process:
        code, books, said = await at.finish(process)
    assert code == 0, said
    assert (books["input"], books["delivered"]) == (RECORDS, RECORDS)
    assert await at.held() == merged(at.vendor, old, new)
    assert "IN_PROGRESS" not in at.statuses()
    assert await at.open_runs() == []
    sent = [each for each in at.proxy.requests[before:] if is_write(each)]
    whole = sum(method != "GET" for method in REQUESTS[at.vendor])
    ends = 0 if isinstance(at.resource(), Stages | Replaces) else GONE
    cancels = 0 if acknowledged or not isinstance(at.resource(), Stages) else 1  # the session that was left
    assert 0 <= len(sent) - (whole - ends - acknowledged) <= ends + cancels


@pytest.mark.parametrize("at", ["drata"], indirect=True)
async def test_a_push_is_resumed_though_queued_evidence_has_ended_its_session(at: Scene) -> None:
    old, new = await expected(at)
    async with at.process(*at.snapshot("new.ndjson")) as process:
        await killed_at(at, process, 9, "sent", old, new)
    at.proxy.meddle = leave_alone
    [run] = await at.open_runs()
    async with at.gateway() as gateway, at.process("work", name="second"):
        [queued] = await gateway.submit(accounts([0], "late"), kind=KIND, to=[at.vendor])
        async with asyncio.timeout(60):
            await until_done(at, queued.id)
    assert at.statuses() == {"ACTIVE", "CANCELED"}

    async with at.process(*at.snapshot("new.ndjson", "--resume", run.run_id)) as process:
        code, books, said = await at.finish(process)
    assert (code, books.get("delivered")) == (0, RECORDS), said
    assert await at.held() == new
    assert at.statuses() == {"ACTIVE", "ARCHIVED", "CANCELED"}


async def until_done(at: Scene, delivery: int) -> None:
    async with at.journal() as journal:
        while not await journal.find(Filter(ids=[delivery], state="done")):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_what_arrived_and_was_never_noted_is_not_skipped_as_unchanged(tmp_path: Path) -> None:
    """The vendor holds the newer body, the journal only knows the older one, and that is what is pushed next."""
    async with scene(tmp_path, "secureframe") as at:

        async def pushed(file: str, *more: str) -> dict[str, int]:
            async with at.process("push", file, "--kind", KIND, "--to", at.vendor, "--json", *more) as process:
                code, books, said = await at.finish(process)
            assert code == 0, said
            return {word: books[word] for word in FIVE if books[word]}

        for version in ("old", "new"):
            at.write(f"{version}.ndjson", *accounts(range(2 * BATCH), version))
        assert await pushed("old.ndjson") == {"delivered": 2 * BATCH}
        old = await at.held()
        async with at.process("push", "new.ndjson", "--kind", KIND, "--to", at.vendor) as process:
            await killed_on_the_wire(at, process)
        assert sum(old[each] != body for each, body in (await at.held()).items()) == BATCH
        assert await pushed("old.ndjson", "--skip-unchanged") == {"delivered": 2 * BATCH}
        assert await at.held() == old
        assert await pushed("old.ndjson", "--skip-unchanged") == {"unchanged": 2 * BATCH}


async def killed_at(at: Scene, process: Process, number: int, point: Point, old: Bodies, new: Bodies) -> None:
    """Kill the process there. After every request the vendor's state must be lawful, whatever comes next."""

    async def meddle(request: Request, here: Point) -> bool:
        if here == "sent":
            assert is_lawful(at, await at.held(), old, new), f"after {request}"
        if (request.number, here) != (number, point):
            return False
        process.kill()
        await process.wait()
        return True

    at.proxy.meddle = meddle
    _, errors = await process.communicate()
    assert process.returncode == -9, errors

    async def lawful(request: Request, here: Point) -> bool:
        assert here != "sent" or is_lawful(at, await at.held(), old, new), f"after {request}"
        return False

    at.proxy.meddle = lawful
