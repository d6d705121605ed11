"""Every mistake in a mapping file is found when it is loaded, at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofport.errors import MappingError, UsageError
from proofport.mapping import load_file
from proofport.mapping.language.nodes import Select, Vendor

from .conftest import Load

SOURCE = "mapping: sources/t\nto: {evidence: 'custom:thing'}\nfields:\n  id: $.id\n"
VENDOR = "mapping: v/cloud\nfrom: cloud_resource\nto: {vendor: v, body: cloud}\nfields:\n  id: $.id\n"


def mistake(load: Load, text: str) -> str:
    """What is said about a text, from the line on: "line:column: message"."""
    with pytest.raises(MappingError) as caught:
        load(text)
    error = caught.value
    assert error.file.endswith("m.yaml")
    assert str(error).startswith(f"{error.file}:{error.line}:{error.column}: ")
    return str(error).removeprefix(f"{error.file}:")


@pytest.mark.parametrize(
    ("rule", "place", "words"),
    [
        # a rule's keys
        ("{pth: $.a}", "5:7", "found the key 'pth', expected a key of a rule: path,"),
        ("{pth: $.a}", "5:7", "Did you mean 'path'?"),
        ("{path: $.a, value: 1}", "5:6", "found path and value in one rule, expected exactly one of path, value,"),
        ("{default: 1}", "5:6", "found a rule without a source"),
        ("{a: $.b, c: $.d}", "5:7", "found the key 'a'"),
        ("[$.a, $.b]", "5:6", "Alternatives go under first_of:"),
        ("{path: $.a, path: $.b}", "5:18", "found the key 'path' again, expected it once: it stands in line 5 already"),
        ("{? [a] : b}", "5:9", "found a list, expected a key of one word"),
        # paths
        ("a.b", "5:6", "found 'a.b', expected a JSONPath, which begins with $. Write $.a.b for a field"),
        ("aws", "5:6", "{value: aws} for a constant"),
        ("~", "5:6", "found '~', expected a JSONPath"),
        ("7", "5:6", "found '7', expected a JSONPath, which begins with $. Put it in quotes."),
        ("$.a:b", "5:9", "it is not one from ':b' on. Names with other characters"),
        ("$.a:b", "5:9", "stand in brackets: ['a:b']"),
        ("'$.a['", "5:11", "it stops in the middle. Is a bracket or quote left open?"),
        ("'$[?(@.a == x)]'", "5:7", "Write 'x': a word that is compared stands in quotes."),
        ("\"$[?(@.a =~ '(')]\"", "5:7", "a regular expression: missing )"),
        ("$.名", "5:8", "stand in brackets"),
        # combinations
        ("{value: 1, all: true}", "5:17", "found 'all' beside 'value'"),
        ("{template: '{$.a}', join: x}", "5:26", "found 'join' beside 'template'"),
        ("{path: $.a, all: yes}", "5:23", "found 'yes', expected true or false"),
        ("{path: $.a, all: false, join: x}", "5:18", "found all: false"),
        ("{path: '$.a[*]', join: 1}", "5:29", "expected the text between two items"),
        ("{path: $.a, table: {a: b}}", "5:6", "found no 'unknown'"),
        ("{path: $.a, unknown: omit}", "5:18", "found 'unknown' without a table"),
        ("{path: $.a, table: {a: b}, unknown: ignore}", "5:42", "found 'ignore', expected one of reject, omit, keep"),
        ("{path: $.a, table: {a: b}, unknown: {valeu: 1}}", "5:43", "Did you mean 'value'?"),
        ("{path: $.a, table: {}, unknown: omit}", "5:25", "found an empty table"),
        ("{path: $.a, table: {~: b}, unknown: omit}", "5:26", "found the key null"),
        ("{path: $.a, table: {a: 1, a: 2}, unknown: omit}", "5:32", "found the key 'a' again"),
        ("{path: $.a, table: statse, unknown: omit}", "5:25", "Did you mean 'states'?"),
        ("{path: '$.a[*]', all: true, table: states, unknown: omit}", "5:34", "it inside each: {path: $, table:"),
        ("{path: '$.a[*]', join: x, as: int}", "5:32", "found 'as' beside a list"),
        ("{value: 1, as: int}", "5:17", "found 'as' beside 'value'"),
        ("{path: $.a, as: integer}", "5:22", "expected one of int, number, bool, date, datetime, string. Did you mean"),
        ("{path: $.a, as: int, table: states, unknown: omit}", "5:18", "found 'as' beside 'table'"),
        ("{path: $.a, as: int, true: [1], false: [0], unknown: omit}", "5:27", "it beside as: bool only"),
        ("{path: $.a, true: [1], false: [0], unknown: omit}", "5:18", "found 'true' without 'as: bool'"),
        ("{path: $.a, as: bool, true: [1], unknown: omit}", "5:6", "found no 'false'"),
        ("{path: $.a, as: bool, true: [1], false: [1.0], unknown: omit}", "5:47", "found '1.0' in both lists"),
        ("{path: $.a, as: bool, true: [1], false: [0]}", "5:6", "found no 'unknown'"),
        ("{path: $.a, as: bool, true: 1, false: [0], unknown: omit}", "5:34", "expected a list of the values"),
        ("{path: $.a, required: true, default: 1}", "5:18", "found 'required' beside 'default'"),
        ("{path: $.a, required: 1}", "5:28", "expected true or false"),
        ("{path: $.a, type: str}", "5:24", "expected one of string, integer,"),
        ("{path: $.a, compare: fold}", "5:18", "found 'compare' here, expected it in the rule of the id of a source"),
        ("{fields: {id: {path: $.a, compare: fold}}}", "5:32", "found 'compare' here"),
        ("{first_of: [$.a]}", "5:17", "found 1 alternatives, expected two or more"),
        ("{first_of: $.a}", "5:17", "expected a list of rules"),
        ("{fields: {}}", "5:15", "found no field"),
        ("{fields: [$.a]}", "5:15", "expected a mapping of field names to rules"),
        # templates
        ("{template: 'a {$.b'}", "5:20", "found a brace that is not closed"),
        ("{template: 'a $.b}'}", "5:23", "found a brace that was not opened"),
        ("{template: just text}", "5:17", "Text without parts is a {value: …}."),
        ("{template: '{$.a} {b}'}", "5:25", "found 'b', expected a JSONPath"),
        ("{template: '{$.a:b}'}", "5:22", "expected a JSONPath; it is not one from ':b' on"),
        # conditions
        ("{value: 1, when: $.a}", "5:23", "expected when: {path: …, is: …}"),
        ("{value: 1, when: {path: $.a}}", "5:23", "found no test, expected exactly one of is, in, present, null"),
        ("{value: 1, when: {path: $.a, is: 1, in: [1]}}", "5:23", "found is and in"),
        ("{value: 1, when: {is: 1}}", "5:23", "found no 'path'"),
        ("{value: 1, when: {path: $.a, in: 1}}", "5:39", "expected a list of values"),
        ("{value: 1, when: {path: $.a, is: [1]}}", "5:39", "found a list, expected a single value"),
        ("{value: 1, when: {path: $.a, present: false}}", "5:44", "found present: false"),
        ("{value: 1, when: {path: $.a, equals: 1}}", "5:35", "found the key 'equals'"),
        # YAML
        ("*a", "5:6", "found undefined alias, expected YAML. Put text"),
        ("[a", "6:7", "found something else, expected ',' or ']'"),
        ("@", "5:6", "in quotes"),
        ("!!python/name:os.system", "5:6", "found the tag"),
        ("{value: .nan}", "5:14", "found '.nan', expected a finite number"),
        ("{value: .inf}", "5:14", "expected a finite number"),
        ("{value: 1e999}", "5:14", "expected a finite number"),
    ],
)
def test_a_wrong_rule(load: Load, rule: str, place: str, words: str) -> None:
    message = mistake(load, f"{SOURCE}  f: {rule}\ntables: {{states: {{a: b}}}}\n")
    assert message.startswith(f"{place}: ")
    assert words in message


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("", "1:1", "found an empty file"),
        ("- a\n", "1:1", "found a list, expected a mapping, which begins with mapping:"),
        (SOURCE.replace("mapping: sources/t\n", ""), "1:1", "found no 'mapping'"),
        (SOURCE.replace("mapping: sources/t", "mapping: 5"), "1:10", "found '5'"),
        (SOURCE.replace("fields", "field"), "3:1", "Did you mean 'fields'?"),
        (SOURCE.replace("to: {evidence: 'custom:thing'}", "to: {}"), "2:5", "found no 'vendor'"),
        (SOURCE.replace("custom:thing", "cloud_resuorce"), "2:16", "Did you mean 'cloud_resource'?"),
        (SOURCE.replace("custom:thing", "custom:Thing"), "2:16", "the kinds are cloud_resource,"),
        (SOURCE.replace("'custom:thing'}", "'custom:thing', vendor: v}"), "2:32", "found 'vendor' beside 'evidence'"),
        (SOURCE.replace("$.id", "{path: $.id, compare: case}"), "4:29", "found 'case', expected fold"),
        (VENDOR.replace("$.id", "{path: $.id, compare: fold}"), "5:20", "of the id of a source mapping only"),
        (SOURCE + "from: device\n", "5:1", "found 'from' in a source mapping"),
        (SOURCE + "parent: {a: $.b}\n", "5:1", "found 'parent' without 'records'"),
        (SOURCE + "records: $.a.`len`\n", "5:10", "expected a path of names, indices"),
        (SOURCE + "records: '$.a[*].b[*]'\nparent: {a: '$.a[*].c[*]'}\n", "6:13", "to the enclosing element"),
        (SOURCE + "context: region\n", "5:10", "expected context: [field, …]"),
        (SOURCE + "incomplete_when: a\n", "5:18", "begins with $"),
        (SOURCE + "total: $.total\n", "5:1", "found 'total' without 'records', expected records: where"),
        (SOURCE + "records: $.a[*]\ntotal: total\n", "6:8", "begins with $"),
        (SOURCE + "records: $.a[*]\ntotal: $.a.`len`\n", "6:8", "expected a path of names, indices"),
        (SOURCE + "tests: {}\n", "5:8", "expected a list of tests"),
        (SOURCE + "tests: [{name: a, input: {}}]\n", "5:9", "found none of three, expected expect:"),
        (SOURCE + "tests: [{name: a, expect: {}}]\n", "5:9", "found no 'input'"),
        (SOURCE + "tests: [{name: a, input: 1, expect: 1, rejected: id}]\n", "5:9", "found expect and rejected"),
        (SOURCE + "tables: {t: {include: gone.yaml}}\n", "5:23", "'gone.yaml': No such file"),
        (SOURCE + "tables: {t: {include: /etc/passwd}}\n", "5:23", "expected a path relative to this file"),
        (SOURCE + "---\n" + SOURCE, "6:10", "found the mapping 'sources/t' again, expected it once: see line 1"),
        (VENDOR.replace("from: cloud_resource\n", ""), "1:1", "found no 'from'"),
        (VENDOR + "context: [id]\n", "6:1", "found 'context' in a vendor mapping"),
        (VENDOR.replace("cloud}", "cloud, display_name: nmae}"), "3:44", "expected one of the fields: id"),
        (VENDOR + "  region: $.regoin\n", "6:11", "found the field 'regoin', expected a field of cloud_resource"),
        (VENDOR + "  region: $.regoin\n", "6:11", "Did you mean 'region'?"),
        (VENDOR + "  t: {path: '$.tags[*].kye', join: ','}\n", "6:13", "Did you mean 'key'?"),
        (VENDOR + "  t: {path: '$.tags[*]', each: $.kye, join: ','}\n", "6:32", "Did you mean 'key'?"),
        (VENDOR + "  t: {template: '{$.id} {$.nam}'}\n", "6:26", "Did you mean 'name'?"),
        (VENDOR + "  t: {value: 1, when: {path: $.encryptd, is: true}}\n", "6:30", "Did you mean 'encrypted'?"),
    ],
)
def test_a_wrong_document(load: Load, text: str, place: str, words: str) -> None:
    message = mistake(load, text)
    assert message.startswith(f"{place}: ")
    assert words in message


CLOUD = "mapping: sources/t\nto: {evidence: cloud_resource}\nfields:\n  id: $.id\n  type: {value: t}\n"


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        (CLOUD + "  regoin: $.r\n", "6:11", "Did you mean 'region'?"),
        (CLOUD + "  tags: {path: '$.t[*]', each: {fields: {kye: $.K}}}\n", "6:47", "Did you mean 'key'?"),
        (CLOUD.replace("  type: {value: t}\n", ""), "1:10", "found no rule for 'type', expected one: cloud_resource"),
        (CLOUD + "context: [regoin]\n", "6:11", "Did you mean 'region'?"),
        (CLOUD + "records: '$.a[*]'\nparent: {acount_id: $.b}\n", "7:10", "Did you mean 'account_id'?"),
    ],
)
def test_a_source_makes_only_what_its_kind_has(load: Load, text: str, place: str, words: str) -> None:
    message = mistake(load, text)
    assert message.startswith(f"{place}: ")
    assert words in message


def test_what_a_file_says_is_there_to_be_read(load: Load) -> None:
    around = "records: '$.R[*].I[*]'\nparent: {account_id: '$.R[*].Owner.Id'}\nincomplete_when: $.Next\n"
    file = load(f"{CLOUD}{around}context: [region]\n")
    assert (file.name, file.to, file.from_kind, file.at.line) == ("sources/t", "cloud_resource", None, 1)
    assert list(file.fields) == ["id", "type"]
    assert file.context == ("region",)
    [parent] = file.parents
    assert (parent.field, parent.depth, parent.keys) == ("account_id", 2, ("Owner", "Id"))
    vendor = load(VENDOR.replace("cloud}", "cloud, display_name: id}"))
    assert (vendor.to, vendor.from_kind, vendor.display_name) == (Vendor("v", "cloud"), "cloud_resource", "id")
    assert isinstance(vendor.fields["id"].source, Select)


def test_only_true_and_false_are_booleans_and_dates_are_text(load: Load) -> None:
    values = "[yes, no, on, Off, true, FALSE, 2026-01-31, 12:30, 0o17, 0x1F, 1_000, 1e3, ~, null, '1', 1., .5, +7]"
    file = load(f"{SOURCE}  f: {{value: {values}}}\n")
    assert file.fields["f"].source.value == [  # type: ignore[union-attr]
        *("yes", "no", "on", "Off", True, False, "2026-01-31", "12:30", 15, 31, "1_000", 1000.0),
        *(None, None, "1", 1.0, 0.5, 7),
    ]


def test_a_table_may_be_a_file_of_its_own(load: Load, tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "t.yaml").write_text("# a comment\na: b\n1: c\n")
    assert load(SOURCE + "tables: {t: {include: tables/t.yaml}}\n").tables["t"]["a"] == "b"
    (tmp_path / "tables" / "t.yaml").write_text("a: b\na: c\n")
    with pytest.raises(MappingError, match=r"t\.yaml:2:1: found the key 'a' again"):
        load(SOURCE + "tables: {t: {include: tables/t.yaml}}\n")
    (tmp_path / "tables" / "t.yaml").write_text("a: b\n---\na: c\n")
    with pytest.raises(MappingError, match="with 2 documents"):
        load(SOURCE + "tables: {t: {include: tables/t.yaml}}\n")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        load_file(tmp_path / "gone.yaml")


@pytest.mark.parametrize(
    ("content", "place", "words"),
    [
        (b"mapping: a\nto: \xff\n", "2:1", "a byte that is not UTF-8"),
        (b"mapping: a\nto: \x00\n", "2:5", "printable text"),
        (b"a: [" + b"[" * 60 + b"]" * 60 + b"]", "1:43", "deep nesting"),
        (b"a: &x {b: 1}\nc: *x\n", "1:4", "an alias of a list or mapping"),
        (b"a: &x [*x]\n", "1:4", "an alias"),
    ],
)
def test_text_that_is_no_yaml_of_ours(tmp_path: Path, content: bytes, place: str, words: str) -> None:
    path = tmp_path / "m.yaml"
    path.write_bytes(content)
    with pytest.raises(MappingError, match=words) as caught:
        load_file(path)
    assert f"m.yaml:{place}: " in str(caught.value)


def test_each_may_not_nest_without_end(load: Load) -> None:
    rule = "$.x"
    for _ in range(7):
        rule = f"{{path: '$.a[*]', each: {rule}}}"
    assert "at most 6 levels of each" in mistake(load, f"{SOURCE}  f: {rule}\n")
