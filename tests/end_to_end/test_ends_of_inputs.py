"""How an input says that it has ended: a line end after the last line of a CSV, a number of records that is known."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.cli import DRATA, SNAPSHOT, Cli, Typed

HEADER = "id,active,email"
LINES = [HEADER, *(f"u{n:03},true,user{n:03}@example.com" for n in range(100))]
PUSH = ("push", "csv.personnel=p.csv", *DRATA)
STILL_AN_ADDRESS = "u090,true,user090@example.co"


@pytest.fixture
def before(cli: Cli) -> Cli:
    """The vendor holds the whole set."""
    cli.write("p.csv", *LINES)
    assert cli.type(*PUSH, *SNAPSHOT).code == 0
    return cli


def cut(cli: Cli, *last: str, lines: int = 91) -> None:
    (cli.folder / "p.csv").write_text("".join(f"{line}\n" for line in LINES[:lines]) + "".join(last))


def known_as(cli: Cli, name: str) -> Any:
    [table] = [t for t in cli.emulators.state("drata")["tables"] if t["records"]]
    return next(r["data"]["email"] for r in table["records"] if r["id"] == name)


def incomplete(typed: Typed) -> list[str | None]:
    return [source["incomplete"] for source in typed.json["sources"]]


@pytest.mark.parametrize("last", [STILL_AN_ADDRESS, "u090,true,user0", "u090,tr", "u090,true,user090@example.com\r"])
def test_a_csv_that_may_be_cut_in_its_last_line_ends_nobody(before: Cli, last: str) -> None:
    cut(before, last)
    typed = before.type(*PUSH, *SNAPSHOT, "--json")
    assert typed.code in {1, 4}
    [why] = incomplete(typed)
    assert why is not None
    assert why.startswith("p.csv has no line end after its last line")
    assert "--last-line-whole" in why
    assert len(before.held("drata", "personnel_account")) == 100


def test_a_first_file_without_a_last_line_end_goes_in_one_step(cli: Cli) -> None:
    """Some programs write every CSV so."""
    cut(cli, LINES[91])
    refused = cli.type(*PUSH, *SNAPSHOT)
    assert refused.code == 4
    assert "push it again with --last-line-whole" in refused.words
    assert cli.type("plan", *PUSH[1:], *SNAPSHOT).code == 4
    assert cli.type(*PUSH, *SNAPSHOT, "--last-line-whole").code == 0
    assert len(cli.held("drata", "personnel_account")) == 91
    assert cli.type("plan", *PUSH[1:], *SNAPSHOT, "--last-line-whole").code == 0


def test_an_upsert_goes_on_and_says_so(cli: Cli) -> None:
    cut(cli, STILL_AN_ADDRESS)
    code, report = cli.report(*PUSH)
    assert code == 0
    [note] = report["destinations"]["drata"]["notes"]
    assert note.startswith("p.csv has no line end after its last line")
    assert cli.report(*PUSH, "--last-line-whole")[1]["destinations"]["drata"]["notes"] == []


def test_a_number_of_records_shows_a_cut_between_two_lines(before: Cli) -> None:
    cut(before, lines=91)
    typed = before.type(*PUSH, *SNAPSHOT, "--expect-records", "100", "--json")
    assert typed.code == 4
    assert incomplete(typed) == ["p.csv should have 100 records, and 90 were read"]
    assert len(before.held("drata", "personnel_account")) == 100
    assert before.type("plan", *PUSH[1:], *SNAPSHOT, "--expect-records", "100").code == 4
    assert before.type(*PUSH, "--expect-records", "100").code == 1
    before.write("p.csv", *LINES)
    assert before.type(*PUSH, *SNAPSHOT, "--expect-records", "100").code == 0


def test_several_inputs_have_a_number_each(cli: Cli) -> None:
    cli.write("p.csv", *LINES[:3])
    cli.write("q.csv", HEADER, *LINES[3:6])
    both = (*PUSH, "csv.personnel=q.csv", *SNAPSHOT)
    one = cli.type(*both, "--expect-records", "2")
    assert one.code == 2
    assert "expected once for each of the 2 inputs" in one.words
    wrong = cli.type(*both, "--expect-records", "2", "--expect-records", "4", "--json")
    assert incomplete(wrong) == [None, "q.csv should have 4 records, and 3 were read"]
    assert cli.type(*both, "--expect-records", "2", "--expect-records", "3").code == 0


def test_ndjson_that_is_cut_is_no_json_and_that_is_whole_needs_no_line_end(cli: Cli) -> None:
    whole = '{"id": "a", "email": "a@example.com", "active": true}'
    accounts = ("push", "p.ndjson", "--kind", "personnel_account", *DRATA, *SNAPSHOT, "--json")
    (cli.folder / "p.ndjson").write_text(whole)
    assert cli.type(*accounts).code == 0
    for length in (1, len(whole) // 2, len(whole) - 1):
        (cli.folder / "p.ndjson").write_text(f"{whole}\n{whole[:length]}")
        typed = cli.type(*accounts)
        assert typed.code != 0
        assert incomplete(typed) == ["p.ndjson ends in the middle of a line"]
