"""`mapping` finds, checks and tests; a wrong file is explained, and hides no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofport.cli import app
from proofport.mapping import MappingLibrary, load_file

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
    place = heads.index("sources of device")
    under = lines[lines.index(heads[place]) + 1 : lines.index(heads[place + 1])]
    assert "sources/mine" in [line.split()[0] for line in under]
    assert all(" gives device" in line for line in under)
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


@pytest.mark.parametrize("name", ["aws.ec2.instances", "csv.training", "secureframe/cloud_resource"])
def test_what_is_shown_is_a_file_that_stands_alone_and_does_the_same(name: str, capsys: Capture) -> None:
    configure()
    assert app.run(["mapping", "show", name]) == 0
    shown = capsys.readouterr().out
    short = name.removeprefix("sources/")
    assert shown.startswith(f"# Save it as mine/{short}.yaml.\n")
    copy = Path("mine") / f"{short}.yaml"
    copy.parent.mkdir(exist_ok=True)
    copy.write_text(shown)
    [copied], original = load_file(copy), MappingLibrary().find(name)
    assert copied.tables == original.tables
    assert set(copied.fields) == set(original.fields)
    assert app.run(["mapping", "test", name]) == 0
    assert app.run(["mapping", "list"]) == 0, "a copy beside the built-in one is no mistake"


def test_without_a_folder_for_mappings_it_says_how_to_name_one(capsys: Capture) -> None:
    assert app.run(["mapping", "show", "csv.training"]) == 0
    assert "`mappings: mappings`" in capsys.readouterr().out.splitlines()[0]


def test_a_table_that_cannot_be_written_out_is_named(capsys: Capture) -> None:
    configure()
    Path("mine/words.yaml").write_text("a: b\n")
    Path("mine/good.yaml").write_text(f"{GOOD}tables: {{words: {{include: words.yaml}}}}\n")
    assert app.run(["mapping", "show", "mine"]) == 0
    assert "# Copy words.yaml too" in capsys.readouterr().out


class TestNew:
    SAMPLE = "Login,Mail,Is Admin\nana,ana@acme.test,yes\nbo,bo@acme.test,no\n"

    def test_a_draft_goes_to_stdout_and_what_to_do_to_stderr(self, capsys: Capture) -> None:
        Path("people.csv").write_text(self.SAMPLE)
        assert app.run(["mapping", "new", "people.csv", "--kind", "personnel_account"]) == 0
        said = capsys.readouterr()
        assert "mapping: sources/people\n" in said.out
        assert "rules from 2 records" in said.err
        assert "acme.test" not in said.out

    def test_a_draft_in_the_folder_of_mappings_is_used_at_once(self, capsys: Capture) -> None:
        configure()
        Path("people.csv").write_text(self.SAMPLE)
        new = ["mapping", "new", "people.csv", "--kind", "personnel_account", "--name", "acme.people"]
        assert app.run([*new, "--out", "mine/people.yaml"]) == 0
        assert "proofport preview acme.people=people.csv" in capsys.readouterr().err
        assert app.run(["mapping", "test", "acme.people"]) == 0
        assert "2 tests passed" in capsys.readouterr().out
        assert app.run([*new, "--out", "mine/people.yaml"]) == 2
        assert "never written over" in capsys.readouterr().err

    def test_what_is_wrong_is_said_before_anything_is_written(self, capsys: Capture) -> None:
        Path("people.csv").write_text(self.SAMPLE)
        for wrong, told in (
            (["people.csv", "--kind", "persons"], "there is no kind 'persons'"),
            (["people.csv", "--kind", "person", "--name", "a b"], "found the name 'a b'"),
            (["nobody.csv", "--kind", "person"], "there is no file 'nobody.csv'"),
            (["people.csv", "--kind", "person", "--out", "nowhere/a.yaml"], "nowhere/a.yaml cannot be written"),
        ):
            assert app.run(["mapping", "new", *wrong]) == 2
            said = capsys.readouterr()
            assert told in said.err
            assert said.out == ""

    def test_columns_that_are_empty_in_the_sample_are_told(self, capsys: Capture) -> None:
        Path("people.csv").write_text("id,Notes,email,Job Title\n1,,ana@example.com,\n2,,bo@example.com,\n")
        assert app.run(["mapping", "new", "people.csv", "--kind", "person"]) == 0
        said = capsys.readouterr()
        assert "# Without a value in the sample, so without a rule: Notes, Job Title." in said.out
        assert "2 columns not used" in said.err
