"""A user is told which rules of a source mapping match nothing, and what of the input no rule reads."""

from __future__ import annotations

import pytest
from tests.support.cli import DRATA, SNAPSHOT, Cli

SOURCE = """\
mapping: sources/hr.people
to: {evidence: person}
skip: [{when: {path: $.bot, is: true}, reason: a bot, missing: keep}]
fields:
  id: $.id
  email: $.contact.mail
  separated_at: {path: $.left, as: datetime}
  mfa_enabled: {path: $.mfa, default: false}
  job_title: {path: "$.jobs[?(@.current)].title"}
"""


def person(number: int, **more: object) -> dict[str, object]:
    return {
        "id": f"p{number}",
        "contact": {"mail": f"p{number}@example.com", "phone": "1"},
        "office": {"city": "x"},
        **more,
    }


@pytest.fixture
def hr(cli: Cli) -> Cli:
    (cli.folder / "mappings").mkdir()
    cli.write("mappings/hr.yaml", SOURCE)
    cli.configure(mappings="mappings")
    cli.write("people.ndjson", *map(person, range(4)))
    return cli


PUSH = ("push", "hr.people=people.ndjson", *SNAPSHOT, *DRATA)


@pytest.mark.parametrize("more", [(), ("--dry-run",)], ids=["a push", "a dry run"])
def test_rules_that_matched_in_none_of_the_records_are_named(hr: Cli, more: tuple[str, ...]) -> None:
    code, report = hr.report(*PUSH, *more)
    assert code == 0
    assert report["unmatched"] == {"hr.people": {"fields": ["job_title", "separated_at"], "looked_at": 4, "records": 4}}
    assert "hr.people: job_title, separated_at: matched nothing in 4 of 4" in hr.type(*PUSH, *more).words


def test_one_record_is_enough_and_so_is_one_of_several_files(hr: Cli) -> None:
    hr.write("more.ndjson", person(9, left="2024-01-31T00:00:00Z"))
    report = hr.report("push", "hr.people=people.ndjson", "hr.people=more.ndjson", *DRATA)[1]
    assert report["unmatched"] == {"hr.people": {"fields": ["job_title"], "looked_at": 5, "records": 5}}


def test_of_a_large_input_a_part_is_looked_at_and_that_is_said(hr: Cli) -> None:
    hr.write("people.ndjson", *map(person, range(4_000)))
    found = hr.report("push", PUSH[1], *DRATA, "--dry-run")[1]["unmatched"]["hr.people"]
    assert (found["records"], found["fields"]) == (4_000, ["job_title", "separated_at"])
    assert 1_000 <= found["looked_at"] < 4_000
    words = hr.type("push", PUSH[1], *DRATA, "--dry-run").words
    assert f"matched nothing in {found['looked_at']:,} of 4,000 (the others were not looked at)" in words


def test_null_was_matched(hr: Cli) -> None:
    hr.write("people.ndjson", person(1, left=None, jobs=[{"title": "x", "current": True}]))
    assert "unmatched" not in hr.report("push", "hr.people=people.ndjson", *DRATA)[1]


def test_a_patch_says_only_what_it_says(hr: Cli) -> None:
    assert "unmatched" not in hr.report("push", "hr.people=people.ndjson", "--mode", "patch", *DRATA, "--dry-run")[1]


def test_evidence_has_no_rules(hr: Cli) -> None:
    hr.write("e.ndjson", {"id": "1", "email": "a@example.com"})
    assert "unmatched" not in hr.report("push", "e.ndjson", "--kind", "person", *DRATA)[1]


def test_a_preview_names_both(hr: Cli) -> None:
    typed = hr.type("preview", PUSH[1], *DRATA, "--limit", "2")
    assert "separated_at, job_title: matched nothing in 2 of 2" in typed.words
    assert "read by no rule: $.contact.phone, $.office" in typed.words
    [row] = hr.type("preview", PUSH[1], *DRATA, "--json").json
    assert row["unread"] == ["$.contact.phone", "$.office"]
    assert row["unmatched"] == ["separated_at", "job_title"]


def test_what_a_rule_reads_in_any_way_is_not_named(hr: Cli) -> None:
    odd = person(1, bot=False, mfa=None, jobs=[{"title": "x", "current": True, "since": 1}], **{"odd name": 1})
    hr.write("people.ndjson", odd)
    [row] = hr.type("preview", PUSH[1], *DRATA, "--json").json
    assert row["unread"] == ["$.contact.phone", "$.office", "$.jobs[*].since", "$['odd name']"]


def test_columns_of_a_table_are_named_too(hr: Cli) -> None:
    hr.write("mappings/hr.yaml", SOURCE.replace("$.contact.mail", "$.mail"))
    hr.write("people.csv", "id,mail,Left on", "p1,p1@example.com,2024-01-31")
    typed = hr.type("preview", "hr.people=people.csv", *DRATA)
    assert "read by no rule: $['Left on']" in typed.words


def test_a_rejected_record_shows_what_it_has(hr: Cli) -> None:
    hr.write("people.ndjson", {"ID": "p1", "contact": {"mail": "a@example.com"}})
    assert "read by no rule: $.ID" in hr.type("preview", PUSH[1], *DRATA).words


def test_a_path_that_only_jsonpath_knows_hides_what_it_may_read(hr: Cli) -> None:
    hr.write("mappings/hr.yaml", SOURCE + "  customer_id: $.office.city.`sub(/x/, y)`\n")
    [row] = hr.type("preview", PUSH[1], *DRATA, "--json").json
    assert row["unread"] == ["$.contact.phone"]
