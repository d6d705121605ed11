"""A vendor's key in a file: a new one is used when the old one is refused, or at once on SIGHUP."""

from __future__ import annotations

import pytest
from tests.end_to_end.test_own_vendor_mappings import OWN
from tests.support.destination import AtEmulator, deliver
from tests.support.drata import Drata
from tests.support.evidence import cloud_resource
from tests.support.vanta import Vanta, accounts

from proofport.journal.contract import Attempt
from proofport.logs import ROOT

OLD = "an-old-key-that-was-revoked"


class KeyFile:
    """The file with the secret of a destination, which it names `file:`. It holds an old one at first."""

    def __init__(self, at: AtEmulator, setting: str) -> None:
        self._new = str(at.block[setting])
        self._file = at.folder / "key"
        self._file.write_text(OLD + "\n")
        at.block[setting] = f"file:{self._file}"

    def renew(self, *_: object) -> None:
        self._file.write_text(self._new + "\n")

    def remove(self) -> None:
        self._file.unlink()


async def tried(at: AtEmulator) -> list[Attempt]:
    async with at.gateway() as gateway:
        return (await (await gateway.journal()).attempts())[::-1]


async def test_a_push_goes_on_with_the_new_key(drata: Drata) -> None:
    key = KeyFile(drata, "api_key")
    report = await drata.push([cloud_resource(1)], on_begin=key.renew)
    assert report.exit_code == 0
    statuses = [attempt.status for attempt in await tried(drata)]
    assert statuses.count(401) == 1
    assert statuses[0] == 401


async def test_it_reaches_a_vendor_mapping_of_ones_own(drata: Drata) -> None:
    """The adapter is made anew for such a mapping, and once more for the new key."""
    (drata.folder / "mappings").mkdir()
    (drata.folder / "mappings" / "own.yaml").write_text(OWN)
    drata.options["mappings"] = drata.folder / "mappings"
    key = KeyFile(drata, "api_key")
    report = await drata.push([cloud_resource(1)], on_begin=key.renew)
    assert report.exit_code == 0
    assert [attempt.status for attempt in await tried(drata)].count(401) == 1
    assert [each["asset"] for each in await drata.records()] == ["our i-1"]


async def test_a_key_that_stays_is_refused_once(drata: Drata) -> None:
    KeyFile(drata, "api_key")
    report = await drata.push([cloud_resource(1)])
    assert report.exit_code == 3
    assert [attempt.status for attempt in await tried(drata)] == [401]


async def test_a_file_that_is_gone_leaves_what_the_vendor_says(drata: Drata, caplog: pytest.LogCaptureFixture) -> None:
    key = KeyFile(drata, "api_key")
    report = await drata.push([cloud_resource(1)], on_begin=lambda _: key.remove())
    assert report.exit_code == 3
    assert "keys_not_read" in caplog.text


async def test_the_secret_that_a_token_is_asked_with(vanta: Vanta) -> None:
    key = KeyFile(vanta, "client_secret")
    report = await vanta.push(accounts(1), kind="personnel_account", on_begin=key.renew)
    assert report.exit_code == 0, report.as_dict()


async def test_a_worker_goes_on_without_a_restart(drata: Drata) -> None:
    key = KeyFile(drata, "api_key")
    async with drata.gateway() as gateway:
        await gateway.submit([cloud_resource(1)], to="drata", kind="cloud_resource")
        gateway.target("drata", "cloud_resource", "upsert")  # it was used with the old key before
        key.renew()
        await deliver(gateway)
        await gateway.submit([cloud_resource(2)], to="drata", kind="cloud_resource")
        await deliver(gateway)
        assert [lane.parked for lane in await (await gateway.journal()).lanes()] == [None]
    assert [attempt.status for attempt in await tried(drata)].count(401) == 1
    assert len(await drata.records()) == 2


async def test_on_a_signal_nobody_needs_to_be_refused_first(drata: Drata, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger=ROOT)
    key = KeyFile(drata, "api_key")
    async with drata.gateway() as gateway:
        await gateway.submit([cloud_resource(1)], to="drata", kind="cloud_resource")
        gateway.target("drata", "cloud_resource", "upsert")
        gateway.read_keys()
        assert "keys_read" not in caplog.text, "it is the same"
        key.renew()
        gateway.read_keys()
        assert "event='keys_read' destination='drata'" in caplog.text
        await deliver(gateway)
    assert 401 not in [attempt.status for attempt in await tried(drata)]
    assert OLD not in caplog.text
