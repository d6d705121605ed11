"""Sameness of two ids, and of a record body and what the vendor holds: the fields that differ."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.soak import examples

from proofport.adapter import Observed
from proofport.delivery.ids.same import changes, key_of, keys_of


@pytest.mark.parametrize(
    ("body", "held", "whole", "names"),
    [
        ({"a": 1}, {"a": 1.0}, True, []),
        ({"a": True}, {"a": 1}, True, ["a"]),
        ({"a": None}, {}, True, ["a"]),
        ({}, {"a": None}, True, ["a"]),
        ({"a": 1}, {}, False, []),
        ({}, {"a": 1}, False, []),
        ({"a": [{"b": True}]}, {"a": [{"b": 1}]}, True, ["a"]),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 1}}, True, ["a"]),
    ],
)
def test_fields_differ_as_json_does(body: Any, held: Any, whole: bool, names: list[str]) -> None:
    assert changes(Observed("x", held, whole=whole), body, partial=False, sent=True) == names


def test_a_patch_changes_only_what_it_names() -> None:
    held = Observed("a", {"id": "a", "n": 1, "m": 1}, whole=True)
    assert changes(held, {"id": "a", "n": 2}, partial=True, sent=False) == ["n"]


def test_what_a_vendor_hides_may_have_changed_and_what_it_still_shows_has() -> None:
    held = Observed("a", {"email": "a@example.com", "phone": None})
    whole, short = {"id": "a", "email": "a@example.com", "role": "dev"}, {"id": "a"}
    assert changes(held, whole, partial=False, sent=False) == ["role"]
    assert changes(held, whole, partial=False, sent=True) == []
    assert changes(held, short, partial=False, sent=False) == ["email"]
    assert changes(held, short, partial=True, sent=False) == ["id"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=6,
)


@given(JSON, JSON)
def test_sameness_is_that_of_the_json_text(one: Any, other: Any) -> None:
    same = not changes(Observed("x", {"a": other}, whole=True), {"a": one}, partial=False, sent=False)
    assert same == (json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True))


# ------------------------------------------------------------------ ids
@pytest.mark.parametrize(
    ("record_id", "key"),
    [
        ("i-1", "i-1"),
        (" \t\u00a0i-1\r\n", "i-1"),
        ("vm 1", "vm 1"),
        ("I-1", "I-1"),
        ("  ", ""),
        ("Ana@Example.com", "ana@example.com"),
        ("O'Brien@Example.com", "o'brien@example.com"),
        ("Jörg.Weiß@Büro.Example", "jörg.weiss@büro.example"),
        ("Ana@Example.com/Course", "ana@example.com/Course"),
        (" Ana@Example.com /Course / Bo@x.io ", "ana@example.com/Course /bo@x.io"),
        ("Course/ Bo@X.io", "Course/bo@x.io"),
        ("/subscriptions/A/resourceGroups/SHOP/x", "/subscriptions/a/resourcegroups/shop/x"),
        # not addresses
        ("Left-Pad@1.3.0", "Left-Pad@1.3.0"),
        ("Root@Host", "Root@Host"),
        ("arn:aws:iam::1:user/Ana@Example.com", "arn:aws:iam::1:user/ana@example.com"),
        ("arn:aws:sts::1:Ana@Example.com", "arn:aws:sts::1:Ana@Example.com"),
        ("A@b@c.io", "A@b@c.io"),
    ],
)
def test_blanks_around_an_id_and_the_case_of_an_address_do_not_count(record_id: str, key: str) -> None:
    assert key_of(record_id) == key


def test_where_a_mapping_folds_case_never_counts() -> None:
    assert key_of(" VPC/A/SHOP ", fold=True) == "vpc/a/shop"
    assert key_of("STRASSE", fold=True) == key_of("straße", fold=True)


PARTS = st.sampled_from(
    ["Ana@X.io", "ana@x.io", "E-1", "e-1", "ß@x.io", "İ@x.İo", "a b", "@", "/", " ", "\n", "\u2028"]
)
IDS = st.one_of(st.text(max_size=8), st.lists(PARTS, max_size=4).map("".join))


@settings(max_examples=examples(100, 400))
@given(st.lists(IDS, max_size=8), st.booleans())
def test_ids_have_the_same_keys_alone_and_together(ids: list[str], fold: bool) -> None:
    keys = keys_of(ids, fold=fold)
    assert list(keys) == [key_of(each, fold=fold) for each in ids]
    assert (keys is ids) == (list(keys) == ids)


@settings(max_examples=examples(100, 400))
@given(IDS, st.booleans())
def test_a_key_is_its_own_key_whatever_blanks_stand_around_it(record_id: str, fold: bool) -> None:
    key = key_of(record_id, fold=fold)
    assert key_of(f" {key}\t", fold=fold) == key
    assert key_of(key_of(record_id), fold=True) == key_of(record_id, fold=True)
