"""A vendor that takes only whole sets, with tokens that end and revoke each other: over sockets and processes."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp.test_utils import TestServer
from tests.toy.whole_server import Whole

from proofport.config import Config
from proofport.delivery.report import Exit, RunReport
from proofport.errors import UnsupportedFeature
from proofport.gateway import Gateway

TOYS = Path(__file__).parents[1] / "toy"
PROGRAM = [sys.executable, "-c", "import sys; from proofport.cli import main; sys.exit(main())"]
SECRET = "whole-secret"
ASSETS = [{"id": f"i-{number}", "type": "aws.ec2.instance", "name": f"web {number}"} for number in range(4)]
LOGINS = [{"id": f"a-{number}", "email": f"{number}@example.com"} for number in range(3)]
ACCOUNT = "personnel_account"
SECONDS = 60
"""A process that takes longer hangs."""


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder holds package and metadata, as one that pip installs into."""
    monkeypatch.syspath_prepend(str(TOYS))


@pytest.fixture
async def whole() -> Whole:
    return Whole(SECRET)


@pytest.fixture
async def config(whole: Whole, tmp_path: Path) -> AsyncIterator[dict[str, Any]]:
    async with TestServer(whole.application, host="127.0.0.1") as server:
        origin = str(server.make_url("")).rstrip("/")
        destination = {"adapter": "whole", "base_url": origin, "client_id": "app", "client_secret": SECRET}
        journal = str(tmp_path / "journal.sqlite3")
        yield {"instance": "test", "journal": journal, "patience": 0, "destinations": {"wholes": destination}}


def gateway(config: dict[str, Any], **settings: Any) -> Gateway:
    [(name, destination)] = config["destinations"].items()
    return Gateway(Config.model_validate({**config, "destinations": {name: {**destination, **settings}}}))


async def push(at: Gateway, records: list[dict[str, Any]], kind: str = "cloud_resource", **how: Any) -> RunReport:
    return await at.push(records, kind=kind, to="wholes", mode="snapshot", **how)


def counts(report: RunReport) -> dict[str, int]:
    row = report.destinations["wholes"].as_dict()
    return {name: row[name] for name in ("delivered", "unchanged", "rejected", "withheld", "unknown") if row[name]}


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
@pytest.fixture
def sold(config: dict[str, Any]) -> dict[str, Any]:
    """The guard lets half of a set go."""
    return {**config, "guard": {"max_gone": 0.5}}


def made_older(config: dict[str, Any], days: float) -> None:
    """What is gone has been for so many days more."""
    with closing(sqlite3.connect(config["journal"])) as journal, journal:
        journal.execute("UPDATE tombstones SET gone_at = gone_at - ?", (days * 86_400,))


def kept(config: dict[str, Any]) -> list[str]:
    with closing(sqlite3.connect(config["journal"])) as journal:
        return [text for (text,) in journal.execute("SELECT id FROM tombstones ORDER BY id")]


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


#: Refused by the vendor mapping, and by the model: each login is held.
REFUSED = [{"id": "a-2", "username": "two"}, {"id": "a-2", "email": 7}]


@pytest.mark.parametrize("bad", REFUSED)
async def test_one_that_was_read_and_refused_blocks_the_set(
    whole: Whole, sold: dict[str, Any], bad: dict[str, Any]
) -> None:
    async with gateway({**sold, "guard": {"max_gone": 0.5, "max_rejected": 1}}) as at:
        await push(at, LOGINS, ACCOUNT)
        report = await push(at, [*LOGINS[:2], bad], ACCOUNT)
    books = report.destinations["wholes"]
    assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"rejected": 1, "withheld": 2})
    assert (books.gone.count, len(whole.puts), kept(sold)) == (0, 1, [])
    assert "1 record refused that the set before holds: a-2." in " ".join(books.notes)


@pytest.mark.parametrize("listed", [True, False], ids=["from the list", "from the journal"])
@pytest.mark.parametrize("bad", REFUSED)
async def test_the_last_body_of_one_that_is_refused_may_stand_in_its_place(
    whole: Whole, sold: dict[str, Any], bad: dict[str, Any], listed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not listed:
        monkeypatch.setattr("proofport.delivery.snapshot.replaced.lists_now", lambda _: False)
    async with gateway({**sold, "guard": {"max_gone": 0.5, "refused": "keep_last"}}) as at:
        await push(at, LOGINS, ACCOUNT)
        renamed = {"id": "a-0", "email": "new@example.com"}
        report = await push(at, [renamed, bad], ACCOUNT)
        books = report.destinations["wholes"].as_dict()
        assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"delivered": 1, "rejected": 1})
        assert (books["kept_last"], books["dropped"]["count"]) == ({"count": 1, "ids": ["a-2"]}, 0)
        assert books["gone"] == {"count": 1, "ids": ["a-1"]}, "it has left, and may"
        assert whole.live(ACCOUNT) == ["a-0", "a-2"]
        assert whole.sets[ACCOUNT]["a-2"]["body"]["email"] == "2@example.com"
        assert [*whole.told_gone[ACCOUNT]] == ["a-1"]
        last = await push(at, [renamed], ACCOUNT)
    assert last.destinations["wholes"].gone.ids == ["a-2"], "the journal knows it still"


@pytest.mark.parametrize("bad", REFUSED)
async def test_one_that_is_refused_is_dropped_when_a_person_says_so(
    whole: Whole, sold: dict[str, Any], bad: dict[str, Any]
) -> None:
    async with gateway(sold) as at:
        await push(at, LOGINS, ACCOUNT)
        report = await push(at, [*LOGINS[:2], bad], ACCOUNT, override_guard="she never used it")
        books = report.destinations["wholes"].as_dict()
        assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"delivered": 2, "rejected": 1})
        assert (books["dropped"], books["gone"]["count"]) == ({"count": 1, "ids": ["a-2"]}, 0)
        assert (whole.live(ACCOUNT), whole.told_gone[ACCOUNT]) == (["a-0", "a-1"], {})
        assert (await push(at, LOGINS[:2], ACCOUNT)).exit_code is Exit.OK


async def test_a_set_that_the_vendor_refuses_for_one_record_stays_as_it_was(whole: Whole, sold: dict[str, Any]) -> None:
    """It says which set it refuses, and not which record: there is nothing to keep or to drop."""
    empty = {"id": "a-2", "email": ""}
    for terms, override in (({"max_rejected": 9}, None), ({"refused": "keep_last"}, None), ({}, "I mean it")):
        async with gateway({**sold, "guard": {"max_gone": 0.5, **terms}}) as at:
            await push(at, LOGINS, ACCOUNT)
            report = await push(at, [*LOGINS[:2], empty], ACCOUNT, override_guard=override)
        books = report.destinations["wholes"]
        assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"rejected": 3})
        assert (books.kept_last.count, books.dropped.count, books.gone.count) == (0, 0, 0)
        assert whole.live(ACCOUNT) == ["a-0", "a-1", "a-2"]


@pytest.mark.parametrize("override", [None, "there are no others"])
async def test_while_an_id_cannot_be_read_only_a_person_lets_anything_leave(
    whole: Whole, sold: dict[str, Any], override: str | None
) -> None:
    async with gateway({**sold, "guard": {"max_gone": 0.5, "max_rejected": 1}}) as at:
        await push(at, LOGINS, ACCOUNT)
        new = await push(at, [*LOGINS, {"email": "x@example.com"}], ACCOUNT)
        assert counts(new) == {"delivered": 3, "rejected": 1}, "all that is held was found: it is a new one"
        report = await push(at, [*LOGINS[:2], {"email": "x@example.com"}], ACCOUNT, override_guard=override)
    books = report.destinations["wholes"]
    assert (report.exit_code, books.gone.count, whole.told_gone[ACCOUNT]) == (Exit.INCOMPLETE, 0, {})
    if override is None:
        assert "the id of a refused record could not be read (records#3)" in " ".join(books.notes)
        assert (counts(report), len(whole.live(ACCOUNT))) == ({"rejected": 1, "withheld": 2}, 3)
    else:
        assert (counts(report), books.dropped.ids) == ({"delivered": 2, "rejected": 1}, ["a-2"])
        assert whole.live(ACCOUNT) == ["a-0", "a-1"]


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
