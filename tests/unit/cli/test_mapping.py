"""`mapping` finds, checks and tests; a wrong file is explained, and hides no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofport.cli import app

Capture = pytest.CaptureFixture[str]
GOOD = """\
mapping: sources/mine
to: {evidence: device}
fields: {id: $.serial}
tests:
  - {name: a laptop, input: {serial: s-1}, expect: {id: s-1}}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PROOFPORT_CONFIG", raising=False)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "good.yaml").write_text(GOOD)
    return tmp_path


def configure() -> None:
    Path("proofport.yaml").write_text("instance: x\nmappings: mine\n")


def test_the_built_in_ones_need_no_configuration(capsys: Capture) -> None:
    assert app.run(["mapping", "list"]) == 0
    listed = capsys.readouterr().out
    assert "sources/aws.ec2.instances" in listed
    assert "gives cloud_resource" in listed
    assert "sources/mine" not in listed


def test_the_configuration_s_folder_comes_on_top(capsys: Capture) -> None:
    configure()
    assert app.run(["mapping", "list"]) == 0
    assert "sources/mine " in capsys.readouterr().out
    assert app.run(["mapping", "test", "mine"]) == 0
    assert "1 mapping: 1 test passed" in capsys.readouterr().out


def test_sources_are_listed_by_their_kind(folder: Path, capsys: Capture) -> None:
    (folder / "mine" / "wrong.yaml").write_text("mapping: sources/wrong\n")
    configure()
    assert app.run(["mapping", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    heads = [line for line in lines if "/" not in line]
    assert heads[-2:] == ["vendor mappings", "wrong mappings"]
    assert heads[:-2] == sorted(heads[:-2])
    under = lines[lines.index("sources of device") + 1 : lines.index("sources of personnel_account")]
    assert "sources/mine" in [line.split()[0] for line in under]
    assert all(line.endswith(" gives device") for line in under)
    assert lines[-1].split()[0] == "sources/wrong"


def test_a_broken_configuration_is_not_passed_over(capsys: Capture) -> None:
    Path("proofport.yaml").write_text("instanze: x\n")
    assert app.run(["mapping", "list"]) == 2
    assert "proofport.yaml:1:1" in capsys.readouterr().err


def test_all_there_are_are_right(capsys: Capture) -> None:
    assert app.run(["mapping", "check"]) == 0
    assert "mappings right\n" in capsys.readouterr().out


def test_a_file_can_be_named(capsys: Capture) -> None:
    assert app.run(["mapping", "test", "mine/good.yaml"]) == 0
    assert "1 mapping: 1 test passed\n" in capsys.readouterr().out


def test_a_failing_test_shows_found_and_expected(capsys: Capture) -> None:
    Path("mine/bad.yaml").write_text(GOOD.replace("expect: {id: s-1}", "expect: {id: s-2}"))
    assert app.run(["mapping", "test", "mine/bad.yaml", "mine/good.yaml"]) == 1
    said = capsys.readouterr().out
    assert "mine/bad.yaml:5: sources/mine: a laptop" in said
    assert '"s-1"' in said
    assert '"s-2"' in said
    assert "1 test passed, 1 failed" in said


@pytest.mark.parametrize("verb", ["check", "test"])
def test_a_wrong_mapping_is_explained_and_hides_no_other(verb: str, capsys: Capture) -> None:
    Path("mine/bad.yaml").write_text("mapping: sources/bad\nto: {evidence: device}\nfeelds: {id: $.x}\n")
    assert app.run(["mapping", verb, "mine/bad.yaml", "mine/good.yaml"]) == 2
    said = capsys.readouterr()
    assert "mine/bad.yaml:3:1" in said.err
    assert "'fields'" in said.err
    assert "1 wrong" in said.out
    assert said.out.startswith("1 mapping")


def test_a_vendor_that_is_not_installed_is_said(capsys: Capture) -> None:
    Path("mine/far.yaml").write_text(
        "mapping: far/device\nfrom: device\nto: {vendor: far, body: b}\nfields: {id: $.id}\n"
    )
    assert app.run(["mapping", "check", "mine/far.yaml"]) == 2
    assert "'far'" in capsys.readouterr().err


def test_an_unknown_name_suggests_one(capsys: Capture) -> None:
    assert app.run(["mapping", "check", "aws.ec2.instance"]) == 2
    assert "aws.ec2.instances" in capsys.readouterr().err


def test_what_can_never_be_is_found(capsys: Capture) -> None:
    Path("never.yaml").write_text(GOOD.replace("{id: $.serial}", "{id: $.serial, platform: {value: Windows}}"))
    assert app.run(["mapping", "check", "never.yaml"]) == 2
    assert "platform: found 'Windows', expected one of macos" in " ".join(capsys.readouterr().err.split())
