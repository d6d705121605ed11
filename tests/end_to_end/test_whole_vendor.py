"""A vendor that takes only whole sets, with tokens that end and revoke each other: over sockets and processes."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from asyncio.subprocess import Process
from contextlib import AbstractAsyncContextManager, closing
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.conftest import TOYS
from tests.end_to_end.conftest import WHOLE_SECRET
from tests.support.cli import SNAPSHOT, CommandLine
from tests.support.destination import Destination
from tests.support.evidence import cloud_resource
from tests.support.programs import process
from tests.support.reports import counts, notes
from tests.support.soak import SOAK
from tests.toy.whole_server import Whole

from proofport.delivery.report.report import Exit
from proofport.errors import UnsupportedFeature

pytestmark = pytest.mark.usefixtures("toys_installed")
ASSETS = [cloud_resource(number, name=f"web {number}") for number in range(4)]
LOGINS = [{"id": f"a-{number}", "email": f"{number}@example.com"} for number in range(3)]
ACCOUNT = "personnel_account"
SECONDS = 60
"""A process that takes longer hangs."""


# ------------------------------------------------------------------ the set
async def test_a_set_goes_in_one_request(whole: Whole, wholes: Destination) -> None:
    report = await wholes.push(ASSETS)
    assert (report.exit_code, counts(report)) == (Exit.OK, {"delivered": 4})
    assert (whole.puts, whole.live("cloud_resource")) == (["cloud_resource"], ["i-0", "i-1", "i-2", "i-3"])
    assert (whole.minted, whole.refused) == (1, 0)


async def test_a_preview_shows_the_body_though_no_record_goes_alone(whole: Whole, wholes: Destination) -> None:
    async with wholes.gateway() as gateway:
        [shown] = await gateway.preview(ASSETS, kind="cloud_resource")
        [patched] = await gateway.preview(ASSETS, kind="cloud_resource", mode="patch")
    assert "only whole sets, no patch" in str(patched.bodies["wholes"])
    assert shown.bodies == {"wholes": {"id": "i-0", "name": "web 0"}}
    assert whole.puts == []


async def test_a_refused_shrink_sends_nothing_and_an_override_sends_it(whole: Whole, wholes: Destination) -> None:
    await wholes.push(ASSETS)
    refused = await wholes.push(ASSETS[:1])
    assert (refused.exit_code, counts(refused)) == (Exit.GUARD, {"withheld": 1})
    assert refused.destinations["wholes"].gone.ids == ["i-1", "i-2", "i-3"]
    assert (len(whole.puts), len(whole.live("cloud_resource"))) == (1, 4)
    allowed = await wholes.push(ASSETS[:1], override_guard="the others were switched off")
    assert (allowed.exit_code, counts(allowed)) == (Exit.OK, {"delivered": 1})
    assert (len(whole.puts), whole.live("cloud_resource")) == (2, ["i-0"])


async def test_what_is_gone_no_longer_counts_against_the_next_set(whole: Whole, wholes: Destination) -> None:
    await wholes.push(ASSETS)
    await wholes.push(ASSETS[:1], override_guard="the others were switched off")
    again = await wholes.push(ASSETS[:1])
    assert (again.exit_code, again.destinations["wholes"].gone.count) == (Exit.OK, 0)
    assert [row["gone"] for row in whole.sets["cloud_resource"].values()] == [False, True, True, True]


async def test_an_unchanged_set_is_not_sent_when_that_is_asked_for(whole: Whole, wholes: Destination) -> None:
    await wholes.push(ASSETS)
    again = await wholes.push(ASSETS, skip_unchanged=True)
    assert (again.exit_code, counts(again), len(whole.puts)) == (Exit.OK, {"unchanged": 4}, 1)
    renamed = await wholes.push([{**ASSETS[0], "name": "new"}, *ASSETS[1:]], skip_unchanged=True)
    assert (renamed.exit_code, counts(renamed), len(whole.puts)) == (Exit.OK, {"delivered": 4}, 2)


async def test_what_was_changed_at_the_vendor_is_not_taken_for_unchanged(whole: Whole, wholes: Destination) -> None:
    await wholes.push(ASSETS)
    whole.sets["cloud_resource"]["i-0"]["body"]["name"] = "changed by hand"
    again = await wholes.push(ASSETS, skip_unchanged=True)
    assert (counts(again), len(whole.puts)) == ({"delivered": 4}, 2)
    assert whole.sets["cloud_resource"]["i-0"]["body"]["name"] == "web 0"


async def test_the_guard_counts_what_the_vendor_holds_as_a_plan_does(whole: Whole, wholes: Destination) -> None:
    """The journal is new: it knows nothing of the set that is live."""
    whole.sets["cloud_resource"] = {each["id"]: {"body": each, "gone": False} for each in ASSETS}
    planned = await wholes.plan(ASSETS[:1])
    refused = await wholes.push(ASSETS[:1])
    assert planned.destinations["wholes"].refusal is not None
    assert (refused.exit_code, counts(refused), whole.puts) == (Exit.GUARD, {"withheld": 1}, [])


async def test_a_set_with_one_record_that_the_vendor_refuses_is_rejected_whole(
    whole: Whole, wholes: Destination
) -> None:
    await wholes.push(LOGINS, kind="personnel_account")
    report = await wholes.push([*LOGINS, {"id": "a-9", "email": ""}], kind="personnel_account")
    assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"rejected": 4})
    assert whole.live("personnel_account") == ["a-0", "a-1", "a-2"]


async def test_single_records_are_refused_before_anything_is_sent(whole: Whole, wholes: Destination) -> None:
    with pytest.raises(UnsupportedFeature, match="whole takes only whole sets"):
        await wholes.push(ASSETS, mode="upsert")
    assert whole.minted == 0


# ------------------------------------------------------------------ what is gone
def made_older(at: Destination, days: float) -> None:
    """What is gone has been for so many days more."""
    with closing(sqlite3.connect(at.folder / "journal")) as journal, journal:
        journal.execute("UPDATE tombstones SET gone_at = gone_at - ?", (days * 86_400,))


def kept(at: Destination) -> list[str]:
    with closing(sqlite3.connect(at.folder / "journal")) as journal:
        return [text for (text,) in journal.execute("SELECT id FROM tombstones ORDER BY id")]


async def test_what_is_gone_is_sent_with_its_date_in_this_set_and_the_next(whole: Whole, sold: Destination) -> None:
    await sold.push(LOGINS, kind=ACCOUNT)
    assert whole.told_gone == {ACCOUNT: {}}
    began = datetime.now(UTC)
    report = await sold.push(LOGINS[:2], kind=ACCOUNT)
    assert (report.exit_code, counts(report)) == (Exit.OK, {"delivered": 2})
    [(gone, since)] = whole.told_gone[ACCOUNT].items()
    assert gone == "a-2"
    assert began <= datetime.fromisoformat(since) <= datetime.now(UTC)
    assert json.loads(whole.bodies[-1])[-1]["email"] == "2@example.com", "its last body was there"
    again = await sold.push(LOGINS[:2], kind=ACCOUNT)
    assert (again.destinations["wholes"].gone.count, whole.bodies[-1]) == (0, whole.bodies[-2])
    await sold.push(LOGINS[:1], kind=ACCOUNT)
    assert [*whole.told_gone[ACCOUNT]] == ["a-1", "a-2"]
    assert whole.told_gone[ACCOUNT]["a-2"] == since < whole.told_gone[ACCOUNT]["a-1"]


async def test_what_has_been_gone_for_long_is_sent_and_kept_no_more(whole: Whole, sold: Destination) -> None:
    await sold.push(LOGINS, kind=ACCOUNT)
    await sold.push(LOGINS[:2], kind=ACCOUNT)
    made_older(sold, 6.9)
    await sold.push(LOGINS[:2], kind=ACCOUNT)
    assert [*whole.told_gone[ACCOUNT]] == ["a-2"]
    made_older(sold, 0.2)
    unchanged = await sold.push(LOGINS[:2], kind=ACCOUNT, skip_unchanged=True)
    assert (counts(unchanged), len(whole.puts), kept(sold)) == ({"unchanged": 2}, 3, ["a-2"])
    await sold.push(LOGINS[:2], kind=ACCOUNT)
    assert (whole.told_gone[ACCOUNT], kept(sold)) == ({}, [])


async def test_one_that_comes_back_is_gone_no_more(whole: Whole, sold: Destination) -> None:
    for records in (LOGINS, LOGINS[:2], LOGINS):
        await sold.push(records, kind=ACCOUNT)
    assert (whole.told_gone[ACCOUNT], kept(sold)) == ({}, [])
    made = datetime.now(UTC)
    await sold.push(LOGINS[:2], kind=ACCOUNT)
    assert datetime.fromisoformat(whole.told_gone[ACCOUNT]["a-2"]) >= made, "it is the second time that counts"


@pytest.mark.parametrize("max_rejected", [0, 9])
async def test_a_set_that_is_refused_makes_no_tombstone(whole: Whole, sold: Destination, max_rejected: int) -> None:
    empty = {"id": "a-9", "email": ""}
    sold.options["guard"] = {"max_gone": 0.5, "max_rejected": max_rejected}
    await sold.push(LOGINS, kind=ACCOUNT)
    for records in ([*LOGINS[:2], empty], [*LOGINS, empty]):
        assert counts(await sold.push(records, kind=ACCOUNT)) == {"rejected": len(records)}
    assert whole.live(ACCOUNT) == ["a-0", "a-1", "a-2"]
    made = datetime.now(UTC)
    report = await sold.push(LOGINS[:2], kind=ACCOUNT)
    assert report.destinations["wholes"].gone.ids == ["a-2"]
    assert datetime.fromisoformat(whole.told_gone[ACCOUNT]["a-2"]) >= made, "it was in the set in between"


async def test_what_is_no_longer_listed_was_in_the_set_before(whole: Whole, sold: Destination) -> None:
    """The vendor shows one login, and the journal knows three. The guard is asked about those that are gone."""
    await sold.push(LOGINS, kind=ACCOUNT)
    del whole.sets[ACCOUNT]["a-2"]
    report = await sold.push(LOGINS[:1], kind=ACCOUNT)
    assert (report.exit_code, counts(report), len(whole.puts)) == (Exit.GUARD, {"withheld": 1}, 1)
    assert report.destinations["wholes"].gone.ids == ["a-1", "a-2"]
    assert "2 of 3 records held now would be gone" in notes(report)


async def test_a_list_that_was_emptied_is_not_believed(whole: Whole, sold: Destination) -> None:
    await sold.push(LOGINS, kind=ACCOUNT)
    held = whole.sets.pop(ACCOUNT)
    report = await sold.push(LOGINS, kind=ACCOUNT)
    assert (report.exit_code, counts(report), len(whole.puts)) == (Exit.GUARD, {"withheld": 3}, 1)
    assert "wholes shows 0 of 3 records delivered from here" in notes(report)
    whole.sets[ACCOUNT] = held
    assert (await sold.push(LOGINS, kind=ACCOUNT)).exit_code is Exit.OK


async def test_a_kind_that_keeps_nothing_gone_has_no_tombstones(whole: Whole, sold: Destination) -> None:
    await sold.push(ASSETS)
    await sold.push(ASSETS[:2])
    assert (whole.told_gone["cloud_resource"], kept(sold)) == ({}, [])


@pytest.mark.parametrize(("taken", "resumed"), [(True, False), (False, True), *([(True, True), (False, False)] * SOAK)])
async def test_a_push_that_is_killed_says_the_same_when_it_is_repeated(
    whole: Whole, sold: Destination, taken: bool, resumed: bool
) -> None:
    """The process is killed while the vendor holds its request. `taken`: the vendor takes the set all the same."""
    cli = configured(sold, lease=1.0)
    async with asyncio.timeout(SECONDS):
        async with pushing(cli, ACCOUNT, LOGINS) as first:
            await first.communicate()
            assert (first.returncode, await whole.ended.get()) == (0, ACCOUNT)
        whole.arrived.clear()
        whole.open.clear()
        async with pushing(cli, ACCOUNT, LOGINS[:2]):
            await whole.arrived.wait()
        assert kept(sold) == ["a-2"]
        whole.loses = not taken
        whole.open.set()
        await whole.ended.get()
        assert whole.live(ACCOUNT) == ["a-0", "a-1", *(() if taken else ("a-2",))]
        whole.loses = False
        with closing(sqlite3.connect(sold.folder / "journal")) as journal:
            [(run_id,)] = journal.execute("SELECT run_id FROM runs WHERE state = 'open'")
        async with pushing(cli, ACCOUNT, LOGINS[:2], *(("--resume", run_id) if resumed else ())) as again:
            said, _ = await again.communicate()
    assert (again.returncode, len(whole.bodies)) == (0, 3), said
    assert whole.bodies[2] == whole.bodies[1]
    assert [*whole.told_gone[ACCOUNT]] == ["a-2"]
    assert whole.live(ACCOUNT) == ["a-0", "a-1"]


# ------------------------------------------------------------------ the token
async def test_a_token_that_ends_in_the_middle_of_a_run_is_renewed(whole: Whole, wholes: Destination) -> None:
    whole.lifetimes = [0.0]  # good for the list of what is held, and for nothing after it
    report = await wholes.push(ASSETS, skip_unchanged=True)
    assert (report.exit_code, counts(report)) == (Exit.OK, {"delivered": 4})
    assert (whole.minted, whole.refused) == (2, 0)


async def test_a_refused_token_is_renewed_once(whole: Whole, wholes: Destination) -> None:
    async with wholes.gateway() as gateway:
        await gateway.push(ASSETS, kind="cloud_resource", to="wholes", mode="snapshot")
        whole.revoke()
        report = await gateway.push(ASSETS, kind="cloud_resource", to="wholes", mode="snapshot")
    assert (report.exit_code, counts(report)) == (Exit.OK, {"delivered": 4})
    assert (whole.minted, whole.refused) == (2, 1)


async def test_a_renewed_token_that_is_refused_parks_the_lane(whole: Whole, wholes: Destination) -> None:
    whole.locked = True
    report = await wholes.push(ASSETS)
    assert (report.exit_code, counts(report)) == (Exit.BLOCKED, {"withheld": 4})
    assert (whole.minted, whole.refused) == (2, 2)


async def test_wrong_credentials_park_the_lane_and_are_not_shown(whole: Whole, wholes: Destination) -> None:
    wholes.block["client_secret"] = "wrong-secret"
    report = await wholes.push(ASSETS)
    assert (report.exit_code, counts(report)) == (Exit.BLOCKED, {"withheld": 4})
    assert (whole.minted, whole.puts) == (0, [])
    assert "wrong-secret" not in json.dumps(report.as_dict())


async def test_two_kinds_in_one_process_share_a_token(whole: Whole, wholes: Destination) -> None:
    async with wholes.gateway() as gateway:
        sets = (("cloud_resource", ASSETS), (ACCOUNT, LOGINS))
        given = [gateway.push(records, kind=kind, to="wholes", mode="snapshot") for kind, records in sets]
        reports = await asyncio.gather(*given)
    assert [report.exit_code for report in reports] == [Exit.OK, Exit.OK]
    assert (whole.minted, whole.refused) == (1, 0)


async def test_no_token_is_kept_in_the_journal(whole: Whole, wholes: Destination) -> None:
    await wholes.push(ASSETS)
    with closing(sqlite3.connect(wholes.folder / "journal")) as journal:
        kept = journal.serialize()
    assert b"i-0" in kept
    assert b"issued-token" not in kept
    assert WHOLE_SECRET.encode() not in kept


async def test_two_processes_never_revoke_a_token_that_is_in_use(whole: Whole, wholes: Destination) -> None:
    """The first holds its token in the middle of a request; the second waits for it, and then asks for its own."""
    cli = configured(wholes)
    whole.open.clear()
    async with asyncio.timeout(SECONDS), pushing(cli, "cloud_resource", ASSETS) as first:
        await whole.arrived.wait()
        async with pushing(cli, ACCOUNT, LOGINS) as second:
            assert second.stderr is not None
            said = await second.stderr.readline()
            whole.open.set()
            ends = [await process.communicate() for process in (first, second)]
    assert b"the application's token is in use by" in said
    assert [process.returncode for process in (first, second)] == [0, 0], ends
    assert (whole.minted, whole.refused) == (2, 0)
    assert (len(whole.live("cloud_resource")), len(whole.live("personnel_account"))) == (4, 3)


async def test_two_processes_that_begin_together_both_deliver(whole: Whole, wholes: Destination) -> None:
    cli = configured(wholes)
    async with (
        asyncio.timeout(SECONDS),
        pushing(cli, "cloud_resource", ASSETS) as first,
        pushing(cli, ACCOUNT, LOGINS) as second,
    ):
        ends = [await process.communicate() for process in (first, second)]
    assert [process.returncode for process in (first, second)] == [0, 0], ends
    assert whole.minted <= 3
    assert whole.refused == 0
    assert (len(whole.live("cloud_resource")), len(whole.live("personnel_account"))) == (4, 3)


def configured(at: Destination, **options: Any) -> CommandLine:
    """A folder for processes that deliver to it, with the same journal."""
    blocks = {at.name: {**at.block, "client_secret": "env:WHOLE_SECRET"}}
    cli = CommandLine(at.folder, blocks, instance="test", journal=str(at.folder / "journal"), **at.options)
    cli.configure(patience=SECONDS, **options)
    return cli


def pushing(
    cli: CommandLine, kind: str, records: list[dict[str, Any]], *more: str
) -> AbstractAsyncContextManager[Process]:
    """`proofport push` in a process of its own."""
    file = cli.write(f"{kind}.ndjson", *records)
    arguments = ("push", file, "--kind", kind, "--to", "wholes", *SNAPSHOT, "--json", *more)
    path = os.pathsep.join([str(TOYS), *filter(None, [os.environ.get("PYTHONPATH")])])
    return process(*arguments, folder=cli.folder, PYTHONPATH=path, WHOLE_SECRET=WHOLE_SECRET)
