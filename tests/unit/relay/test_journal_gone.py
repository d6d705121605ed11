"""The journal's file is deleted, replaced or damaged while a relay runs: no 202, no delivery, and /readyz says so."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from tests.support.emulators import emulated, records
from tests.support.journals import damage_deliveries
from tests.support.relay import Relay, relay_config, relaying

from proofport.config import Config
from proofport.journal.sqlite import place
from proofport.relay.operating import backlog, health
from proofport.testing import Running

RECORD = {"id": "r1", "email": "a@example.com", "active": True}
KIND = "personnel_account"


@pytest.fixture(autouse=True)
def always_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "CHECK_EVERY", 0.0)
    monkeypatch.setattr(backlog, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(backlog, "SHARE", 0)
    monkeypatch.setattr(place, "LOOK_EVERY", 0.0)


@pytest.fixture
async def drata() -> AsyncIterator[Running]:
    async with emulated("drata") as served:
        yield served


@pytest.fixture
def config(tmp_path: Path, drata: Running) -> Config:
    return relay_config(tmp_path / "folder", drata)


def journal_of(config: Config) -> Path:
    assert isinstance(config.journal, Path)
    return config.journal


def set_aside(folder: Path) -> None:
    folder.rename(folder.with_name("aside"))


def set_back(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.with_name("aside").rename(folder)


def replace_by_its_copy(folder: Path) -> None:
    set_aside(folder)
    shutil.copytree(folder.with_name("aside"), folder)


async def refused(relay: Relay) -> str:
    """What a caller is told. /readyz says it, too."""
    answer = await relay.post([RECORD], kind=KIND)
    assert (answer.status, answer.problem) == (503, "journal-unavailable"), answer.body
    ready = await relay.ask("GET", "/readyz")
    assert ready.status == 503
    assert ready.body["checks"]["journal"] == {"ok": False, "detail": "the journal cannot be written; the log says why"}
    return str(answer.body["detail"])


@pytest.mark.parametrize("done", [set_aside, replace_by_its_copy])
async def test_what_is_deleted_or_replaced_acknowledges_and_delivers_nothing_until_it_is_back(
    config: Config, drata: Running, done: Callable[[Path], None]
) -> None:
    folder = journal_of(config).parent
    async with relaying(config) as relay:
        assert (await relay.post([RECORD], kind=KIND)).status == 202
        await relay.settled()
        journal = await relay.gateway.journal()
        while any(lane.owner for lane in await journal.lanes()):  # noqa: ASYNC110 - else it is held for a lease
            await asyncio.sleep(0)
        asked = len(await drata.received())
        done(folder)
        told = await refused(relay)
        assert "deleted, moved, emptied or replaced" in told
        assert str(folder) not in told
        assert len(await drata.received()) == asked
        set_back(folder)
        assert (await relay.ask("GET", "/readyz")).status == 200
        assert (await relay.post([{**RECORD, "id": "r2"}], kind=KIND)).status == 202
        await relay.settled()
    assert {each["id"] for each in records("drata", await drata.state(), KIND)} == {"r1", "r2"}


async def test_damage_that_a_worker_meets_ends_accepting(config: Config, drata: Running) -> None:
    async with relaying(config, deliver=False) as relay:
        for number in range(150):
            assert (await relay.post([{**RECORD, "id": f"r{number}"}], kind=KIND)).status == 202
    damage_deliveries(journal_of(config))
    async with relaying(config) as relay, asyncio.timeout(10):
        while (await relay.ask("GET", "/readyz")).status == 200:  # noqa: ASYNC110 - only asking tells
            await asyncio.sleep(0)
        assert "damaged" in await refused(relay)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, where this user may mount one."""
    image, folder = tmp_path / "image", tmp_path / "disk"
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(16 << 20)
    for command in (["mkfs.ext4", "-q", str(image)], ["mount", "-o", "loop", str(image), str(folder)]):
        if not done(*command):
            pytest.skip("no file system can be mounted here")
    try:
        yield folder
    finally:
        assert done("umount", str(folder))


def done(*command: str) -> bool:
    return shutil.which(command[0]) is not None and not subprocess.run(command, capture_output=True).returncode


async def test_a_disk_that_becomes_read_only_acknowledges_nothing(disk: Path, drata: Running) -> None:
    """The kernel remounts it so, as after an error of the disk, while the journal is open."""
    config = relay_config(disk, drata, relay={"overload": {"free_bytes": 0}})
    async with relaying(config) as relay:
        assert (await relay.post([RECORD], kind=KIND)).status == 202
        await relay.settled()
        assert await asyncio.to_thread(done, "mount", "-o", "remount,abort", str(disk))
        assert "the journal's disk fails" in await refused(relay)
    async with relaying(config) as relay:
        assert "the journal is read-only" in await refused(relay), "nor does the next process"
    assert {each["id"] for each in records("drata", await drata.state(), KIND)} == {"r1"}
