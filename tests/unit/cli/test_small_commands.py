"""`preview`, `doctor` and `provision` over a gateway that answers at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from tests.unit.cli.conftest import FakeGateway

from proofport.adapter import Finding
from proofport.cli import app
from proofport.errors import Problem
from proofport.gateway import Preview

Capture = pytest.CaptureFixture[str]
GOOD = Preview("f:1", "i-1", {"id": "i-1"}, {"one": {"id": "i-1"}})
BAD = Preview("f:1", "i-1", {"id": "i-1"}, {"one": {"id": "i-1"}, "two": Problem("'x'", "a type")})


class TestPreview:
    def test_shows_every_body(self, gateway: FakeGateway, capsys: Capture) -> None:
        gateway.previews = [GOOD]
        assert app.run(["preview", "csv.x=f", "--kind", "device", "--limit", "3"]) == 0
        assert (gateway.given.data, gateway.given.source) == ("f", "csv.x")
        assert gateway.asked["to"] is None
        assert (gateway.asked["kind"], gateway.asked["limit"]) == ("device", 3)
        assert '"id": "i-1"' in capsys.readouterr().out

    def test_json(self, gateway: FakeGateway, capsys: Capture) -> None:
        gateway.previews = [BAD]
        assert app.run(["preview", "f", "--to", "one", "--json"]) == 1
        [row] = json.loads(capsys.readouterr().out)
        assert row["bodies"] == {"one": {"id": "i-1"}}
        assert row["problems"]["two"]["expected"] == "a type"

    def test_an_empty_input_is_said(self, gateway: FakeGateway, capsys: Capture) -> None:
        assert app.run(["preview", "f"]) == 1
        assert "no record" in capsys.readouterr().err


class TestDoctor:
    @pytest.fixture(autouse=True)
    def configuration(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        Path("proofport.yaml").write_text("instance: x\ndestinations: {one: {}, two: {}}\n")

    def test_all_well(self, gateway: FakeGateway, capsys: Capture) -> None:
        gateway.findings = {"one": [Finding(True, "key", "works")], "two": []}
        assert app.run(["doctor"]) == 0
        assert "ok   key: works" in capsys.readouterr().out

    def test_one_that_fails_does_not_hide_the_other(self, gateway: FakeGateway, capsys: Capture) -> None:
        gateway.findings = {"two": [Finding(False, "key", "expired", "Make a new one.")]}
        assert app.run(["doctor"]) == 1
        said = capsys.readouterr().out
        assert "BAD  connection: cannot be reached" in said
        assert "BAD  key: expired\n       Make a new one." in said

    def test_only_the_named_one_is_asked(self, gateway: FakeGateway, capsys: Capture) -> None:
        gateway.findings = {"two": [Finding(True, "key", "works")]}
        assert app.run(["doctor", "two", "--json"]) == 0
        assert list(json.loads(capsys.readouterr().out)) == ["two"]

    def test_nothing_to_check(self, gateway: FakeGateway, capsys: Capture) -> None:
        Path("proofport.yaml").write_text("instance: x\n")
        assert app.run(["doctor"]) == 2
        assert "No destination" in capsys.readouterr().err


class TestProvision:
    def test_prints_what_belongs_into_the_configuration(self, gateway: FakeGateway, capsys: Capture) -> None:
        assert app.run(["provision", "one", "--kind", "device", "--no-write"]) == 0
        said = capsys.readouterr()
        assert yaml.safe_load(said.out) == {
            "objects": {"device": {"table": 7, "note": "a: b"}, "custom:package": {"table": 8}}
        }
        assert "device: made now\n  Open it once." in said.err
        assert "custom:package: found" in said.err

    def test_json(self, gateway: FakeGateway, capsys: Capture) -> None:
        app.run(["provision", "one", "--json", "--no-write"])
        assert json.loads(capsys.readouterr().out)["device"]["settings"]["table"] == 7
