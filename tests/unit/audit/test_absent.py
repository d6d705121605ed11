"""An absent field says why: the reason is the one that counts, whatever else could have left it out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proofport.audit import absent
from proofport.audit.explain import FieldTold, fields_told
from proofport.mapping import compile_source
from proofport.mapping.language.syntax import load_file

RULES = """
mapping: sources/own
to: {evidence: personnel_account}
nothing: [N/A, "-"]
fields:
  id: $.id
  admin: {path: $.admin, when: {path: $.kind, in: [person]}}
  active: {path: $.status, table: {"on": true, "off": false}, unknown: omit}
  first_name: {path: $.first, sub: {pattern: '^([A-Z]+)$', with: '\\1', unmatched: omit}}
  last_name: {template: "{$.given} {$.family}"}
  username: {path: $.login, when: {path: $.status, present: true}}
  roles: {path: $.roles, split: ";"}
  auth_method: {first_of: [$.method, $.way], table: {sso: sso}, unknown: omit}
  permission_level: {path: $.level, sub: {pattern: '^[0-9]+$', with: x, unmatched: omit}}
  full_name: {first_of: [$.name, {value: nobody}]}
  url: {first_of: [{path: $.link, sub: {pattern: '^https:', with: 'https:', unmatched: omit}}, $.page]}
  preferred_first_name: {path: $.number, table: {"1": one}, unknown: omit, default: none}
  email: {first_of: [$.mail, {path: $.login, sub: {pattern: '(.+@.+)', with: '\\1', unmatched: omit}}]}
"""

REASONS: list[tuple[str, dict[str, Any], str]] = [
    ("admin", {"admin": True, "kind": "bot"}, absent.CONDITION),
    ("admin", {"admin": True}, absent.CONDITION),
    ("admin", {"kind": "person"}, absent.NOT_THERE),
    ("active", {}, absent.NOT_THERE),
    ("active", {"status": "perhaps"}, absent.NOT_IN_TABLE),
    ("active", {"status": "N/A"}, absent.IS_NOTHING),
    ("first_name", {"first": "jo"}, absent.NO_MATCH),
    ("last_name", {"given": "Jo"}, absent.NOT_THERE),
    ("last_name", {"given": "Jo", "family": None}, absent.IS_NULL),
    ("email", {"login": "jo"}, f"{absent.NOT_THERE}; {absent.NO_MATCH}"),
    ("email", {}, absent.NOT_THERE),
    ("username", {"status": "-", "login": "jo"}, absent.CONDITION),
    ("roles", {"roles": " ; "}, absent.NO_ITEM),
    ("roles", {}, absent.NOT_THERE),
    ("auth_method", {}, absent.NOT_THERE),
    ("auth_method", {"way": "carrier pigeon"}, absent.NOT_IN_TABLE),
    ("permission_level", {}, absent.NOT_THERE),
    ("title", {}, absent.NO_RULE),
]


def told_of(given: dict[str, Any], folder: Path) -> dict[str, FieldTold]:
    (folder / "own.yaml").write_text(RULES)
    [file] = load_file(folder / "own.yaml")
    record = {"id": "u1", **given}
    return {each.name: each for each in fields_told(file, record, compile_source(file, {})(record, ()), ["title"])}


@pytest.mark.parametrize(("field", "given", "why"), REASONS)
def test_an_absent_field_names_its_reason(field: str, given: dict[str, Any], why: str, tmp_path: Path) -> None:
    told = told_of(given, tmp_path)
    assert (told[field].how, told[field].why) == ("absent", why)
    assert (told[field].rule is None) == (why == absent.NO_RULE)


MADE: list[tuple[str, dict[str, Any], str, Any, list[str]]] = [
    ("full_name", {"name": "Jo"}, "renamed", "Jo", ["/name"]),
    ("full_name", {}, "constant", "nobody", []),
    ("full_name", {"name": "N/A"}, "constant", "nobody", []),
    ("url", {"link": "ftp://a", "page": "https://b"}, "renamed", "https://b", ["/page"]),
    ("url", {"link": "https://a", "page": "https://b"}, "converted", "https://a", ["/link"]),
    ("auth_method", {"way": "sso"}, "table", "sso", ["/way"]),
    ("preferred_first_name", {"number": "1"}, "table", "one", ["/number"]),
    ("preferred_first_name", {"number": "2"}, "default", "none", ["/number"]),
    ("preferred_first_name", {}, "default", "none", []),
]


@pytest.mark.parametrize(("field", "given", "how", "value", "pointers"), MADE)
def test_a_field_is_told_by_the_rule_that_gave_its_value(
    field: str, given: dict[str, Any], how: str, value: object, pointers: list[str], tmp_path: Path
) -> None:
    told = told_of(given, tmp_path)[field]
    assert (told.how, told.value, list(told.pointers)) == (how, value, pointers)
