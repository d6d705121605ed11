"""Bad records: each is named with what would be right, the good ones arrive, and a whole set is not half replaced."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from tests.support import drata, secureframe
from tests.support.cli import BOTH, SNAPSHOT, Cli
from tests.support.evidence import cloud_resource, training_record


def machine(which: int, **more: Any) -> dict[str, Any]:
    return cloud_resource(f"t{which}", **more)


def trained(which: int, **fields: Any) -> dict[str, Any]:
    """A training that Secureframe processes: one that has ended."""
    return training_record(which, **{"completed_at": "2026-01-30T09:00:00Z", **fields})


GOOD: Mapping[str, Callable[..., dict[str, Any]]] = {"training_record": trained, "cloud_resource": machine}


@dataclass(frozen=True)
class Mistake:
    """One bad record on line 2, and words of the error about it."""

    line: Any
    field: str | None
    found: str
    expected: str
    hint: str
    kind: str = "training_record"
    record: str | None = "t2"
    at: tuple[str, ...] = ("drata", "secureframe")


NAIVE = "2026-01-31T09:00:00"
MISTAKES = {
    "malformed line": Mistake(
        '{"id": "t2", "email": ', None, "unexpected end of data", "one JSON document", "whole on one line", record=None
    ),
    "missing required field": Mistake(
        {"id": "t2", "emial": "p2@example.com", "course": "gdpr"}, "email", "nothing", "requires it", "'emial'"
    ),
    "unknown field": Mistake(
        training_record(2, completed="2026-01-31T09:00:00Z"), "completed", "'completed'", "a field of", "'completed_at'"
    ),
    "unknown enum value": Mistake(
        machine(2, type="aws_ec2_instance"),
        "cloud_resource_type",
        "'aws_ec2_instance'",
        "one of ",
        "Did you mean 'ec2_instance'?",
        kind="cloud_resource",
        at=("secureframe",),
    ),
    "duplicate id": Mistake(
        training_record(1, course="hipaa"),
        "id",
        "{file}:1 already has",
        "occurs once",
        "{file}:2, was not sent",
        record="t1",
    ),
    "naive datetime": Mistake(
        training_record(2, due_at=NAIVE), "due_at", f"'{NAIVE}' without", "time zone", "with Z or"
    ),
    "completed in the future": Mistake(
        training_record(2, completed_at="2126-01-31T09:00:00Z"),
        "completed_at",
        "'2126-01-31",
        "has passed",
        "until it has",
    ),
    "wrong type": Mistake(training_record(2, email=["p2@example.com"]), "email", "an array of 1", "text", "as: string"),
}


@pytest.fixture(params=list(MISTAKES.values()), ids=list(MISTAKES))
def mistake(request: pytest.FixtureRequest) -> Mistake:
    found: Mistake = request.param
    return found


def write(cli: Cli, mistake: Mistake) -> str:
    good = GOOD[mistake.kind]
    return cli.write("records.ndjson", good(1), mistake.line, good(3))


def explained(row: Mapping[str, Any], mistake: Mistake) -> None:
    assert row["position"] == "records.ndjson:2"
    assert (row["id"], row["outcome"], row["field"]) == (mistake.record, "rejected", mistake.field)
    for name in ("found", "expected", "hint"):
        assert getattr(mistake, name).format(file="records.ndjson") in row[name]


def test_the_others_are_delivered(cli: Cli, mistake: Mistake) -> None:
    push = ("push", write(cli, mistake), "--kind", mistake.kind, *BOTH, "--problems", "problems.ndjson")
    code, report = cli.report(*push)
    assert code == 1
    for name, books in report["destinations"].items():
        bad = name in mistake.at
        assert (books["input"], books["delivered"], books["rejected"]) == (3, 3 - bad, int(bad))
        for row in books["problems"]:
            explained(row, mistake)
    held = {"t1", "t3"}
    assert cli.held("secureframe", mistake.kind) == held
    assert cli.held("drata", mistake.kind) == (held if "drata" in mistake.at else held | {"t2"})
    assert secureframe.schema(cli.emulators.state("secureframe"), mistake.kind)["failures"] == []

    rows = [json.loads(line) for line in cli.read("problems.ndjson").splitlines()]
    assert tuple(sorted(row.pop("destination") for row in rows)) == mistake.at
    for row in rows:
        explained(row, mistake)


def test_it_is_shown_in_words(cli: Cli, mistake: Mistake) -> None:
    code, out, _ = cli.type("push", write(cli, mistake), "--kind", mistake.kind, *BOTH)
    assert code == 1
    shown = " ".join(out.split())
    assert f"records.ndjson:2 {f'{mistake.record} ' if mistake.record else ''} rejected".replace("  ", " ") in shown
    for words in (mistake.found, mistake.expected, mistake.hint):
        assert words.format(file="records.ndjson") in shown


def test_a_whole_set_with_it_leaves_the_old_one(cli: Cli, mistake: Mistake) -> None:
    good = GOOD[mistake.kind]
    old = [good(n, observed_at="2026-01-01T00:00:00Z") for n in (1, 3, 4)]
    cli.write("old.ndjson", *old)
    cli.type("push", "old.ndjson", "--kind", mistake.kind, "--to", "drata", *SNAPSHOT)
    before = drata.resource(cli.emulators.state("drata"), mistake.kind)["records"]
    assert {record["id"] for record in before} == {"t1", "t3", "t4"}

    # Where Drata has no objection, the whole set goes through there: 4 is gone from it, 1 in 3 of the old one.
    code, report = cli.report("push", write(cli, mistake), "--kind", mistake.kind, *BOTH, *SNAPSHOT)
    assert code == (1 if "drata" in mistake.at else 4)
    books = report["destinations"]["drata"]
    if "drata" in mistake.at:
        explained(books["problems"][0], mistake)
        assert books["reasons"] == {"snapshot_cancelled": 2}
        assert any("untouched" in note for note in books["notes"])
    assert drata.resource(cli.emulators.state("drata"), mistake.kind)["records"] == before
    assert [
        session["status"] for session in drata.resource(cli.emulators.state("drata"), mistake.kind)["sessions"]
    ] == ["ACTIVE", "CANCELED"]
    assert cli.held("secureframe", mistake.kind) == {"t1", "t3"}


def test_nothing_is_sent_by_a_dry_run_that_still_finds_it(cli: Cli, mistake: Mistake) -> None:
    code, report = cli.report("push", write(cli, mistake), "--kind", mistake.kind, *BOTH, "--dry-run")
    assert code == 1
    for name in mistake.at:
        explained(report["destinations"][name]["problems"][0], mistake)
        assert report["destinations"][name]["withheld"] == 2
    assert cli.emulators.received() == []
