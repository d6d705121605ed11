"""One person's data is taken out of the journal, and what others rest on stays."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from tests.journal_contract.receipts import KEY
from tests.support.cli import CommandLine
from tests.support.destination import AtEmulator, deliver
from tests.support.emulators import emulated, live
from tests.support.evidence import FULLY_KNOWN, Record, personnel_account
from tests.support.reports import counts

from proofport.accounting import LeftOut
from proofport.delivery.lane.payload import pack
from proofport.delivery.report.report import Exit
from proofport.errors import UsageError
from proofport.gateway import Gateway
from proofport.gateway.upkeep.forget import Forgotten, forgotten
from proofport.journal.contract import Failure, Filter, NewReceipt, NewSnapshot, Part

KIND = "personnel_account"
NAME = "Quite-A-Rare-Name"


def account(which: int, **more: Any) -> Record:
    return personnel_account(which, **{**FULLY_KNOWN, "full_name": NAME if which == 0 else "Pat Doe", **more})


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[AtEmulator]:
    """Everybody was pushed, and a0 is in a delivery that was done, and in a dead letter, each with another."""
    async with emulated("secureframe") as vendor:
        at = AtEmulator(vendor, tmp_path)
        report = await at.push([account(number) for number in range(4)], kind=KIND)
        assert report.exit_code is Exit.OK
        async with at.gateway() as gateway:
            await submit(gateway, account(0), account(1))
            await deliver(gateway)
            await set_aside(gateway, account(2), account(0, username="later"))
        yield at


async def submit(gateway: Gateway, *records: Record) -> None:
    await gateway.submit(list(records), to=["secureframe"], kind=KIND)


async def set_aside(gateway: Gateway, *records: Record) -> None:
    await submit(gateway, *records)
    journal = await gateway.journal()
    assert await journal.set_aside(Filter(state="queued"), Failure("by_hand", "for a test")) == 1


async def forget(at: AtEmulator, record_id: str = "a0") -> Forgotten:
    async with at.gateway() as gateway:
        return await forgotten(gateway, record_id)


def written(at: AtEmulator) -> bytes:
    """All that is in the files of the journal."""
    return b"".join(file.read_bytes() for file in sorted(at.folder.glob("journal*")))


async def test_nothing_of_one_person_is_left_but_what_finds_them(at: AtEmulator) -> None:
    assert NAME.encode() in written(at)
    found = await forget(at)
    assert (found.bodies, found.records) == (1, 2)
    assert [(each["destinations"], each["kind"]) for each in found.held] == [(["secureframe"], KIND)]
    assert NAME.encode() not in written(at)
    assert b"p0@example.com" not in written(at)
    assert b"p1@example.com" in written(at)
    async with at.gateway() as gateway:
        journal = await gateway.journal()
        assert [(each.state, each.records) for each in await journal.find(Filter())] == [("done", 1), ("dead", 1)]
        [lane] = [each.lane for each in await journal.lanes()]
        assert (await journal.known(lane, KIND, ["a0"]))[0] is not None
        assert await journal.bodies(lane, KIND, ["a0"]) == [None]
    again = await forget(at)
    assert (again.bodies, again.records, again.texts) == (0, 0, 0)


async def test_who_left_is_ended_all_the_same(at: AtEmulator) -> None:
    await forget(at)
    report = await at.push([account(number) for number in range(1, 4)], kind=KIND, override_guard="a test")
    assert (report.exit_code, counts(report)) == (Exit.OK, {"delivered": 3})
    assert report.destinations["secureframe"].gone.ids == ["a0"]
    await at.records(KIND)
    assert live("secureframe", await at.emulator.state(), KIND) == {"a1", "a2", "a3"}


async def test_the_rest_of_a_dead_letter_can_be_sent(at: AtEmulator) -> None:
    await forget(at)
    async with at.gateway() as gateway:
        journal = await gateway.journal()
        [dead] = await journal.find(Filter(state="dead"))
        assert [each["evidence"]["id"] for each in gateway.letter(dead)] == ["a2"]
        [again] = await gateway.replay([dead.id])
        await deliver(gateway)
        [sent] = await journal.find(Filter(ids=[again.id]))
        assert (sent.state, sent.records) == ("done", 1)
        assert (await at.verify(KIND)).exit_code in (Exit.OK, Exit.INCOMPLETE)


async def test_a_dead_letter_of_which_nothing_is_left_is_cancelled(at: AtEmulator) -> None:
    async with at.gateway() as gateway:
        await set_aside(gateway, account(0))
        await forgotten(gateway, "a0")
        states = [(each.state, each.records) for each in await (await gateway.journal()).find(Filter())]
    assert states == [("done", 1), ("dead", 1), ("cancelled", 0)]


async def test_what_is_to_be_sent_is_not_dropped(at: AtEmulator) -> None:
    before = written(at)
    async with at.gateway() as gateway:
        await submit(gateway, account(1), account(0))
        journal = await gateway.journal()
        await journal.open_snapshot(NewSnapshot("s", "default", KIND, ["secureframe"], 60))
        await journal.put_part("s", Part("page-1", 1, json.dumps([account(0)]).encode()))
        with pytest.raises(UsageError) as caught:
            await forgotten(gateway, "a0")
        assert "a0 is still to be sent: delivery 3, part page-1 of the snapshot s" in str(caught.value)
        assert len(await journal.find(Filter(state="dead"))) == 1
        await journal.abort_snapshot("s")
        await journal.set_aside(Filter(state="queued"), Failure("by_hand", ""))
        found = await forgotten(gateway, "a0")
        assert found.records == 3
    assert NAME.encode() in before


async def test_what_no_receipt_counts_yet_is_not_touched(at: AtEmulator) -> None:
    async with at.gateway() as gateway:
        journal = await gateway.journal()
        await journal.add_receipt_key(KEY)
        await submit(gateway, account(0))
        await deliver(gateway)
        with pytest.raises(UsageError, match="no receipt counts it yet: delivery 3"):
            await forgotten(gateway, "a0")
        assert (await journal.find(Filter(ids=[3])))[0].records == 1
        assert (await forgotten(gateway, "a1")).records == 1


async def test_a_part_that_left_the_record_out_still_has_its_id(at: AtEmulator) -> None:
    left = [LeftOut("not an employee", None), LeftOut("not an employee", "A0@example.com")]
    async with at.gateway() as gateway:
        journal = await gateway.journal()
        await journal.open_snapshot(NewSnapshot("s", "default", KIND, ["secureframe"], 60))
        await journal.put_part("s", Part("page-1", 1, pack([account(1)], left=left)))
        with pytest.raises(UsageError, match=r"a0@example\.com is still to be sent: part page-1 of the snapshot s"):
            await forgotten(gateway, "a0@example.com")
        await journal.abort_snapshot("s")
        await forgotten(gateway, "a0@example.com")


async def test_ids_are_compared_as_always(at: AtEmulator) -> None:
    assert (await forget(at, "a")).records == 0
    assert (await forget(at, "A0")).records == 0
    assert (await forget(at, " a0 ")).records == 2


async def test_plain_ids_beside_receipts_go_and_the_receipt_stays(at: AtEmulator) -> None:
    lines = b'{"id":"a0","outcome":"rejected"}\n{"id":null,"outcome":"rejected"}\n{"id":"a00","outcome":"rejected"}\n'
    async with at.gateway() as gateway:
        journal = await gateway.journal()
        head = await journal.log_head()
        files = {"ids.plain": lines, "ids": b"digests"}
        new = NewReceipt(head.branch, 1, "r", "secureframe", sha256(b"l").digest(), sha256(b"e").digest(), b"e", files)
        assert await journal.add_receipt(new, after=0)
        assert (await forgotten(gateway, "a0")).listed == 1
        assert await journal.receipt_file(0, "ids.plain") == b"".join(lines.splitlines(keepends=True)[1:])
        assert await journal.receipt_file(0, "ids") == b"digests"


async def test_reports_name_nobody_who_was_forgotten(at: AtEmulator) -> None:
    rest = [account(number) for number in range(1, 4)]
    assert (await at.push(rest, kind=KIND, override_guard="a test")).destinations["secureframe"].gone.ids == ["a0"]
    found = await forget(at)
    assert found.texts >= 1
    assert b'"a0"' not in written(at)
    async with at.gateway() as gateway:
        reports = [run.report or "" for run in await (await gateway.journal()).runs()]
    assert any("(forgotten)" in text for text in reports)
    assert found.held == []


async def test_the_command_says_what_went_and_what_stays(at: AtEmulator) -> None:
    cli = CommandLine(at.folder, {"secureframe": at.block}, instance="test", journal="journal")
    cli.configure()
    done = await asyncio.to_thread(cli.run, "journal", "forget", "a0")
    assert done.code == 0, done.err
    assert "2 records in the evidence of deliveries" in done.words
    assert "May still be held by: secureframe: personnel_account" in done.words
    async with at.gateway() as gateway:
        await submit(gateway, account(0))
    refused = await asyncio.to_thread(cli.run, "journal", "forget", "a0", "--json")
    assert refused.code == 2
    assert "a0 is still to be sent: delivery 3" in refused.words
    assert (await asyncio.to_thread(cli.run, "journal", "check")).code == 0
