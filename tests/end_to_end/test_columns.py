"""A column of a table that has another name than before: what a push says, and when it is refused."""

from __future__ import annotations

import pytest
from tests.support.cli import DRATA, SNAPSHOT, Cli

SOURCE = """\
mapping: sources/hr.people
to: {evidence: personnel_account}
fields: {id: $.id, email: {first_of: [$.Email, $.email]}, first_name: $.first, last_name: "$['Last name']"}
"""
ROWS = ["p1,ana@example.com,Ana", "p2,bo@example.com,Bo"]
PUSH = ("push", "hr.people=people.csv")
LOST = (
    "email has no column in people.csv: hr.people reads it from Email, email. It had values in the last complete run. "
    "Work Mail is read by no rule: was the column renamed?"
)
REFUSED = (
    "email has no column in people.csv, and had values in the last complete run Name the column as before, or let "
    'hr.people read its new name. If it is meant, push again with --override-guard "why".'
)


@pytest.fixture
def hr(cli: Cli) -> Cli:
    """A source, of which one set is complete, and the next has another name for a column."""
    cli.write("hr.yaml", SOURCE)
    cli.configure(mappings=".")
    cli.write("people.csv", "id,email,first", *ROWS)
    assert cli.report(*PUSH, *SNAPSHOT, *DRATA)[0] == 0
    cli.write("people.csv", "id,Work Mail,first", *ROWS)
    return cli


def written(hr: Cli) -> int:
    """The number of requests that were to change something."""
    return sum(each["method"] != "GET" for each in hr.emulators.received("drata"))


def test_a_renamed_column_is_told_with_its_likeness(hr: Cli) -> None:
    assert LOST in hr.type("plan", PUSH[1], *DRATA).words
    assert hr.type(*PUSH, *DRATA, "--dry-run", "--json").json["sources"][0]["warning"] == LOST
    typed = hr.type(*PUSH, *DRATA)
    assert (typed.code, LOST in typed.words) == (0, True), typed.out
    assert "last_name has no column" not in typed.words, "nothing is like it, and it never had one"


def test_a_set_that_lacks_a_field_it_had_is_refused_before_anything_is_sent(hr: Cli) -> None:
    before = written(hr)
    for command in ([*PUSH], ["plan", PUSH[1]], [*PUSH, "--dry-run"]):
        typed = hr.type(*command, *SNAPSHOT, *DRATA)
        assert (typed.code, REFUSED in typed.words) == (4, True), typed.out
    assert written(hr) == before
    again = hr.type(*PUSH, *SNAPSHOT, *DRATA, "--override-guard", "moved to another system")
    assert (again.code, "The guard was overridden: moved to another system" in again.words) == (0, True), again.out
    assert hr.type(*PUSH, *SNAPSHOT, *DRATA).code == 0, "it had none in the last complete run"


def test_a_column_that_only_leaves_records_out_is_missed_too(cli: Cli) -> None:
    cli.write("people.csv", "id,email,status", "p1,ana@example.com,Active", "p2,bo@example.com,Terminated")
    push = ("push", "csv.people=people.csv", *SNAPSHOT, *DRATA)
    assert cli.report(*push)[0] == 0
    cli.write("people.csv", "id,email,Employment", "p1,ana@example.com,Active", "p2,bo@example.com,Terminated")
    typed = cli.type(*push)
    assert typed.code == 4, typed.out
    assert (
        "skip: not active, without a date of leaving has no column in people.csv, and left records out" in typed.words
    )
    cli.write("people.csv", "id,email,Status", "p1,ana@example.com,Active", "p2,bo@example.com,Terminated")
    assert cli.type(*push).code == 0


def test_one_of_several_files_may_lack_a_column(hr: Cli) -> None:
    hr.write("people.csv", "id,email,first", *ROWS)
    hr.write("abroad.csv", "id,first", "p3,Chi")
    for _ in range(2):
        typed = hr.type(*PUSH, "hr.people=abroad.csv", *SNAPSHOT, *DRATA)
        assert (typed.code, "no column" in typed.words) == (0, False), typed.out
    hr.write("people.csv", "id,Work Mail,first", *ROWS)
    assert hr.type(*PUSH, "hr.people=abroad.csv", *SNAPSHOT, *DRATA).code == 4


def test_a_field_that_a_source_without_columns_no_longer_has_is_told(cli: Cli) -> None:
    cli.write("hr.yaml", SOURCE)
    cli.configure(mappings=".")
    push = ("push", "hr.people=people.ndjson", *DRATA)
    cli.write("people.ndjson", {"id": "p1", "email": "ana@example.com"})
    assert "had values" not in cli.type(*push).words
    cli.write("people.ndjson", {"id": "p1", "mail": "ana@example.com"})
    told = (
        "hr.people: email, first_name, last_name: matched nothing in 1 of 1. email had values in the last complete run"
    )
    assert told in cli.type(*push, "--dry-run").words
    assert cli.type(*push, "--json").json["unmatched"]["hr.people"]["lost"] == ["email"]


@pytest.mark.parametrize(
    "rule",
    [
        "{first_of: [$.title, {value: unknown}]}",
        "{first_of: [$.title, {first_of: [$.role, {path: $.post, default: unknown}]}]}",
        "{path: $.title, default: unknown}",
    ],
)
def test_a_field_that_needs_no_column_is_not_lost(cli: Cli, rule: str) -> None:
    cli.write(
        "hr.yaml", f"mapping: sources/hr.people\nto: {{evidence: person}}\nfields: {{id: $.id, job_title: {rule}}}\n"
    )
    cli.configure(mappings=".")
    cli.write("people.csv", "id,email", "p1,ana@example.com")
    for _ in range(2):
        typed = cli.type(*PUSH, *SNAPSHOT, *DRATA)
        assert (typed.code, "no column" in typed.words) == (0, False), typed.out


def test_a_field_that_is_set_for_the_run_is_not_lost(cli: Cli) -> None:
    rules = "context: [customer_id]\nfields: {id: $.id, email: $.email, customer_id: $.customer}\n"
    cli.write("hr.yaml", f"mapping: sources/hr.people\nto: {{evidence: person}}\n{rules}")
    cli.configure(mappings=".")
    cli.write("people.csv", "id,email", "p1,ana@example.com")
    for _ in range(2):
        typed = cli.type("push", "hr.people[customer_id=c1]=people.csv", *SNAPSHOT, *DRATA)
        assert (typed.code, "no column" in typed.words) == (0, False), typed.out


def test_a_set_is_held_against_the_last_set_and_not_against_what_was_pushed_between(hr: Cli) -> None:
    hr.write("one.csv", "id,email,first", "p1,,Ana")
    assert hr.type("push", "hr.people=one.csv", *DRATA).code == 0
    typed = hr.type(*PUSH, *SNAPSHOT, *DRATA)
    assert (typed.code, REFUSED in typed.words) == (4, True), typed.out


@pytest.fixture
def two(cli: Cli) -> Cli:
    """Two lists of one source mapping, of which one has addresses."""
    rules = "context: [url]\nfields: {id: $.id, email: $.email, first_name: $.first}\n"
    cli.write("hr.yaml", f"mapping: sources/hr.people\nto: {{evidence: personnel_account}}\n{rules}")
    cli.configure(mappings=".")
    cli.write("a.csv", "id,first", "p1,Ana")
    cli.write("b.csv", "id,email,first", "p2,bo@example.com,Bo")
    return cli


A, B = (f"hr.people[url=https://{name}.example.com]={name}.csv" for name in "ab")


def test_what_one_list_had_is_not_missed_in_another(two: Cli) -> None:
    code, report = two.report("push", B, A, *DRATA)
    assert (code, "unmatched" in report) == (0, False), "one list with a value is enough"
    assert "lost" not in str(two.report("push", A, *DRATA, "--dry-run")[1]["unmatched"])


def test_a_list_may_not_lose_what_another_has(two: Cli) -> None:
    assert two.report("push", A, B, *SNAPSHOT, *DRATA)[0] == 0
    assert two.report("push", A, B, *SNAPSHOT, *DRATA)[0] == 0
    two.write("a.csv", "id,email,first", "p1,ana@example.com,Ana")
    two.write("b.csv", "id,Work Mail,first", "p2,bo@example.com,Bo")
    typed = two.type("push", A, B, *SNAPSHOT, *DRATA)
    assert (typed.code, "email has no column in b.csv, and had values" in typed.words) == (4, True), typed.out


@pytest.mark.parametrize("more", ["", ",email"], ids=["no optional field", "one"])
def test_a_field_that_a_source_never_had_is_told_until_its_first_complete_run(cli: Cli, more: str) -> None:
    cli.write("hr.yaml", SOURCE)
    cli.configure(mappings=".")
    cli.write("staff.csv", "id,Lastname" + more, "p1,Berg" + (",ana@example.com" if more else ""))
    push = ("push", "staff:hr.people=staff.csv", *DRATA)
    told = "last_name has no column in staff.csv: hr.people reads it from Last name. Lastname is read by no rule"
    assert told in cli.type(*push, "--dry-run").words
    assert told in cli.type(*push, *SNAPSHOT).words
    for command in (push, (*push, *SNAPSHOT)):
        typed = cli.type(*command)
        assert (typed.code, "no column" in typed.words) == (0, False), typed.out
