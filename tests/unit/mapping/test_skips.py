"""`skip:` of a mapping file: how it is written, and what it decides about a record."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proofport.accounting import LeftOut
from proofport.errors import MappingError, Rejected
from proofport.mapping import compile_skips, compile_source

from .conftest import Load

HEAD = "mapping: sources/t\nto: {evidence: personnel_account}\nfields: {id: $.id, email: $.email}\nskip:\n"
INACTIVE = "  - {when: {path: $.status, is: active, not: true}, reason: not active%s}\n"
GIVEN = "keep"


def ends(load: Load, rules: str, record: Any) -> str:
    """What becomes of a record: `keep`, the reason why it is left out, or the words of its rejection."""
    mapping = compile_source(load(HEAD + rules))
    assert mapping.of_lines is not None
    [by_line] = mapping.of_lines(json.dumps(record).encode() + b"\n")
    try:
        made = mapping(record)
    except (LeftOut, Rejected) as error:
        assert by_line is None, "the whole record says why"
        return error.reason if isinstance(error, LeftOut) else str(error)
    assert by_line == made
    return GIVEN


@pytest.mark.parametrize(("status", "end"), [("active", GIVEN), ("left", "not active"), (None, "not active")])
def test_a_record_is_left_out_by_what_it_says(load: Load, status: str | None, end: str) -> None:
    assert ends(load, INACTIVE % "", {"id": "1", "status": status}) == end


@pytest.mark.parametrize(
    ("missing", "end"), [("", "found nothing"), (", missing: keep", GIVEN), (", missing: skip", "not active")]
)
def test_one_that_lacks_what_decides_is_rejected_unless_the_rule_says_otherwise(
    load: Load, missing: str, end: str
) -> None:
    assert end in ends(load, INACTIVE % missing, {"id": "1", "Status": "left"})


def test_the_rejection_names_the_place_of_the_rule_and_the_ways_on(load: Load) -> None:
    said = ends(load, INACTIVE % "", {"id": "1"})
    assert (
        "skip: found nothing at $.status, expected a value, which decides if the record is left out (not active)"
        in said
    )
    assert "m.yaml:5 reads it" in said
    assert "`missing: keep` or `missing: skip`" in said


def test_the_first_rule_that_applies_says_why_and_nothing_else_is_asked(load: Load) -> None:
    rules = "  - {when: {path: $.bot, present: true}, reason: a bot}\n" + INACTIVE % ""
    assert ends(load, rules, {"id": "1", "bot": None}) == "a bot"
    assert ends(load, rules, {"id": "1", "status": "left"}) == "not active"
    assert ends(load, rules, {"id": "1", "status": "active"}) == GIVEN


def test_what_is_left_out_may_be_wrong_in_everything_else(load: Load) -> None:
    assert ends(load, INACTIVE % "", {"status": "left", "email": 7}) == "not active"


def test_its_id_can_still_be_read(load: Load) -> None:
    assert compile_source(load(HEAD + INACTIVE % "")).id_of({"id": "1", "status": "left"}) == "1"


def test_two_matches_decide_nothing(load: Load) -> None:
    rules = "  - {when: {path: '$.tags[*]', is: test}, reason: a test}\n"
    assert "several matches" in ends(load, rules, {"id": "1", "tags": ["test", "prod"]})


def test_a_vendor_mapping_leaves_evidence_out(load: Load) -> None:
    file = load(
        "mapping: t/device\nfrom: device\nto: {vendor: t, body: device}\nfields: {id: $.id}\n"
        "skip: [{when: {path: $.platform, in: [ios, android]}, reason: phones, missing: keep}]\n"
    )
    leave_out = compile_skips(file.skips, "t")
    assert leave_out is not None
    leave_out({"id": "1"})
    leave_out({"id": "1", "platform": "macos"})
    with pytest.raises(LeftOut, match="phones"):
        leave_out({"id": "1", "platform": "ios"})


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        (HEAD + "  {when: {path: $.a, is: b}, reason: c}\n", "5:3", "expected a list: skip: [{when:"),
        (HEAD + "  []\n", "5:3", "found 0 rules"),
        (HEAD + "  - {when: {path: $.a, is: b}}\n", "5:5", "no 'reason'"),
        (HEAD + "  - {when: {path: $.a, is: b}, reason: ' '}\n", "5:40", "found 0 characters"),
        (HEAD + "  - {path: $.a, is: b, reason: c}\n", "5:6", "found the key 'path'"),
        (HEAD + "  - {when: {path: $.a, is: b}, reason: c, missing: reject}\n", "5:52", "one of keep, skip"),
        (
            HEAD + "  - {when: {path: $.a, present: true}, reason: c, missing: keep}\n",
            "5:51",
            "'missing' beside 'present'",
        ),
        (HEAD.replace("skip:", "where:") + "  {path: $.status, is: active}\n", "4:1", "`not: true` in `when`"),
        (HEAD.replace("skip:", "filter:") + "  x\n", "4:1", "expected skip:, which leaves records out"),
        (
            "mapping: t/d\nfrom: device\nto: {vendor: t, body: d}\nfields: {id: $.id}\n"
            "skip: [{when: {path: $.platfrm, is: ios}, reason: phones}]\n",
            "5:22",
            "Did you mean 'platform'?",
        ),
    ],
)
def test_a_mistake_is_found_at_its_place(load: Load, text: str, place: str, words: str) -> None:
    with pytest.raises(MappingError) as caught:
        load(text)
    said = caught.value.message.partition("m.yaml:")[2]
    assert said.startswith(f"{place}: "), said
    assert words in said
