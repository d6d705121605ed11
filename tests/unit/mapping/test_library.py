"""Mappings are found by name; their tests run."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofport.adapter import Body
from proofport.errors import MappingError, UsageError
from proofport.mapping import MappingLibrary, builtin_folder, load_file, run_tests

from .conftest import Load

ONE = "mapping: sources/one\nto: {evidence: person}\nfields: {id: $.id}\n"


def test_user_folders_come_before_the_built_in_ones(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.yaml").write_text(f"# two in a file\n{ONE}---\n{ONE.replace('one', 'aws.ec2.instances')}")
    (tmp_path / "tables.yaml").write_text("a: b\n")
    (tmp_path / "broken.yml").write_text("mapping: sources/broken\nto: [\n")
    library = MappingLibrary([tmp_path])
    assert library.find("one").name == library.find("sources/one").name == "sources/one"
    assert library.find("aws.ec2.instances").path == tmp_path / "deep" / "a.yaml"
    assert {"sources/one", "sources/broken", "sources/aws.s3.buckets"} <= set(library.names())
    assert library.find("aws.s3.buckets").path.is_relative_to(builtin_folder())
    with pytest.raises(MappingError, match=r"broken\.yml:"):
        library.find("broken")


def test_a_name_that_is_not_there() -> None:
    library = MappingLibrary()
    with pytest.raises(UsageError, match=r"Did you mean 'aws\.ec2\.instances'"):
        library.find("aws.ec2.instance")
    with pytest.raises(UsageError, match="proofport mapping list"):
        library.find("zzz")


def test_two_files_of_one_folder_with_the_same_mapping(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(ONE)
    with pytest.raises(UsageError, match=r"a\.yaml and .*b\.yaml both hold the mapping 'sources/one'"):
        MappingLibrary([tmp_path])


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no folder"):
        MappingLibrary([tmp_path / "gone"])


TESTS = """
tests:
  - {name: fits, input: {id: x, n: 1}, expect: {n: 1, id: x}}
  - {name: differs, input: {id: x, n: 1}, expect: {id: x, n: true}}
  - {name: refused, input: {n: 1}, rejected: id}
  - {name: refused for another field, input: {n: 1}, rejected: n}
  - {name: not refused, input: {id: x}, rejected: id}
  - {name: breaks, input: {n: 1}, expect: {n: 1}}
"""
VERDICTS = {
    "fits": True,
    "differs": False,
    "refused": True,
    "refused for another field": False,
    "not refused": False,
    "breaks": False,
}


@pytest.mark.parametrize(
    "head",
    [
        "mapping: a\nto: {evidence: 'custom:t'}\nfields: {id: $.id, n: $.n}\n",
        "mapping: a\nfrom: custom:t\nto: {vendor: v, body: b}\nfields: {id: $.id, n: $.n}\n",
    ],
)
def test_the_tests_of_a_file(load: Load, head: str) -> None:
    results = run_tests(load(head + TESTS), lambda vendor, kind, body: Body(name="b", mapping=None))
    assert {result.name: result.ok for result in results} == VERDICTS
    assert [result.line for result in results] == [6, 7, 8, 9, 10, 11][: len(results)] or results[0].line == 7
    assert results[1].found == '{"id":"x","n":1}'
    assert results[1].expected == '{"id":"x","n":true}'
    assert "id: found nothing" in results[5].found


def test_the_tests_of_a_source_with_records(load: Load) -> None:
    text = "mapping: a\nto: {evidence: person}\nrecords: '$.r[*]'\ncontext: [email]\nfields: {id: $.id}\ntests:\n"
    cases = (
        "  - {name: list, input: {r: [{id: x}]}, expect: [{id: x}]}\n"
        "  - {name: one, input: {r: [{id: x}]}, set: {email: 1}, expect: {id: x, email: '1'}}\n"
        "  - {name: none, input: {r: []}, expect: []}\n"
        "  - {name: two, input: {r: [{id: x}, {id: y}]}, expect: [{id: x}, {id: y}]}\n"
    )
    assert [result.ok for result in run_tests(load(text + cases))] == [True] * 4


def test_the_example_of_the_readme_is_right(tmp_path: Path) -> None:
    readme = (builtin_folder() / "README.md").read_text(encoding="utf-8")
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "types.yaml").write_text("aws.ec2.instance: ec2_instance\n")
    (tmp_path / "m.yaml").write_text(readme.split("```yaml\n")[1].split("```")[0])
    results = [result for file in load_file(tmp_path / "m.yaml") for result in run_tests(file)]
    assert [result.name for result in results if result.ok] == ["an instance", "a type that is not in the table"]


def test_a_mapping_that_is_not_there_says_where_own_files_are_found() -> None:
    with pytest.raises(UsageError, match="no mapping 'zzz'") as caught:
        MappingLibrary().find("zzz")
    assert "`mappings:` of the configuration" in str(caught.value.hint)
