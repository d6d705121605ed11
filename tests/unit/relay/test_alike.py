"""What was learned from bodies before takes and refuses what is taken and refused without it."""

from __future__ import annotations

import gc
import json
import weakref
from typing import Any

import msgspec
import orjson
import pytest
from tests.unit.relay.test_canonical import KINDS, LIMITS, WHOLE, Chance, assert_same

from proofport.adapter import Mode
from proofport.mapping.source import model_for
from proofport.relay.alike import FEWEST, LARGEST, NAMES, NAMES_OF_ONE, PATIENCE, PAUSE, Alike
from proofport.relay.canonical import Canonical, canonical
from proofport.relay.structs import struct_of

KIND = "device"
EXTRAS = {"acme": {"disks": [{"name": "sda", "size": 1}, {"name": "sdb"}], "on": True, "note": None, "at": {"x": 1.5}}}


def body(extras: Any = EXTRAS, records: int = FEWEST, **more: Any) -> bytes:
    return orjson.dumps([WHOLE[KIND] | {"id": f"d-{n}", "extras": extras} | more for n in range(records)])


def alike() -> Alike:
    return Alike(struct_of(model_for(KIND, "upsert")))


class Reading:
    """An Alike that tells whether it had to read a body as any other."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, reads: Any = None) -> None:
        self.alike: Alike = reads or alike()
        self.others = 0
        read = self.alike._any

        def counted(given: bytes) -> list[msgspec.Struct]:
            self.others += 1
            return read(given)

        monkeypatch.setattr(self.alike, "_any", counted)

    def learned(self, given: bytes) -> bool:
        """Whether what was learned before takes it."""
        before = self.others
        assert self.alike(given)
        return self.others == before


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Reading:
    return Reading(monkeypatch)


def fresh(kind: str, mode: Mode) -> Canonical:
    found = canonical.__wrapped__(kind, mode)
    assert found is not None
    return found


# ---------------------------------------------------------------------- the same
@pytest.mark.parametrize("kind", KINDS)
def test_what_was_learned_changes_nothing(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = Chance(kind)
    learns, never, taken = fresh(kind, "upsert"), fresh(kind, "upsert"), 0
    monkeypatch.setattr(never._decode, "_learn_from", lambda given: None)
    reading, quick = Reading(monkeypatch, learns._decode), 0
    for _ in range(200):
        given, others = mutated(chance, kind), reading.others
        count = learns.count(given, LIMITS)
        assert count == never.count(given, LIMITS)
        taken += count is not None
        quick += reading.others == others
        assert_same(given, kind, "upsert")
    assert 20 < taken < 180, "hardly any body was taken, or hardly any was not"
    assert quick > 5, "hardly any body was read by what was learned"


def mutated(chance: Chance, kind: str) -> bytes:
    """Records that are alike, and mostly one that is not."""
    alike = [WHOLE[kind] | {"extras": {"acme": {"a": chance.simple(), "b": [{"c": n}]}}} for n in range(FEWEST)]
    alike[-1]["extras"] = chance.one_of(
        lambda: EXTRAS,
        chance.extras,
        lambda: {"acme": {"b": chance.nested()}},
        *2 * [lambda: {"acme": {"b": [{"c": chance.simple()}]}}],
    )
    return json.dumps(alike, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 10**400, "\ud800"])
def test_what_cannot_travel_is_not_taken_either(value: Any, reading: Reading) -> None:
    reading.learned(body())
    extras = {"acme": {"note": value}}
    with pytest.raises(ValueError):
        reading.alike(json.dumps([WHOLE[KIND] | {"extras": extras}]).encode())


@pytest.mark.parametrize(
    ("name", "learned"),
    [
        *((name, True) for name in ("", "é", "a b", "field_0", "__init__", "class", "0")),
        *((name, False) for name in ('a"b', "a\\b", "\n", "\0")),
    ],
)
def test_fields_of_any_name(name: str, learned: bool, reading: Reading) -> None:
    given = body({name: {name: [{name: 1}]}})
    assert not reading.learned(given)
    assert reading.learned(given) == learned
    assert not reading.learned(body({f"{name}x": {name: [{name: 1}]}}))


# ---------------------------------------------------------------------- sooner
@pytest.mark.parametrize(
    "extras",
    [
        EXTRAS,
        {"acme": {}},
        {},
        {"acme": {"disks": [], "on": None, "note": "text", "at": {"x": "text"}}},
        {"acme": {"disks": [{"size": None, "name": 7}]}},
    ],
)
def test_records_with_the_fields_of_those_before_or_some_of_them_are_read_by_what_was_learned(
    extras: Any, reading: Reading
) -> None:
    assert not reading.learned(body())
    assert reading.learned(body(extras))
    assert reading.learned(orjson.dumps(WHOLE[KIND] | {"extras": extras})), "one record without an array"
    assert reading.learned(orjson.dumps([WHOLE[KIND]])), "no extras at all"


@pytest.mark.parametrize("extras", [{"other": {}}, {"acme": {"disks": {}}}, {"acme": {"at": [1]}}, {"acme": {"y": 1}}])
def test_what_is_unlike_is_read_as_any_other(extras: Any, reading: Reading) -> None:
    reading.learned(body())
    assert not reading.learned(body(extras))
    assert reading.learned(body()), "and nothing is forgotten for it"


def test_what_records_differ_in_is_learned_from_all_of_them(reading: Reading) -> None:
    extras = [{"acme": {"a": 1}}, {"acme": {"a": [1]}}, {"other": {"b": {"c": 1}}}, {"other": {"b": {"d": 1}}}]
    reading.learned(orjson.dumps([WHOLE[KIND] | {"extras": each} for each in extras * FEWEST]))
    for each in (*extras, {"acme": {"a": ["x"]}, "other": {"b": {"c": 1, "d": 2}}}):
        assert reading.learned(body(each))


def test_of_an_array_that_was_empty_what_is_simple_is_expected(reading: Reading) -> None:
    reading.learned(body({"acme": {"a": []}}))
    assert reading.learned(body({"acme": {"a": []}}))
    assert reading.learned(body({"acme": {"a": ["x", 1]}}))
    assert not reading.learned(body({"acme": {"a": [{}]}}))


def test_another_shape_is_learned_once_it_is_all_that_comes(reading: Reading) -> None:
    reading.learned(body())
    reading.learned(body())
    other = body({"other": {"a": {"b": 1}}})
    assert not any(reading.learned(other) for _ in range(PAUSE))
    assert reading.learned(other)


def test_of_shapes_that_take_turns_one_stays_learned(reading: Reading) -> None:
    reading.learned(body())
    for _ in range(3 * PAUSE):
        assert reading.learned(body())
        assert not reading.learned(body({"other": {"a": 1}}))


def test_what_is_never_alike_is_looked_at_less_and_less(monkeypatch: pytest.MonkeyPatch) -> None:
    reads, looks = alike(), 0
    look = reads._learn_from

    def counted(given: bytes) -> Any:
        nonlocal looks
        looks += 1
        return look(given)

    monkeypatch.setattr(reads, "_learn_from", counted)
    for n in range(1_000):
        reads(body({"acme": {f"name-{n}": 1}}))
    assert 1 < looks < 10


@pytest.mark.parametrize(("objects", "names"), [(1, NAMES_OF_ONE + 1), (NAMES // NAMES_OF_ONE, NAMES_OF_ONE)])
def test_names_that_are_ids_are_not_learned(objects: int, names: int, reading: Reading) -> None:
    given = body({f"vendor{each}": {f"i-{n}": n for n in range(names)} for each in range(objects)})
    assert not reading.learned(given)
    assert not reading.learned(given)


def test_as_many_names_as_may_be(reading: Reading) -> None:
    given = body({"acme": {f"i-{n}": n for n in range(NAMES_OF_ONE)}})
    assert not reading.learned(given)
    assert reading.learned(given)


def test_a_large_body_is_read_as_any_other_and_nothing_is_learned_of_it(reading: Reading) -> None:
    padding = b" " * LARGEST
    assert not reading.learned(body() + padding)
    assert not reading.learned(body()), "of the first one"
    assert reading.learned(body() + padding[len(body()) :])
    assert not any(reading.learned(body() + padding) for _ in range(2 * PAUSE))
    assert reading.learned(body())


def test_too_few_records_to_learn_from(reading: Reading) -> None:
    given = body(records=FEWEST - 1)
    assert not reading.learned(given)
    assert not reading.learned(given)


def test_records_do_not_keep_what_was_checked() -> None:
    record: Any = alike()(body(name="a name"))[0]
    assert (record.extras, record.name) == (None, "a name")


def test_what_was_forgotten_is_gone(reading: Reading) -> None:
    reading.learned(body())
    reading.learned(body())
    first = weakref.ref(reading.alike._learned)
    for _ in range(PATIENCE):
        reading.learned(body({"other": {"a": 1}}))
    gc.collect()
    assert first() is None
