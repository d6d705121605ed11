"""The word for what a vendor mapping makes of a field."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.generated.fields import VENDORS, vendor_mappings
from tests.generated.reads import reads

from proofport.evidence import KINDS, model_of
from proofport.gateway.portability import becomes
from proofport.mapping.language.syntax import load_file

RULES = """
mapping: own/account
from: personnel_account
to: {vendor: own, body: account}
fields:
  id: $.id
  email: $.email
  mail: $.username
  given: {path: $.first_name, trim: true}
  family: {path: $.last_name, when: {path: $.active, is: true}}
  shown: {first_of: [$.full_name, $.preferred_first_name]}
  level: {path: $.admin, table: {true: ADMIN, false: BASE}, unknown: reject}
  state: {path: $.mfa_enabled, table: {true: known, false: known}, unknown: reject}
  part: {path: $.secondary_email, sub: {pattern: '@.*', with: '', unmatched: omit}}
  since: {path: $.created_at, as: date}
  more: {fields: {system: $.system}}
  leaver: {first_of: [{value: true, when: {path: $.deactivated_at, present: true}}, {value: false}]}
  label: {path: $.permission_level, when: {path: $.auth_method, present: true}}
  words: {template: "{$.url} {$.email}"}
"""

WORDS = {
    "email": "carried",
    "username": "renamed",
    "first_name": "converted",
    "last_name": "narrowed",
    "active": "lost",
    "deactivated_at": "narrowed",
    "permission_level": "narrowed",
    "auth_method": "lost",
    "full_name": "renamed",
    "preferred_first_name": "narrowed",
    "admin": "converted",
    "mfa_enabled": "narrowed",
    "secondary_email": "narrowed",
    "created_at": "narrowed",
    "system": "renamed",
    "url": "converted",
    "roles": "lost",
}


def test_the_word_is_that_of_the_rule(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(RULES)
    [file] = load_file(tmp_path / "own.yaml")
    assert {name: becomes(name, file) for name in WORDS} == WORDS


@pytest.mark.parametrize("kind", KINDS)
def test_a_field_is_lost_where_no_rule_of_a_vendor_reads_it(kind: str) -> None:
    for file in (each for vendor in VENDORS for each in vendor_mappings(vendor, kind)):
        read = {field.partition("[")[0].partition(".")[0] for _, field in reads(file)}
        lost = {name for name in model_of(kind).model_fields if becomes(name, file) == "lost"}
        assert lost == set(model_of(kind).model_fields) - read, file.name
