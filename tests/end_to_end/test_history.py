"""Past runs, lanes by their configured names, and equal problems in one paragraph."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from typing import Any

import pytest
from tests.support.cli import ACCOUNTS, CLOUD, DRATA, SECUREFRAME, SNAPSHOT, Cli
from tests.support.evidence import cloud_resource, personnel_account

MANY = 12


def pushed(cli: Cli, *arguments: str, records: Iterable[Any] = ()) -> Any:
    file = cli.write("some.ndjson", *(records or [personnel_account(1)]))
    return cli.type("push", file, *ACCOUNTS, *arguments)


def ids(cli: Cli, *options: str) -> list[str]:
    typed = cli.type("runs", "--json", *options)
    assert typed.code == 0, typed
    return [run["run"] for run in typed.json]


@pytest.fixture
def history(cli: Cli) -> list[str]:
    """A snapshot, an upsert, a refused snapshot and one that was stopped; the ids of the runs in this order."""
    cli.configure(patience=0)
    several = [personnel_account(number) for number in range(4)]
    assert pushed(cli, *SNAPSHOT, *DRATA, records=several).code == 0
    assert pushed(cli, *SECUREFRAME).code == 0
    assert pushed(cli, *SNAPSHOT, *DRATA).code == 4
    cli.emulators.fault("secureframe", status={"code": 401, "times": 1_000})
    assert pushed(cli, *SECUREFRAME, records=[personnel_account(2)]).code == 3
    cli.emulators.fault("secureframe")
    return ids(cli)[::-1]


def test_runs_are_listed_with_filters(cli: Cli, history: list[str]) -> None:
    whole, upsert, refused, stopped = history
    assert ids(cli, "--to", "drata") == [refused, whole]
    assert ids(cli, "--mode", "upsert") == [stopped, upsert]
    assert ids(cli, "--kind", "device") == []
    assert ids(cli, "--state", "complete") == [upsert, whole]
    assert ids(cli, "--state", "ended") == [refused]
    assert ids(cli, "--state", "failed") == [refused]
    assert ids(cli, "--state", "interrupted") == [stopped]
    assert ids(cli, "--state", "running") == []
    assert ids(cli, "--since", "1h", "--limit", "2") == [stopped, refused]
    assert ids(cli, "--since", "2999-01-01") == []
    words = cli.type("runs").words
    assert f"{refused} snapshot of personnel_account to drata" in words
    assert "ended, refused by the guard: 1 records" in words
    assert "stopped before its end (401)" in words
    assert cli.type("runs", "--state", "running").words == "There is no such run."


@pytest.mark.parametrize("since", ["yesterday", "7", "2030-02-31"])
def test_a_since_that_is_no_moment(cli: Cli, since: str) -> None:
    assert cli.type("runs", "--since", since).code == 2


def test_status_shows_refused_and_upsert_runs(cli: Cli, history: list[str]) -> None:
    whole, upsert, refused, stopped = history
    shown = cli.type("status", "--json").json
    assert [run["run"] for run in shown["snapshots"]] == [whole]
    assert {run["run"] for run in shown["last_runs"]} == {upsert, refused}
    assert [run["run"] for run in shown["interrupted"]] == [stopped]
    assert "refused by the guard" in cli.type("status").words


def test_status_looks_at_all_runs_however_many_came_later(cli: Cli, history: list[str]) -> None:
    """12,000 pushes of another kind, more than a month of them every four minutes."""
    before = {options: cli.type("status", *options, "--json").json for options in ((), (history[0],))}
    found = cli.type("status", "--check", "--json").json["findings"]
    assert [each["trouble"] for each in found] == ["parked", "stopped", "refused"]
    with closing(sqlite3.connect(cli.folder / ".proofport" / "journal.sqlite3")) as journal, journal:
        journal.execute(
            """WITH RECURSIVE many(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM many WHERE n < 12000)
            INSERT INTO runs (run_id, destination, lane, kind, mode, staged, state, inputs, started, ended)
            SELECT 'r' || n, 'drata', lane, 'device', 'upsert', 0, 'ended', '[]', started + n, started + n
            FROM many, runs WHERE runs.number = 1"""
        )
    for options, shown in before.items():
        assert cli.type("status", *options, "--json").json == shown
    assert cli.type("status", "--check", "--json").json["findings"] == found
    assert ids(cli, "--state", "interrupted") == [history[-1]]


def test_a_lane_is_named_by_destination_and_kind(cli: Cli, history: list[str]) -> None:
    shown = cli.type("status", "--json").json["lanes"]
    [lane] = [each for each in shown if each["kinds"] == ["personnel_account"]]
    assert (lane["name"], lane["destinations"]) == ("drata/personnel_account", ["drata"])
    assert f"drata/personnel_account ({lane['lane']})" in cli.type("status").words
    assert cli.type("status", "drata/personnel_account", "--json").json["lanes"][0]["lane"] == lane["lane"]
    for name in (["drata", "personnel_account"], ["drata/personnel_account"], [lane["lane"]]):
        typed = cli.type("resume", *name)
        assert typed.code == 0, typed
        assert f"drata/personnel_account ({lane['lane']}) goes on." in typed.words
    wrong = cli.type("resume", "drata", "personel_account")
    assert (wrong.code, "Did you mean 'personnel_account'?" in wrong.words) == (2, True)
    wrong = cli.type("resume", "dratta", "device")
    assert (wrong.code, "Did you mean 'drata'?" in wrong.words) == (2, True)
    assert cli.type("resume", "nowhere/device").code == 2


# ---------------------------------------------------------------------- equal problems
def unzoned(count: int) -> list[dict[str, Any]]:
    return [{**cloud_resource(number), "created_at": f"2026-01-{number + 1:02}T09:00:00"} for number in range(count)]


def test_equal_problems_are_one_paragraph_with_three_examples(cli: Cli) -> None:
    file = cli.write("i.ndjson", *unzoned(MANY), {**cloud_resource(99), "name": 7})
    typed = cli.type("push", file, *CLOUD, *DRATA, *SECUREFRAME)
    assert typed.code == 1
    assert f"{MANY} x created_at: expected a date and time with its time zone" in typed.words
    assert typed.words.count("found '2026-01-") == 3
    assert "i.ndjson:1 i-0 found '2026-01-01T09:00:00' without a time zone" in typed.words
    assert "End it with Z or an offset" in typed.words
    assert "i.ndjson:13 i-99 rejected (" not in typed.words
    assert "name: found 7" in typed.words, "a single one is shown as it was"
    assert "--problems FILE writes all of them" in typed.words
    report = cli.report("push", file, *CLOUD, *DRATA)[1]["destinations"]["drata"]
    [first, second] = report["problem_groups"]
    assert (first["count"], first["field"], len(first["examples"])) == (MANY, "created_at", 3)
    assert (second["count"], second["field"]) == (1, "name")
    assert len(report["problems"]) == MANY + 1, "every problem stays listed"


def test_a_few_equal_problems_are_shown_one_by_one(cli: Cli) -> None:
    typed = cli.type("push", cli.write("i.ndjson", *unzoned(3)), *CLOUD, *DRATA)
    assert " x created_at" not in typed.words
    assert typed.out.count("without a time zone") == 3


def test_a_plan_groups_them_too(cli: Cli) -> None:
    file = cli.write("i.ndjson", *unzoned(MANY))
    assert (
        f"{MANY} x created_at: expected a date and time with its time zone"
        in cli.type("plan", file, *CLOUD, *DRATA).words
    )
    plan = cli.type("plan", file, *CLOUD, *DRATA, "--json").json["destinations"]["drata"]
    assert plan["problem_groups"][0]["count"] == plan["not_expressible"]["count"] == MANY


def test_a_preview_counts_equal_problems(cli: Cli) -> None:
    file = cli.write("i.ndjson", *unzoned(5))
    words = cli.type("preview", file, *CLOUD, *DRATA, "--limit", "5").words
    assert "5 x created_at: expected a date and time with its time zone at drata" in words
    shown = cli.type("preview", file, *CLOUD, *DRATA, "--json").json[0]
    assert shown["problem_groups"]["drata"][0]["field"] == "created_at"


def test_the_journal_keeps_no_examples(cli: Cli) -> None:
    cli.type("push", cli.write("i.ndjson", *unzoned(MANY)), *CLOUD, *DRATA)
    [run] = cli.type("runs", "--json").json
    assert "problem_groups" not in run["books"]
