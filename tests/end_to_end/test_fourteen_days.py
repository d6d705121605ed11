"""Fourteen days of one installation: what goes wrong is shown by `status --check`, by a metric and by a notice, once,
and is over when it is mended. A job pushes a file every night. Days pass only when the test says so."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from typing import Any

import aiohttp
import pytest
from tests.support.cli import ACCOUNTS, CONFIGURATION, DRATA, SNAPSHOT, Cli
from tests.support.evidence import personnel_account
from tests.unit.notices.support import SECRET, receiving
from tests.unit.relay.test_metrics import samples

from proofport.gateway import Gateway
from proofport.journal.sqlite import SqliteJournal
from proofport.notices.teller import Teller
from proofport.relay.serving import observing

HOUR = 3_600.0
FILE = "accounts.ndjson"
WARNINGS = ("proofport_stale", "proofport_lane_parked", "proofport_expiring_keys")
STALE, PARKED, EXPIRING = {"proofport_stale"}, {"proofport_lane_parked"}, {"proofport_expiring_keys"}

RUNS, MISSED, UNWRITTEN, REFUSED, NEW_KEY, REVOKED = (
    "the job runs",
    "the job does not run",
    "nobody has written the file anew",
    "the vendor refuses the key",
    "there is a new key, and the job runs",
    "the relay's key is revoked, and the job runs",
)
DAYS: Sequence[tuple[str, set[str], set[str], list[str]]] = [
    # in the night      `status --check`         metrics   new notices
    (RUNS, set(), set(), []),
    (RUNS, set(), set(), []),
    (MISSED, set(), set(), []),  # one night less is within `max_age`
    (MISSED, {"stale"}, STALE, ["set_stale begun"]),
    (RUNS, set(), set(), ["set_stale over"]),
    (REFUSED, {"parked", "stopped"}, PARKED, ["lane_parked begun"]),
    (REFUSED, {"parked", "stopped", "stale"}, PARKED | STALE, ["set_stale begun"]),
    (NEW_KEY, set(), set(), ["lane_parked over", "set_stale over"]),
    (UNWRITTEN, set(), set(), []),
    (UNWRITTEN, {"stale"}, STALE, ["set_stale begun"]),
    (RUNS, set(), set(), ["set_stale over"]),
    (RUNS, {"expiring"}, EXPIRING, ["key_expiring begun"]),
    (RUNS, {"expiring"}, EXPIRING, []),
    (REVOKED, set(), set(), ["key_expiring over"]),
]


class Installation:
    """`now` is the time for everything in this process."""

    def __init__(self, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cli = cli
        self.now = time.time()
        self.key = self.prometheus = ""
        monkeypatch.setattr(time, "time", lambda: self.now)
        for each in (SqliteJournal, Teller):
            defaults = each.__init__.__kwdefaults__
            assert defaults is not None
            monkeypatch.setitem(defaults, "clock", lambda: self.now)

    async def type(self, *arguments: str) -> Any:
        return await asyncio.to_thread(self.cli.type, *arguments)

    async def make_keys(self) -> None:
        """One that expires on day 25, and one that never does."""
        self.key = (await self.type("key", "create", "ci", "--expires", "25d")).out.strip()
        self.prometheus = (await self.type("key", "create", "prometheus", "--read-only")).out.strip()

    async def night(self, happens: str) -> None:
        """The job writes its file and pushes it, as far as nothing goes wrong."""
        if happens == REVOKED:
            assert (await self.type("key", "revoke", self.key.split("_")[1])).code == 0
        if happens == NEW_KEY:
            self.cli.emulators.fault("drata")
        if happens == REFUSED:
            self.cli.emulators.fault("drata", status={"code": 401, "times": 1_000})
        if happens == MISSED:
            return
        if happens != UNWRITTEN:
            self.cli.write(FILE, *(personnel_account(number) for number in range(4)))
            os.utime(self.cli.folder / FILE, (self.now, self.now))
        typed = await self.type("push", FILE, *ACCOUNTS, *SNAPSHOT, *DRATA)
        assert typed.code == {UNWRITTEN: 2, REFUSED: 3}.get(happens, 0), typed.words

    async def checked(self) -> set[str]:
        typed = await self.type("status", "--check", "--json")
        assert typed.code == int(bool(typed.json["findings"]))
        found = [each["trouble"] for each in typed.json["findings"]]
        assert len(found) == len(set(found)), "each is shown once"
        return set(found)

    async def worker_looks(self) -> set[str]:
        """A worker tells what is to be told. Returns the metrics that warn."""
        async with (
            Gateway.from_file(self.cli.folder / CONFIGURATION) as gateway,
            observing(gateway, "127.0.0.1", 0) as (origin, _),
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {self.prometheus}"}) as client,
        ):
            await (await gateway._teller()).look_once()
            async with client.get(f"{origin}/metrics") as answer:
                found = samples(await answer.text())
        return {name for name in WARNINGS for key, value in found.items() if key.partition("{")[0] == name and value}


async def test_what_goes_wrong_is_shown_once_and_is_over_when_mended(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    here = Installation(cli, monkeypatch)
    objects = cli.destinations["drata"]["objects"]
    watched = {**objects["personnel_account"], "max_age": "50h"}
    async with receiving() as receiver:
        cli.configure(
            drata={"objects": {"personnel_account": watched}},
            patience=0,
            max_input_age="20h",
            notices=[{"url": f"{receiver.origin}/hook", "secret": SECRET}],
        )
        await here.make_keys()
        for number, (happens, findings, metrics, notices) in enumerate(DAYS):
            day = f"day {number}: {happens}"
            told = len(receiver.told)
            await here.night(happens)
            here.now += 3 * HOUR
            assert await here.worker_looks() == metrics, day
            assert sorted(" ".join(each) for each in receiver.told[told:]) == notices, day
            assert await here.checked() == findings, day
            here.now += 21 * HOUR
    assert len(DAYS) == 14
