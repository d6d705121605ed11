"""A vendor that takes only whole sets, with tokens that end and revoke each other: over sockets and processes."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.end_to_end.wholes import ACCOUNT, LOGINS, SECRET, TOYS, counts, gateway, kept, push
from tests.toy.whole_server import Whole

from proofport.delivery.report import Exit
from proofport.errors import UnsupportedFeature

PROGRAM = [sys.executable, "-c", "import sys; from proofport.cli import main; sys.exit(main())"]
ASSETS = [{"id": f"i-{number}", "type": "aws.ec2.instance", "name": f"web {number}"} for number in range(4)]
SECONDS = 60
"""A process that takes longer hangs."""


# ------------------------------------------------------------------ the set
async def test_a_set_goes_in_one_request(whole: Whole, config: dict[str, Any]) -> None:
    async with gateway(config) as at:
        report = await push(at, ASSETS)
    assert (report.exit_code, counts(report)) == (Exit.OK, {"delivered": 4})
    assert (whole.puts, whole.live("cloud_resource")) == (["cloud_resource"], ["i-0", "i-1", "i-2", "i-3"])
    assert (whole.minted, whole.refused) == (1, 0)


async def test_a_refused_shrink_sends_nothing_and_an_override_sends_it(whole: Whole, config: dict[str, Any]) -> None:
    async with gateway(config) as at:
        await push(at, ASSETS)
        refused = await push(at, ASSETS[:1])
        assert (refused.exit_code, counts(refused)) == (Exit.GUARD, {"withheld": 1})
        assert refused.destinations["wholes"].gone.ids == ["i-1", "i-2", "i-3"]
        assert (len(whole.puts), len(whole.live("cloud_resource"))) == (1, 4)
        allowed = await push(at, ASSETS[:1], override_guard="the others were switched off")
    assert (allowed.exit_code, counts(allowed)) == (Exit.OK, {"delivered": 1})
    assert (len(whole.puts), whole.live("cloud_resource")) == (2, ["i-0"])


async def test_what_is_gone_no_longer_counts_against_the_next_set(whole: Whole, config: dict[str, Any]) -> None:
    async with gateway(config) as at:
        await push(at, ASSETS)
        await push(at, ASSETS[:1], override_guard="the others were switched off")
        again = await push(at, ASSETS[:1])
    assert (again.exit_code, again.destinations["wholes"].gone.count) == (Exit.OK, 0)
    assert [row["gone"] for row in whole.sets["cloud_resource"].values()] == [False, True, True, True]


async def test_an_unchanged_set_is_not_sent_when_that_is_asked_for(whole: Whole, config: dict[str, Any]) -> None:
    async with gateway(config) as at:
        await push(at, ASSETS)
        again = await push(at, ASSETS, skip_unchanged=True)
        assert (again.exit_code, counts(again), len(whole.puts)) == (Exit.OK, {"unchanged": 4}, 1)
        renamed = await push(at, [{**ASSETS[0], "name": "new"}, *ASSETS[1:]], skip_unchanged=True)
    assert (renamed.exit_code, counts(renamed), len(whole.puts)) == (Exit.OK, {"delivered": 4}, 2)


async def test_what_was_changed_at_the_vendor_is_not_taken_for_unchanged(whole: Whole, config: dict[str, Any]) -> None:
    async with gateway(config) as at:
        await push(at, ASSETS)
        whole.sets["cloud_resource"]["i-0"]["body"]["name"] = "changed by hand"
        again = await push(at, ASSETS, skip_unchanged=True)
    assert (counts(again), len(whole.puts)) == ({"delivered": 4}, 2)
    assert whole.sets["cloud_resource"]["i-0"]["body"]["name"] == "web 0"


async def test_the_guard_counts_what_the_vendor_holds_as_a_plan_does(whole: Whole, config: dict[str, Any]) -> None:
    """The journal is new: it knows nothing of the set that is live."""
    whole.sets["cloud_resource"] = {each["id"]: {"body": each, "gone": False} for each in ASSETS}
    async with gateway(config) as at:
        planned = await at.plan(ASSETS[:1], kind="cloud_resource", to="wholes", mode="snapshot")
        refused = await push(at, ASSETS[:1])
    assert planned.destinations["wholes"].refusal is not None
    assert (refused.exit_code, counts(refused), whole.puts) == (Exit.GUARD, {"withheld": 1}, [])


async def test_a_set_with_one_record_that_the_vendor_refuses_is_rejected_whole(
    whole: Whole, config: dict[str, Any]
) -> None:
    async with gateway(config) as at:
        await push(at, LOGINS, "personnel_account")
        report = await push(at, [*LOGINS, {"id": "a-9", "email": ""}], "personnel_account")
    assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"rejected": 4})
    assert whole.live("personnel_account") == ["a-0", "a-1", "a-2"]


async def test_single_records_are_refused_before_anything_is_sent(whole: Whole, config: dict[str, Any]) -> None:
    async with gateway(config) as at:
        with pytest.raises(UnsupportedFeature, match="whole takes only whole sets"):
            await at.push(ASSETS, kind="cloud_resource", to="wholes")
    assert whole.minted == 0


# ------------------------------------------------------------------ what is gone
def made_older(config: dict[str, Any], days: float) -> None:
    """What is gone has been for so many days more."""
    with closing(sqlite3.connect(config["journal"])) as journal, journal:
        journal.execute("UPDATE tombstones SET gone_at = gone_at - ?", (days * 86_400,))


async def test_what_is_gone_is_sent_with_its_date_in_this_set_and_the_next(whole: Whole, sold: dict[str, Any]) -> None:
    async with gateway(sold) as at:
        await push(at, LOGINS, ACCOUNT)
        assert whole.told_gone == {ACCOUNT: {}}
        began = datetime.now(UTC)
        report = await push(at, LOGINS[:2], ACCOUNT)
        assert (report.exit_code, counts(report)) == (Exit.OK, {"delivered": 2})
        [(gone, since)] = whole.told_gone[ACCOUNT].items()
        assert gone == "a-2"
        assert began <= datetime.fromisoformat(since) <= datetime.now(UTC)
        assert json.loads(whole.bodies[-1])[-1]["email"] == "2@example.com", "its last body was there"
        again = await push(at, LOGINS[:2], ACCOUNT)
        assert (again.destinations["wholes"].gone.count, whole.bodies[-1]) == (0, whole.bodies[-2])
        await push(at, LOGINS[:1], ACCOUNT)
    assert [*whole.told_gone[ACCOUNT]] == ["a-1", "a-2"]
    assert whole.told_gone[ACCOUNT]["a-2"] == since < whole.told_gone[ACCOUNT]["a-1"]


async def test_what_has_been_gone_for_long_is_sent_and_kept_no_more(whole: Whole, sold: dict[str, Any]) -> None:
    async with gateway(sold) as at:
        await push(at, LOGINS, ACCOUNT)
        await push(at, LOGINS[:2], ACCOUNT)
        made_older(sold, 6.9)
        await push(at, LOGINS[:2], ACCOUNT)
        assert [*whole.told_gone[ACCOUNT]] == ["a-2"]
        made_older(sold, 0.2)
        unchanged = await push(at, LOGINS[:2], ACCOUNT, skip_unchanged=True)
        assert (counts(unchanged), len(whole.puts), kept(sold)) == ({"unchanged": 2}, 3, ["a-2"])
        await push(at, LOGINS[:2], ACCOUNT)
    assert (whole.told_gone[ACCOUNT], kept(sold)) == ({}, [])


async def test_one_that_comes_back_is_gone_no_more(whole: Whole, sold: dict[str, Any]) -> None:
    async with gateway(sold) as at:
        for records in (LOGINS, LOGINS[:2], LOGINS):
            await push(at, records, ACCOUNT)
        assert (whole.told_gone[ACCOUNT], kept(sold)) == ({}, [])
        made = datetime.now(UTC)
        await push(at, LOGINS[:2], ACCOUNT)
    assert datetime.fromisoformat(whole.told_gone[ACCOUNT]["a-2"]) >= made, "it is the second time that counts"


@pytest.mark.parametrize("max_rejected", [0, 9])
async def test_a_set_that_is_refused_makes_no_tombstone(whole: Whole, sold: dict[str, Any], max_rejected: int) -> None:
    empty = {"id": "a-9", "email": ""}
    async with gateway({**sold, "guard": {"max_gone": 0.5, "max_rejected": max_rejected}}) as at:
        await push(at, LOGINS, ACCOUNT)
        for records in ([*LOGINS[:2], empty], [*LOGINS, empty]):
            assert counts(await push(at, records, ACCOUNT)) == {"rejected": len(records)}
        assert whole.live(ACCOUNT) == ["a-0", "a-1", "a-2"]
        made = datetime.now(UTC)
        report = await push(at, LOGINS[:2], ACCOUNT)
    assert report.destinations["wholes"].gone.ids == ["a-2"]
    assert datetime.fromisoformat(whole.told_gone[ACCOUNT]["a-2"]) >= made, "it was in the set in between"


async def test_nothing_is_called_gone_that_the_guard_was_not_asked_about(whole: Whole, sold: dict[str, Any]) -> None:
    """Somebody has emptied the list at the vendor: the journal knows three logins, of which one is left."""
    async with gateway(sold) as at:
        await push(at, LOGINS, ACCOUNT)
        whole.sets.clear()
        report = await push(at, LOGINS[:1], ACCOUNT)
    assert (report.exit_code, counts(report), len(whole.puts)) == (Exit.GUARD, {"withheld": 1}, 1)
    assert report.destinations["wholes"].gone.ids == ["a-1", "a-2"]


async def test_a_kind_that_keeps_nothing_gone_has_no_tombstones(whole: Whole, sold: dict[str, Any]) -> None:
    async with gateway(sold) as at:
        await push(at, ASSETS)
        await push(at, ASSETS[:2])
    assert (whole.told_gone["cloud_resource"], kept(sold)) == ({}, [])


@pytest.mark.parametrize("taken", [True, False], ids=["taken", "lost"])
@pytest.mark.parametrize("resumed", [True, False], ids=["resumed", "pushed again"])
async def test_a_push_that_is_killed_says_the_same_when_it_is_repeated(
    whole: Whole, sold: dict[str, Any], tmp_path: Path, taken: bool, resumed: bool
) -> None:
    """The process is killed while the vendor holds its request. `taken`: the vendor takes the set all the same."""
    sold |= {"patience": SECONDS, "lease": 1.0}
    sold["destinations"]["wholes"]["client_secret"] = "env:WHOLE_SECRET"
    (tmp_path / "proofport.yaml").write_text(yaml.safe_dump(sold))
    async with asyncio.timeout(SECONDS):
        first = await pushing(tmp_path, ACCOUNT, LOGINS)
        await first.communicate()
        assert (first.returncode, await whole.ended.get()) == (0, ACCOUNT)
        whole.arrived.clear()
        whole.open.clear()
        killed = await pushing(tmp_path, ACCOUNT, LOGINS[:2])
        await whole.arrived.wait()
        killed.kill()
        await killed.communicate()
        assert kept(sold) == ["a-2"]
        whole.loses = not taken
        whole.open.set()
        await whole.ended.get()
        assert whole.live(ACCOUNT) == ["a-0", "a-1", *(() if taken else ("a-2",))]
        whole.loses = False
        with closing(sqlite3.connect(sold["journal"])) as journal:
            [(run_id,)] = journal.execute("SELECT run_id FROM runs WHERE state = 'open'")
        again = await pushing(tmp_path, ACCOUNT, LOGINS[:2], *(("--resume", run_id) if resumed else ()))
        said, _ = await again.communicate()
    assert (again.returncode, len(whole.bodies)) == (0, 3), said
    assert whole.bodies[2] == whole.bodies[1]
    assert [*whole.told_gone[ACCOUNT]] == ["a-2"]
    assert whole.live(ACCOUNT) == ["a-0", "a-1"]


# ------------------------------------------------------------------ the token
async def test_a_token_that_ends_in_the_middle_of_a_run_is_renewed(whole: Whole, config: dict[str, Any]) -> None:
    whole.lifetimes = [0.0]  # good for the list of what is held, and for nothing after it
    async with gateway(config) as at:
        report = await push(at, ASSETS, skip_unchanged=True)
    assert (report.exit_code, counts(report)) == (Exit.OK, {"delivered": 4})
    assert (whole.minted, whole.refused) == (2, 0)


async def test_a_refused_token_is_renewed_once(whole: Whole, config: dict[str, Any]) -> None:
    async with gateway(config) as at:
        await push(at, ASSETS)
        whole.revoke()
        report = await push(at, ASSETS)
    assert (report.exit_code, counts(report)) == (Exit.OK, {"delivered": 4})
    assert (whole.minted, whole.refused) == (2, 1)


async def test_a_renewed_token_that_is_refused_parks_the_lane(whole: Whole, config: dict[str, Any]) -> None:
    whole.locked = True
    async with gateway(config) as at:
        report = await push(at, ASSETS)
    assert (report.exit_code, counts(report)) == (Exit.BLOCKED, {"withheld": 4})
    assert (whole.minted, whole.refused) == (2, 2)


async def test_wrong_credentials_park_the_lane_and_are_not_shown(whole: Whole, config: dict[str, Any]) -> None:
    async with gateway(config, client_secret="wrong-secret") as at:
        report = await push(at, ASSETS)
    assert (report.exit_code, counts(report)) == (Exit.BLOCKED, {"withheld": 4})
    assert (whole.minted, whole.puts) == (0, [])
    assert "wrong-secret" not in json.dumps(report.as_dict())


async def test_two_kinds_in_one_process_share_a_token(whole: Whole, config: dict[str, Any]) -> None:
    async with gateway(config) as at:
        reports = await asyncio.gather(push(at, ASSETS), push(at, LOGINS, "personnel_account"))
    assert [report.exit_code for report in reports] == [Exit.OK, Exit.OK]
    assert (whole.minted, whole.refused) == (1, 0)


async def test_no_token_is_kept_in_the_journal(whole: Whole, config: dict[str, Any]) -> None:
    async with gateway(config) as at:
        await push(at, ASSETS)
    with closing(sqlite3.connect(config["journal"])) as journal:
        kept = journal.serialize()
    assert b"i-0" in kept
    assert b"issued-token" not in kept
    assert SECRET.encode() not in kept


async def test_two_processes_never_revoke_a_token_that_is_in_use(
    whole: Whole, config: dict[str, Any], tmp_path: Path
) -> None:
    """The first holds its token in the middle of a request; the second waits for it, and then asks for its own."""
    config["patience"] = SECONDS
    config["destinations"]["wholes"]["client_secret"] = "env:WHOLE_SECRET"
    (tmp_path / "proofport.yaml").write_text(yaml.safe_dump(config))
    whole.open.clear()
    async with asyncio.timeout(SECONDS):
        first = await pushing(tmp_path, "cloud_resource", ASSETS)
        await whole.arrived.wait()
        second = await pushing(tmp_path, "personnel_account", LOGINS)
        assert second.stderr is not None
        said = await second.stderr.readline()
        whole.open.set()
        ends = [await process.communicate() for process in (first, second)]
    assert b"the application's token is in use by" in said
    assert [process.returncode for process in (first, second)] == [0, 0], ends
    assert (whole.minted, whole.refused) == (2, 0)
    assert (len(whole.live("cloud_resource")), len(whole.live("personnel_account"))) == (4, 3)


async def test_two_processes_that_begin_together_both_deliver(
    whole: Whole, config: dict[str, Any], tmp_path: Path
) -> None:
    config["patience"] = SECONDS
    config["destinations"]["wholes"]["client_secret"] = "env:WHOLE_SECRET"
    (tmp_path / "proofport.yaml").write_text(yaml.safe_dump(config))
    async with asyncio.timeout(SECONDS):
        both = [
            await pushing(tmp_path, "cloud_resource", ASSETS),
            await pushing(tmp_path, "personnel_account", LOGINS),
        ]
        ends = [await process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], ends
    assert whole.minted <= 3
    assert whole.refused == 0
    assert (len(whole.live("cloud_resource")), len(whole.live("personnel_account"))) == (4, 3)


async def pushing(folder: Path, kind: str, records: list[dict[str, Any]], *more: str) -> Process:
    """`proofport push` in a process of its own."""
    (folder / f"{kind}.ndjson").write_text("".join(json.dumps(record) + "\n" for record in records))
    arguments = ["push", f"{kind}.ndjson", "--kind", kind, "--to", "wholes", "--mode", "snapshot", "--json", *more]
    path = os.pathsep.join([str(TOYS), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path, "WHOLE_SECRET": SECRET}
    return await asyncio.create_subprocess_exec(
        *PROGRAM, *arguments, cwd=folder, env=environment, stdout=PIPE, stderr=PIPE
    )
