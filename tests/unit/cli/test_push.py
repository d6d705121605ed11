"""`push` hands everything to the gateway, and keeps stdout for the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest
from tests.unit.cli.conftest import FakeGateway

from proofport.adapter import Mode
from proofport.cli import app, options
from proofport.delivery.report.report import Exit
from proofport.errors import ConfigError
from proofport.sources import Format

Capture = pytest.CaptureFixture[str]


def test_everything_reaches_the_gateway(gateway: FakeGateway) -> None:
    arguments = ["push", "aws.ec2.instances=i.json", "b.csv", "-", "--source", "csv.people", "--kind", "person"]
    arguments += ["--to", "one", "--to", "two", "--mode", "snapshot", "--set", "a=1", "--set", "b=x=y"]
    arguments += ["--dry-run", "--override-guard", "moved house", "--assume-unique", "--config", "c.yaml"]
    arguments += ["--skip-unchanged", "--delete-gone", "--resume", "r0", "--require", "verified", "--without", "hr-us"]
    arguments += ["--format", "csv"]
    arguments += ["--max-input-age", "26h"]
    assert app.run(arguments) == 0
    assert [(each.data, each.source) for each in gateway.given] == [
        ("i.json", "aws.ec2.instances"),
        ("b.csv", "csv.people"),
        ("-", "csv.people"),
    ]
    assert {each.format for each in gateway.given} == {"csv"}
    assert gateway.path == "c.yaml"
    asked = {key: gateway.asked[key] for key in gateway.asked if not key.startswith("on_")}
    assert asked == {
        "to": ("one", "two"),
        "kind": "person",
        "mode": "snapshot",
        "values": {"a": "1", "b": "x=y"},
        "dry_run": True,
        "override_guard": "moved house",
        "assume_unique": True,
        "skip_unchanged": True,
        "delete_gone": True,
        "require_verified": True,
        "without": ("hr-us",),
        "max_input_age": 93_600.0,
        "resume": "r0",
    }


def test_a_file_with_an_equals_sign_is_a_file(gateway: FakeGateway, tmp_path: Path) -> None:
    file = tmp_path / "a=b.json"
    file.touch()
    app.run(["push", str(file), "./c=d.json", "s/aws.x=./e=f.json", "--to", "one"])
    assert [(each.data, each.source) for each in gateway.given] == [
        (str(file), None),
        ("./c=d.json", None),
        ("./e=f.json", "s/aws.x"),
    ]


def test_every_format_can_be_named() -> None:
    assert set(options.FORMATS) == set(get_args(Format))


@pytest.mark.parametrize("code", list(Exit))
def test_the_exit_code_is_the_report_s(gateway: FakeGateway, code: Exit) -> None:
    gateway.exit = code
    assert app.run(["push", "f", "--to", "one"]) == code


def test_json_is_all_that_stdout_holds(gateway: FakeGateway, capsys: Capture) -> None:
    app.run(["push", "f", "--to", "one", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert report["destinations"]["one"]["rejected"] == 1
    assert report["destinations"]["one"]["problems"][0]["id"] == "é"


def test_no_report_no_output(gateway: FakeGateway, capsys: Capture) -> None:
    gateway.error = ConfigError("no such destination")
    assert app.run(["push", "f", "--to", "one", "--json"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "no such destination" in said.err


def test_people_get_a_table(gateway: FakeGateway, capsys: Capture) -> None:
    app.run(["push", "f", "--to", "one"])
    assert "delivered, confirmed by the vendor" in capsys.readouterr().out


def test_problems_are_written_as_they_occur(gateway: FakeGateway, tmp_path: Path) -> None:
    file = tmp_path / "problems.ndjson"
    app.run(["push", "f", "--to", "one", "--to", "two", "--problems", str(file)])
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert [row["destination"] for row in rows] == ["one", "two"]
    assert rows[0]["position"] == "f:2"
    assert rows[0]["found"] == "'x'"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["f"], "--to"),
        (["f", "--to", "a", "--mode", "erase"], "erase"),
        (["f", "--to", "a", "--set", "novalue"], "expected NAME=VALUE"),
        (["f", "--to", "a", "--set", "k=1", "--set", "k=2"], "given twice"),
        (["f", "--to", "a", "--override-guard", " "], "needs a reason"),
        (["f", "--to", "a", "--problems", "no/such/folder/p"], "cannot be written"),
    ],
)
def test_wrong_usage_reaches_nobody(gateway: FakeGateway, capsys: Capture, arguments: list[str], words: str) -> None:
    assert app.run(["push", *arguments]) == 2
    assert words in capsys.readouterr().err
    assert gateway.given is None


def test_the_modes_are_the_contract_s() -> None:
    assert get_args(Mode) == options.MODES
