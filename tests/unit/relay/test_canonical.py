"""What the structs take, the models take, and what is written is the same; of anything else the structs say nothing."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from functools import cache
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofport.adapter import Mode
from proofport.config.relay import Limits
from proofport.delivery.payload import evidence_of, pack_json
from proofport.errors import Rejected
from proofport.evidence import Neutral, model_of
from proofport.journal.contract import Delivery
from proofport.mapping import compile_kind
from proofport.relay.canonical import canonical, portions
from proofport.relay.structs import LEVELS
from proofport.sources.decoding import decode

LIMITS = Limits(records=1_000)
KINDS = ("cloud_resource", "device", "person", "personnel_account", "training_record")
WHOLE: dict[str, dict[str, Any]] = {
    "cloud_resource": {"id": "i-1", "type": "aws.ec2.instance"},
    "device": {"id": "d-1"},
    "person": {"id": "p-1"},
    "personnel_account": {"id": "a-1"},
    "training_record": {"id": "t-1", "email": "a@example.com", "course": "security"},
}
TIMES = (
    "2026-01-31T09:00:00Z",
    "2026-01-31T09:00:00.123456Z",
    "2026-01-31T09:00:00.000000Z",
    "2026-01-31T09:00:00.12Z",
    "2026-01-31T11:00:00+02:00",
    "2026-01-31T09:00:00+00:00",
    "2026-01-31T09:00:00Z\n",
    "2026-01-31t09:00:00z",
    "2026-01-31 09:00:00Z",
    "20260131T090000Z",
    "2026-01-31T09:00:00",
    "2026-01-31",
    "2026-02-29T09:00:00Z",
    "2024-02-29T09:00:00Z",
    "2026-04-31T09:00:00Z",
    "2026-12-31T24:00:00Z",
    "2026-12-31T23:59:60Z",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00Z",
    "\uff19999-01-01T00:00:00Z",
    "2026-01-31T09:00:00Z\0x",
    "2026-01-31T09:00:00+00:00\0",
)
TEXTS = ("", "x", "é", "\ud800", "\x00", "macos", *TIMES)
NUMBERS = (0, -1, 2**53 + 1, 2**63, -(2**63) - 1, 2**64 - 1, 2**64, 10**30, 1.0, -0.0, 1e16, 5e-324)
PARTS = ("key", "value", "name", "version", "description", "status", "start_type")


class Chance(random.Random):
    """Makes up records: mostly evidence, with some fields that may be anything, in any order."""

    def one_of(self, *makers: Callable[[], Any]) -> Any:
        return self.choice(makers)()

    def some(self, make: Callable[[], Any], most: int = 3) -> list[Any]:
        return [make() for _ in range(self.randrange(most + 1))]

    def simple(self) -> Any:
        return self.choice([None, True, False, self.choice(NUMBERS), self.choice(TEXTS), self.choice(TEXTS)])

    def text(self) -> Any:
        return self.choice(TEXTS)

    def nested(self, depth: int = 3) -> Any:
        if depth == 0 or self.random() < 0.5:
            return self.simple()
        items = self.some(lambda: self.nested(depth - 1))
        return items if self.random() < 0.5 else {self.text(): item for item in items}

    def parts(self) -> Any:
        return self.some(lambda: {self.choice(PARTS): self.text() for _ in range(4)} if self.random() < 0.9 else "x")

    def extras(self) -> Any:
        vendors = self.some(lambda: {self.text(): self.nested() for _ in range(2)} if self.random() < 0.9 else 1)
        return {f"vendor{number}": each for number, each in enumerate(vendors)}

    def value(self) -> Any:
        return self.one_of(lambda: "x", lambda: None, self.text, self.simple, self.parts, self.extras, self.nested)

    def record(self, kind: str) -> Any:
        if self.random() < 0.05:
            return self.nested()
        names = self.sample([*model_of(kind).model_fields, "unknown"], self.randrange(4))
        items = [*(WHOLE[kind] | {name: self.value() for name in names}).items()]
        self.shuffle(items)
        return dict(items)

    def body(self, kind: str) -> bytes:
        given = self.record(kind) if self.random() < 0.3 else self.some(lambda: self.record(kind))
        text = json.dumps(given, ensure_ascii=self.random() < 0.5, indent=self.choice([None, 1]))
        return (self.choice(["", " \r\n\t"]) + text + self.choice(["", "\n"])).encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("mode", ["upsert", "patch", "remove"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_as_the_models(kind: str, mode: Mode) -> None:
    chance = Chance(f"{kind} {mode}")
    found = [assert_same(chance.body(kind), kind, mode) for _ in range(300)]
    assert 20 < sum(found) < 280, "hardly any body was taken, or hardly any was not"


@given(st.sampled_from(KINDS), st.binary(max_size=20), st.integers(0, 60), st.integers(0, 10))
def test_text_that_is_damaged(kind: str, damage: bytes, at: int, length: int) -> None:
    body = orjson.dumps([WHOLE[kind] | {"extras": {"acme": {"a": "é", "b": [1.5, -2, True]}}}])
    assert_same(body[:at] + damage + body[at + length :], kind, "upsert")


@pytest.mark.parametrize(
    "value",
    [
        *("1e999", "-1E+400", "1e-999", "01", "1.", ".5", "-", "-0", "-0.0", "1E+05", "NaN", "Infinity", "tru"),
        *("18446744073709551616", "0" * 30, "1" * 400, "0." + "1" * 400, "[" * 40 + "]" * 40, "[1,]"),
        *('"\\ud800"', '"\\ud83d\\ude00"', '"\\u0000"', '"\x01"', '"\x7f"', '{"a":1,"a":2}'),
    ],
)
def test_values_at_the_edge_of_json(value: str) -> None:
    assert_same(b'[{"id":"d-1","extras":{"acme":{"a":%s}}}]' % value.encode(), "device", "upsert")
    assert_same(b'{"id":"d-1","owner_id":%s}' % value.encode(), "device", "upsert")


def test_a_field_that_is_there_twice_has_its_last_value() -> None:
    assert_same(b'[{"id":1,"id":"d-2","name":"a","name":null}]', "device", "upsert")
    assert_same(b'[{"id":"d-1","id":"d-2","extras":{"a":{"x":1},"b":{},"a":{"y":2}}}]', "device", "upsert")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "training_record"])
def test_what_is_plain_evidence_is_taken(kind: str) -> None:
    given = WHOLE[kind] | {"extras": {"acme": {"deep": [{"a": None}]}}, "observed_at": TIMES[0], "source": None}
    assert taken(orjson.dumps([given, WHOLE[kind]]), kind, "upsert") is not None
    assert taken(orjson.dumps(given), kind, "upsert") is not None
    assert taken(b'{"id":"x"}', kind, "remove") is not None


def test_nothing_beyond_the_limits_is_taken() -> None:
    structs = canonical("device", "upsert")
    assert structs is not None
    deepest = b'[{"id":"d-1","extras":{"acme":{"a":%s}}}]'
    body = deepest % (b"[" * (LEVELS - 4) + b"]" * (LEVELS - 4))
    assert structs.count(body, Limits(depth=LEVELS)) is not None
    assert structs.count(body, Limits(depth=LEVELS - 1)) is None
    assert structs.count(deepest % (b"[" * (LEVELS - 3) + b"]" * (LEVELS - 3)), Limits(depth=200)) is None
    assert structs.count(b'[{"id":"d-1"},{"id":"d-2"}]', Limits(records=2)) is not None
    assert structs.count(b'[{"id":"d-1"},{"id":"d-2"}]', Limits(records=1)) is None


def test_a_kind_that_takes_any_field_is_left_to_its_model() -> None:
    assert canonical("custom:software", "upsert") is None


def assert_same(body: bytes, kind: str, mode: Mode) -> bool:
    """Where the structs take a body, the models take each record of it, and both write the same. Whether they do."""
    found = taken(body, kind, mode)
    if found is None:
        return False
    check = check_of(kind, mode)
    document = decode(body)
    try:
        expected = [check(each) for each in (document if isinstance(document, list) else [document])]
    except Rejected as error:
        raise AssertionError(f"{body!r} was taken, and the model says {error.problem}") from error
    assert found == expected
    assert json.dumps(found) == json.dumps(expected), "the order of fields, within parts too"
    return True


@cache
def check_of(kind: str, mode: Mode) -> Callable[[object], Neutral]:
    return compile_kind(kind, mode)


def taken(body: bytes, kind: str, mode: Mode) -> list[Neutral] | None:
    """What a delivery of it carries, whole and cut."""
    structs = canonical(kind, mode)
    assert structs is not None
    count = structs.count(body, LIMITS)
    if count is None:
        return None
    whole, cut = (list(portions(body, count, size)) for size in (None, 1))
    assert [some for some, _ in cut] == [1] * count
    assert [some for some, _ in whole] == ([count] if count else [])
    carried = [record for _, text in whole for record in evidence(text, kind, mode)]
    assert carried == [record for _, text in cut for record in evidence(text, kind, mode)]
    return carried


def evidence(text: bytes, kind: str, mode: Mode) -> list[Neutral]:
    return evidence_of(Delivery(1, "acme/x", "acme", kind, mode, pack_json(text), 1, "queued", 0, 0.0))
