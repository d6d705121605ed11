"""An absent field says why: the reason is the one that counts, whatever else could have left it out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proofport.audit import absent
from proofport.audit.explain import fields_told
from proofport.mapping import compile_source
from proofport.mapping.language.syntax import load_file

RULES = """
mapping: sources/own
to: {evidence: personnel_account}
nothing: [N/A]
fields:
  id: $.id
  admin: {path: $.admin, when: {path: $.kind, in: [person]}}
  active: {path: $.status, table: {"on": true, "off": false}, unknown: omit}
  first_name: {path: $.first, sub: {pattern: '^([A-Z]+)$', with: '\\1', unmatched: omit}}
  last_name: {template: "{$.given} {$.family}"}
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
    ("title", {}, absent.NO_RULE),
]


@pytest.mark.parametrize(("field", "given", "why"), REASONS)
def test_an_absent_field_names_its_reason(field: str, given: dict[str, Any], why: str, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(RULES)
    [file] = load_file(tmp_path / "own.yaml")
    record = {"id": "u1", **given}
    told = {each.name: each for each in fields_told(file, record, compile_source(file, {})(record, ()), ["title"])}
    assert (told[field].how, told[field].why) == ("absent", why)
    assert (told[field].rule is None) == (why == absent.NO_RULE)
