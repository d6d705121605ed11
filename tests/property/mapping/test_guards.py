"""The quick checks against the models: they accept the same, and give the same bytes."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from proofport.adapter import Body
from proofport.errors import Rejected
from proofport.evidence import KINDS, model_of
from proofport.mapping import compile_kind, compile_source, compile_vendor, load_file
from proofport.mapping.compile.guards import acceptor_of, shape_of
from proofport_secureframe.bodies import MODELS as SECUREFRAME_MODELS

from .hostile import ODD_NAMES, SOAK, Hostile, seeds

CUSTOM = "custom:thing"
AWKWARD: list[Any] = [
    *(
        None,
        True,
        0,
        1,
        -1,
        1.0,
        1.5,
        2**63,
        2**64,
        -(2**63) - 1,
        10**40,
        float("nan"),
        float("inf"),
        "",
        " ",
        "a",
        "ü",
    ),
    *(
        "日本",
        "\ud800",
        "x" * 192,
        [],
        {},
        [None],
        ["a", "ü"],
        ["\udfff"],
        [["a"]],
        {"a": 1},
        {"": None},
        {"\ud800": 1},
    ),
    *([{"key": "a", "value": None}], [{"value": "b", "key": "a"}], [{"key": ""}], [{"key": "a", "extra": 1}], ("a",)),
    *({"v": {"f": [1, {"g": 10**30}]}}, {"v": {}}, {"v": None}, b"bytes", {1: 2}),
    *([{"name": "n", "version": "1"}], [{"version": "1", "name": "n", "description": "d"}], [{"name": "n"}]),
    *(datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 1, 31), datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=9)))),  # noqa: DTZ001
]
TIMES = [
    *("2026-01-31T09:00:00Z", "2026-01-31T09:00:00+00:00", "2026-01-31T09:00:00.5Z", "2026-01-31T09:00:00.000000Z"),
    *("2026-01-31T09:00:00.123456+00:00", "2026-01-31T09:00:00+02:00", "2026-01-31T09:00:00-00:00", "20260131T090000Z"),
    *(
        "2026-W05-6T09:00:00Z",
        "2026-01-31 09:00:00Z",
        "2026-01-31t09:00:00z",
        "2026-01-31T09:00Z",
        "2026-01-31T24:00:00Z",
    ),
    *(
        "2026-01-31T09:00:00",
        "2026-01-31",
        "2026-02-30T00:00:00Z",
        "0001-01-01T00:00:00+09:00",
        "9999-12-31T23:59:59-09:00",
    ),
    *(
        "\uff12026-01-31T09:00:00Z",
        "2026-01-31T09:00:00Z ",
        "2026-01-31T090000.5Z",
        "2026-01-31T09:00:00+00:00:01",
        "09:00Z",
    ),
    *("2099-01-01T00:00:00Z", "2026-01-31T09:00:00+0000", "20260131T090000+0000", "2026-01-31T09:00:60Z", "now"),
]


def value(case: Hostile) -> Any:
    if case.odds(0.5):
        return case.choice(["a", "text", True, False, None, 3, *TIMES[:2]])
    return case.choice(TIMES) if case.odds(0.4) else case.choice(AWKWARD)


def record(case: Hostile, names: list[str], required: dict[str, Any], share: float) -> Any:
    """Mostly what fits, in any order, sometimes with a field too many or too few."""
    fields = {name: value(case) for name in names if case.odds(share)}
    fields.update({name: good for name, good in required.items() if case.odds(0.95)})
    if case.odds(0.1):
        fields[case.choice(["extra", *ODD_NAMES])] = value(case)
    mixed = list(fields.items())
    case.shuffle(mixed)
    return dict(mixed) if case.odds(0.99) else case.choice(AWKWARD)


def slowly(model: Any, given: Any) -> bytes | None:
    """The bytes that the model gives, or None when it refuses, or when JSON cannot carry them."""
    try:
        return orjson.dumps(model.model_validate(given).neutral())
    except (ValidationError, TypeError, ValueError, OverflowError, RecursionError):
        return None


def quickly(convert: Any, given: Any) -> bytes | None:
    try:
        return orjson.dumps(convert(given))
    except Rejected:
        return None


REQUIRED = {"id": "x", "type": "t", "email": "e", "course": "c"}


@pytest.mark.parametrize("kind", [*KINDS, CUSTOM])
def test_evidence_is_accepted_as_its_model_accepts_it(kind: str) -> None:
    model = model_of(kind)
    check = compile_kind(kind)
    names = list(model.model_fields) if kind != CUSTOM else [*model.model_fields, "a", "b", *ODD_NAMES]
    required = {name: good for name, good in REQUIRED.items() if name in model.model_fields}
    quick = 0
    accept = acceptor_of(shape_of(model))
    for case in seeds(500, 8_000):
        given = record(case, names, required, case.choice([0.05, 0.2, 0.6]))
        right = slowly(model, given)
        assert quickly(check, given) == right, f"seed {case.number}: {given!r}"
        quick += accept(given) is not None
    assert quick > 20


def test_the_sample_of_a_source_mapping_is_checked_as_the_model_checks(tmp_path: Path) -> None:
    """Fields made by rules, with nested objects and lists, instead of read from evidence."""
    path = tmp_path / "m.yaml"
    names = [name for name in model_of("cloud_resource").model_fields if name not in ("tags", "extras")]
    rules = "".join(f"  {name}: $.{name}\n" for name in reversed(names))
    path.write_text(
        f"mapping: sources/t\nto: {{evidence: cloud_resource}}\nfields:\n{rules}"
        "  tags: {path: '$.tags[*]', each: {fields: {value: $.value, key: $.key}}}\n"
    )
    convert = compile_source(load_file(path)[0])
    model = model_of("cloud_resource")
    for case in seeds(400, 8_000):
        given = record(case, [*names, "tags"], REQUIRED, case.choice([0.1, 0.4]))
        if isinstance(given, dict):
            known = {name: inner for name, inner in given.items() if name in names}
            tags = given.get("tags")
            if isinstance(tags, list):
                known["tags"] = [t for t in map(_tag, tags) if t]
            elif isinstance(tags, dict):
                known |= {"tags": [t for t in map(_tag, tags.values()) if t]} if tags else {}
            assert quickly(convert, given) == slowly(model, known), f"seed {case.number}: {given!r}"


def _tag(item: Any) -> dict[str, Any]:
    return {name: item[name] for name in ("key", "value") if isinstance(item, dict) and name in item}


class Address(BaseModel):
    model_config = ConfigDict(extra="forbid")

    street: str = Field(max_length=3)
    number: int | None = Field(None, ge=0, le=9)


class Body1(BaseModel):
    """One field of every type that the guards know."""

    model_config = ConfigDict(extra="forbid")

    id: str
    text: Annotated[str, Field(min_length=1, max_length=191)] | None = None
    choice: Literal["a", "text"] = "a"
    either: Literal["a"] | Literal["text", "ü"] | None = None
    flag: bool | None = None
    whole: int | None = None
    real: float | None = None
    number: int | float | None = None
    some: list[str] | None = None
    free: JsonValue = None
    free_map: dict[str, JsonValue] | None = None
    address: Address | None = None
    addresses: list[Address] | None = None
    renamed: str | None = Field(None, alias="re-named")


class Body2(BaseModel):
    """What the guards leave to the model."""

    id: str
    pattern: Annotated[str, Field(pattern="^a")] | None = None
    checked: Annotated[str, AfterValidator(lambda text: text.upper())] | None = None
    moment: datetime | None = None


class Body3(BaseModel):
    """Fields that depend on one another."""

    id: str
    a: str | None = None
    b: str | None = None

    @model_validator(mode="after")
    def not_both(self) -> Body3:
        if self.a and self.b:
            raise ValueError("a or b")
        return self


FITTING: dict[str, list[Any]] = {
    "address": [{"street": "abc"}, {"number": 3, "street": "a"}, {"street": "abcd"}, {"street": "a", "number": 10}, {}],
    "addresses": [[{"street": "abc"}, {"number": 3, "street": "a"}], [{"street": "a", "x": 1}], []],
    "either": ["ü", "a", "b"],
    "real": [1.5, 2, 10**20, -0.0, 1e16],
    "pattern": ["abc", "b"],
    "cloud_resource_type": ["ec2_instance", "aws_ec2_instance"],
    "training_slug": ["hipaa_training"],
}


@pytest.mark.parametrize("model", [Body1, Body2, Body3, *SECUREFRAME_MODELS.values()])
def test_bodies_are_accepted_as_the_vendors_model_accepts_them(model: type[BaseModel], tmp_path: Path) -> None:
    names = [info.alias or name for name, info in model.model_fields.items()]
    path = tmp_path / "m.yaml"
    rules = "".join(f"  {name}: $['{name}']\n" for name in ["id", *reversed(names)] if name != "id")
    path.write_text(
        f"mapping: v/t\nfrom: {CUSTOM}\nto: {{vendor: v, body: b}}\nfields:\n  id: $.id\n{rules}", encoding="utf-8"
    )
    body = Body(name="b", mapping=None, model=model, nulls="send")
    convert = compile_vendor(load_file(path)[0], body, CUSTOM, "v")
    check = compile_kind(CUSTOM)
    for case in seeds(400, 8_000):
        given = record(case, [name for name in names if name != "id"], {"id": "x"}, case.choice([0.1, 0.3, 0.6]))
        for name in FITTING:
            if name in names and case.odds(0.6) and isinstance(given, dict):
                given[name] = case.choice(FITTING[name])
        try:
            neutral = check(given)
        except Rejected:
            continue
        fields = {name: neutral[name] for name in names if name in neutral}
        try:
            valid = model.model_validate_json(orjson.dumps(fields), strict=True)
            right = orjson.dumps(valid.model_dump(mode="json", by_alias=True, exclude_unset=True))
        except ValidationError:
            right = None
        assert quickly(convert, neutral) == right, f"seed {case.number}: {given!r}"


def test_times_of_every_spelling() -> None:
    """Every mix of date, separator, time, fraction and offset, as the model reads it."""
    check, model = compile_kind("cloud_resource"), model_of("cloud_resource")
    dates = ["2026-01-31", "20260131", "2026-W05-6", "2026W056", "2026-02-30", "0001-01-01", "9999-12-31", "2026-1-31"]
    clocks = ["09:00:00", "090000", "09:00", "0900", "09", "24:00:00", "23:59:60", "09:0000", "9:00:00"]
    fractions = ["", ".5", ".000000", ".123456", ".123", ",5", ".0000001"]
    zones = [
        "",
        "Z",
        "z",
        "+00:00",
        "-00:00",
        "+0000",
        "+00",
        "+02:00",
        "-23:59",
        "+00:00:00",
        "+00:00:01",
        " Z",
        "UTC",
    ]
    every = [f"{d}{s}{c}{f}{z}" for d in dates for s in "T t" for c in clocks for f in fractions for z in zones]
    for moment in every if SOAK else random.Random(1).sample(every, 3_000):
        given = {"id": "x", "type": "t", "created_at": moment}
        assert quickly(check, given) == slowly(model, given), moment
