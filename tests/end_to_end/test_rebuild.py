"""A journal that was lost, and filled again from the vendor's list: the next set ends as with the old one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support.cli import CommandLine
from tests.support.destination import AtEmulator, configuration
from tests.support.emulators import NAMES, block, emulated, live
from tests.support.evidence import (
    COMPLETE,
    FULLY_KNOWN,
    Record,
    cloud_resource,
    device,
    person,
    personnel_account,
    training_record,
)
from tests.support.reports import counts

from proofport.adapter import Adapter, Ends, Lists
from proofport.delivery.report.report import Exit
from proofport.delivery.target import lane_of
from proofport.errors import UsageError
from proofport.gateway.upkeep.rebuild import NO_LIST, rebuilt
from proofport.journal.contract import PERHAPS_OVERWRITTEN, NewRun

COUNT = 10


def adapter(name: str) -> Adapter:
    return configuration(Path(), {name: block(name)}).adapter(name)


KINDS = [(name, kind) for name in NAMES for kind in adapter(name).settings.objects]
LISTED = [(name, kind) for name, kind in KINDS if isinstance(adapter(name).resource(kind), Lists)]
UNLISTED = [each for each in KINDS if each not in LISTED]


FIELDS: dict[str, Record] = {
    "personnel_account": FULLY_KNOWN,
    "cloud_resource": {**COMPLETE, "url": "https://console.example.com/i"},
    "training_record": {
        "full_name": "Pat Doe",
        "url": "https://lms.example.com/7",
        "frameworks": ["SOC2"],
        "completed_at": "2026-01-31T09:00:00Z",
        "assigned_at": "2026-01-01T00:00:00Z",
    },
    "device": {
        "name": "computer",
        "url": "https://mdm.example.com/7",
        "os_name": "macos",
        "uuid": "00000000-0000-4000-8000-000000000007",
        "last_seen_at": "2026-01-31T09:00:00.25Z",
        "managed": True,
        "auto_update_enabled": True,
        "drives": [{"name": "C", "encrypted": True, "filevault_enabled": True}],
        "screen_lock_policies": [{"password_required": True, "after": 300}],
        "users": [],
        "applications": [{"name": "Editor", "version": "1", "identifier": "com.example.editor"}],
        "browser_extensions": [],
    },
}
MADE = {
    "personnel_account": personnel_account,
    "cloud_resource": cloud_resource,
    "training_record": training_record,
    "device": device,
    "person": person,
}


def evidence(kind: str) -> list[Record]:
    """Records that have what any vendor requires."""
    if kind not in MADE:
        return [{"id": f"c{number}", "name": "left-pad"} for number in range(COUNT)]
    made = [MADE[kind](number, **FIELDS.get(kind, {})) for number in range(COUNT)]
    for number, each in enumerate(made):
        if kind == "device":
            each["serial_number"] = f"S{number}"
    return made


class Scene:
    """A vendor that was given a set, and now is given the set without its last record."""

    def __init__(self, at: AtEmulator, kind: str) -> None:
        self.at = at
        self.kind = kind
        self.set = evidence(kind)

    async def push(self, journal: str, count: int = COUNT) -> Any:
        resource = adapter(self.at.name).resource(self.kind)
        on_request = isinstance(resource, Ends) and resource.ends == "on_request"
        how: dict[str, Any] = {"kind": self.kind, "mode": "snapshot", "journal": journal, "delete_gone": on_request}
        report = await self.at.push(self.set[:count], **how)
        await self.at.records(self.kind)  # what it accepted has been processed
        return report

    async def rebuild(self, journal: str) -> dict[str, Any]:
        async with self.at.gateway(journal) as gateway:
            [result] = await rebuilt(gateway, self.at.name, self.kind)
        return result.as_dict()

    async def end(self, journal: str) -> Any:
        """What becomes of the smaller set, and what the vendor holds then."""
        report = await self.push(journal, COUNT - 1)
        books = report.destinations[self.at.name]
        held = live(self.at.name, await self.at.emulator.state(), self.kind)
        return report.exit_code, counts(report), books.gone.ids, books.gone_became, held


@asynccontextmanager
async def scene(name: str, kind: str, folder: Path) -> AsyncIterator[Scene]:
    async with emulated(name) as vendor:
        at = Scene(AtEmulator(vendor, folder), kind)
        report = await at.push("old")
        assert report.exit_code is Exit.OK, report.as_dict()
        yield at


def test_every_vendor_lists_something() -> None:
    assert {name for name, _ in LISTED} == set(NAMES)


@pytest.mark.parametrize(("name", "kind"), LISTED)
async def test_the_next_set_ends_as_with_the_old_journal(tmp_path: Path, name: str, kind: str) -> None:
    async with scene(name, kind, tmp_path) as at:
        expected = await at.end("old")
    async with scene(name, kind, tmp_path / "again") as at:
        result = await at.rebuild("new")
        assert (result["added"], result["known"], result["ended"], result["outside"]) == (COUNT, 0, 0, 0)
        assert (await at.rebuild("new"))["added"] == 0
        assert await at.end("new") == expected
        assert expected[2] == [at.set[-1]["id"]]
        result = await at.rebuild("newer")
        assert result["added"] == len(expected[-1]), "one that has left is not brought back"


async def test_what_the_journal_knows_stays_as_it_is(tmp_path: Path) -> None:
    """As after a backup was restored: only what came later is added, and is not unchanged."""
    async with scene("drata", "cloud_resource", tmp_path) as at:
        first = await at.push("new", COUNT - 1)
        assert first.exit_code is Exit.OK
        await at.push("old")
        result = await at.rebuild("new")
        assert (result["added"], result["known"]) == (1, COUNT - 1)
        async with at.at.gateway("new") as gateway:
            journal = await gateway.journal()
            [lane] = [each.lane for each in await journal.lanes()]
            known = await journal.known(lane, at.kind, [each["id"] for each in at.set])
        assert [each is not None and each.body == PERHAPS_OVERWRITTEN for each in known] == [False] * 9 + [True]


async def test_a_list_that_is_short_afterwards_is_not_believed(tmp_path: Path) -> None:
    async with scene("drata", "person", tmp_path) as at:
        await at.rebuild("new")
        await at.at.emulator.faults(list_ends_after=2, match={"path": "/hris-user-identities$", "method": "GET"})
        assert (await at.push("new", 2)).exit_code is Exit.GUARD


@pytest.mark.parametrize(("name", "kind"), UNLISTED)
async def test_a_kind_that_is_not_listed_is_named(tmp_path: Path, name: str, kind: str) -> None:
    async with scene(name, kind, tmp_path) as at:
        result = await at.rebuild("new")
        assert (result["added"], result["notes"][-1]) == (None, NO_LIST)


async def test_a_kind_that_is_not_configured_is_refused(tmp_path: Path) -> None:
    async with scene("drata", "device", tmp_path) as at:
        at.kind = "devices"
        with pytest.raises(UsageError, match="devices is not configured for drata"):
            await at.rebuild("new")


@pytest.mark.parametrize("run_id", ["1f2e3d", "rebuild-1f2e3d"])
async def test_a_run_that_can_be_resumed_is_not_ended(tmp_path: Path, run_id: str) -> None:
    """Its own run that was cut off is made again."""
    async with scene("drata", "person", tmp_path) as at:
        async with at.at.gateway("new") as gateway:
            lane = lane_of("drata", gateway.config.adapter("drata").resource("person"))
            journal = await gateway.journal()
            held = await journal.claim(lane, owner="me", lease=60)
            assert held is not None
            await held.begin(NewRun(run_id, "drata", "person", "snapshot", ("people.csv",)))
            await held.release()
        if run_id.startswith("rebuild-"):
            assert (await at.rebuild("new"))["added"] == COUNT
            return
        with pytest.raises(UsageError, match=f"this would end: {run_id}"):
            await at.rebuild("new")
        async with at.at.gateway("new") as gateway:
            run = await (await gateway.journal()).run(run_id, "drata")
            assert run is not None
            assert run.state == "open"
        assert (await at.push("new")).exit_code is Exit.OK
        assert (await at.rebuild("new"))["known"] == COUNT


async def test_the_command_says_what_it_found(tmp_path: Path) -> None:
    async with scene("secureframe", "personnel_account", tmp_path) as at:
        cli = CommandLine(tmp_path, {"secureframe": at.at.block}, instance="t", journal="new")
        cli.configure()
        done = await asyncio.to_thread(cli.run, "journal", "rebuild", "secureframe")
        assert done.code == 1
        assert "personnel_account: 10 records added." in done.words
        assert "training_record: cannot be rebuilt." in done.words
        assert "The vendor does not list what it holds under our ids." in done.words
        one = await asyncio.to_thread(
            cli.run, "journal", "rebuild", "secureframe", "--kind", "personnel_account", "--json"
        )
        assert (one.code, one.json[0]["added"], one.json[0]["known"]) == (0, 0, COUNT)
        for words in (("status",), ("journal", "check"), ("journal", "size")):
            assert (await asyncio.to_thread(cli.run, *words)).code == 0
        assert "10 records of the vendor's list added" in (await asyncio.to_thread(cli.run, "runs")).words
