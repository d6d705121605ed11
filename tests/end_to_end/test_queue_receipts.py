"""Receipts of the queue: every delivery that has ended stands in one, and an auditor verifies it like that of a run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.support.cli import Cli
from tests.support.clock import Clock
from tests.support.evidence import personnel_account
from tests.support.receipts import exported, fingerprint, judged, statements

from proofport import Gateway
from proofport.accounting import Outcome, Status
from proofport.audit import lanes
from proofport.audit.lanes import LaneReceipts
from proofport.journal.contract import Delivery, Filter

KIND = "personnel_account"


class Stopping:
    """Stops the work when some deliveries have ended."""

    def __init__(self, count: int) -> None:
        self.stop = asyncio.Event()
        self._left = count

    def settled(self, delivery: Delivery, outcomes: Sequence[Outcome]) -> None:
        self._left -= 1
        if self._left == 0:
            self.stop.set()

    def attempted(self, destination: str, attempts: object) -> None:
        """Do nothing: an attempt is no end."""


async def submitted(gateway: Gateway, first: int, *counts: int) -> list[int]:
    """Queue deliveries of so many records each. Their ids."""
    done = []
    for count in counts:
        records = [personnel_account(n) for n in range(first, first + count)]
        done += [each.id for each in await gateway.submit(records, kind=KIND, to="drata")]
        first += count
    return done


async def worked(gateway: Gateway, count: int) -> None:
    watch = Stopping(count)
    await gateway.work(watch.stop, watch=watch)


async def queued(cli: Cli, *counts: int) -> list[int]:
    """Queue and deliver."""
    async with Gateway.from_file(cli.folder / "proofport.yaml") as gateway:
        ids = await submitted(gateway, 0, *counts)
        await worked(gateway, len(ids))
    return ids


def unreceipted(cli: Cli) -> list[Any]:
    found: list[Any] = cli.type("receipt", "list", "--json").json["unreceipted_deliveries"]
    return found


def test_deliveries_have_a_receipt_when_the_worker_stops(signing: Cli) -> None:
    ids = asyncio.run(queued(signing, 3, 2))
    [said] = [each["predicate"] for each in statements(signing)]
    assert said["deliveries"] == {"count": 2, "first": ids[0], "last": ids[1]}
    assert said["population"] == {"read": 5, "input": 5}
    assert (said["counts"]["delivered"], said["mode"], said["from_journal"]) == (5, "queue", False)
    assert said["exchanges"] > 0
    assert unreceipted(signing) == []


def test_a_delivery_names_its_receipt(signing: Cli) -> None:
    async def shown() -> tuple[str | None, str | None]:
        async with Gateway.from_file(signing.folder / "proofport.yaml") as gateway:
            [number] = await submitted(gateway, 0, 1)
            before = await gateway.delivery(number)
            await worked(gateway, 1)
            return before.receipt, (await gateway.delivery(number)).receipt

    before, after = asyncio.run(shown())
    [row] = signing.type("receipt", "list", "--json").json["receipts"]
    assert (before, after) == (None, row["number"])


def test_an_auditor_verifies_them_and_reads_the_statement(signing: Cli) -> None:
    asyncio.run(queued(signing, 3))
    code, words = judged(exported(signing), "--key", fingerprint(signing))
    assert code == 0, words
    assert "3 delivered" in words
    [row] = signing.type("receipt", "list", "--json").json["receipts"]
    page = signing.type("receipt", "statement", row["number"]).words
    assert "Queued deliveries 1, numbers" in page
    assert "3 read = 3: reconciles" in page
    assert signing.type("receipt", "statement", row["run_id"]).code == 0


def test_a_changed_list_of_deliveries_is_found(signing: Cli) -> None:
    asyncio.run(queued(signing, 3))
    folder = exported(signing)
    [path] = (folder / "receipts").glob("*.deliveries")
    path.write_bytes(path.read_bytes().replace(b'"records":3', b'"records":4'))
    code, words = judged(folder, "--key", fingerprint(signing))
    assert (code, path.name in words) == (1, True)


def test_a_refused_record_is_counted_and_its_id_blinded(signing: Cli) -> None:
    async def refused() -> None:
        async with Gateway.from_file(signing.folder / "proofport.yaml") as gateway:
            await gateway.submit([{"id": "sha256:a", "type": "nobody.knows.this"}], kind="cloud_resource", to="drata")
            await worked(gateway, 1)

    asyncio.run(refused())
    [said] = statements(signing)
    counts = said["predicate"]["counts"]
    assert sum(counts.values()) == 1
    assert counts["delivered"] + counts["rejected"] == 1
    assert "sha256:a" not in json.dumps(said)
    assert all(status.value in counts for status in Status)


def test_a_receipt_is_cut_at_the_most_deliveries(signing: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "MOST", 20)
    ids = asyncio.run(queued(signing, *[1] * 45))
    said = [each["predicate"] for each in statements(signing)]
    receipts = [each["deliveries"] for each in said]
    assert sum(each["count"] for each in receipts) == len(ids)
    assert sorted(each["count"] for each in receipts) == [5, 20, 20]
    assert not any(each["from_journal"] for each in said), "what was exchanged stands in each"
    assert all(each["exchanges"] > 0 for each in said)
    assert unreceipted(signing) == []


def test_what_a_dead_worker_left_is_receipted_by_the_next(signing: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is marked so. What the next one delivers has a receipt of its own."""

    class Died(BaseException):
        pass

    async def dies(self: LaneReceipts) -> None:
        raise Died

    with monkeypatch.context() as patch, suppress(Died):
        patch.setattr(LaneReceipts, "finish", dies)
        asyncio.run(queued(signing, 2))
    assert [lane["deliveries"] for lane in unreceipted(signing)] == [1]
    assert "unreceipted" in signing.type("receipt", "list").words
    asyncio.run(queued(signing, 3))
    told = [
        (each["predicate"]["from_journal"], each["predicate"]["population"]["input"]) for each in statements(signing)
    ]
    assert told == [(True, 2), (False, 3)]
    assert unreceipted(signing) == []
    assert judged(exported(signing), "--key", fingerprint(signing))[0] == 0


def test_a_lane_that_falls_silent_has_its_receipt_after_an_hour(signing: Cli) -> None:
    async def silent(config: Path, clock: Clock) -> list[str]:
        async with Gateway.from_file(config) as gateway:
            journal, receipts = await gateway.journal(), await ended(gateway, 1, clock)
            found = []
            for seconds in (0, 3_599, 1):
                clock.now += seconds
                await receipts.look_round()
                found.append(len(await journal.receipts()))
            return [str(each) for each in found]

    assert asyncio.run(silent(signing.folder / "proofport.yaml", Clock())) == ["0", "0", "1"]


async def ended(gateway: Gateway, count: int, clock: Clock) -> LaneReceipts:
    """Deliveries of one record that have ended, without a receipt yet."""
    journal, (log, key) = await gateway.journal(), await gateway.receipts.log()
    receipts = LaneReceipts(journal, log, key, lambda _: {}, instance="x", lease=9.0, clock=clock)
    await receipts.begin()
    deliveries = await journal.find(Filter(ids=await submitted(gateway, 0, *[1] * count)))
    run = await journal.claim(deliveries[0].lane, owner="me", lease=9.0)
    assert run is not None
    for delivery in deliveries:
        await run.done(delivery, '[[1,"delivered","confirmed",null,null]]')
        receipts.ended(delivery)
    await run.release()
    return receipts


def test_more_than_a_receipt_holds_has_several(signing: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where many deliveries are set aside in a row."""

    async def finished() -> None:
        async with Gateway.from_file(signing.folder / "proofport.yaml") as gateway:
            await (await ended(gateway, 5, Clock())).finish()

    monkeypatch.setattr(lanes, "MOST", 2)
    asyncio.run(finished())
    assert sorted(each["predicate"]["deliveries"]["count"] for each in statements(signing)) == [1, 2, 2]
    assert unreceipted(signing) == []


def test_without_a_key_nothing_is_due(cli: Cli) -> None:
    asyncio.run(queued(cli, 2))
    assert unreceipted(cli) == []
