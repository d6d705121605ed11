"""Values that a published schema allows and nobody expects: as large, as deep, as empty and as odd as they come."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

SMALL = (0, 1, -1, 1.5, -2.5, -0.0, 5e-324)
NUMBERS = (*SMALL, 1e20, -1e20, 1e308, 2**31, 2**53 + 1, 2**63, -(2**63), 2**64, 10**30, 10**400)
"""Seventeen, so that in turns each meets each of two to sixteen other values."""
PLAIN_TEXTS = ("", " ", "a\r\nb", "../..", "%00", "0", "null", "-", "ß" * 300, "x" * 4000)
ODD_TEXTS = ("\x00", "\ud800", "\udc00x", "\U0001f3f4\u200d\u2620\ufe0f", "\u202e")
TEXTS = (*PLAIN_TEXTS, *ODD_TEXTS)
TIMES = (
    "0001-01-01T00:00:00+23:59",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999-23:59",
    "2024-02-29T23:59:60Z",
    "2026-01-31T08:00:00.123456789Z",
)
FORMATS: Mapping[str, Sequence[str]] = {
    "date-time": TIMES,
    "email": ("a@b.co", "a" * 64 + "@" + "b" * 60 + ".example", "ü@example.com", "\x00@example.com"),
    "uri": ("https://example.com", "urn:x", "https://example.com/" + "x" * 2000),
    "uuid": ("00000000-0000-0000-0000-000000000000", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"),
    "binary": TEXTS,
}
DEEP = "deep deep deep"
"""Stands for a list within lists, deeper than any parser goes."""


def nested(levels: int, inner: Any, *, objects: bool) -> Any:
    for _ in range(levels):
        inner = {"x": inner} if objects else [inner]
    return inner


SCALARS = st.none() | st.booleans() | st.sampled_from(NUMBERS) | st.sampled_from(TEXTS)
DEEPLY = st.builds(nested, st.sampled_from((60, 240, 300, 600)), SCALARS, objects=st.booleans())
ANYTHING = (
    SCALARS
    | DEEPLY
    | st.just(DEEP)
    | st.lists(SCALARS, max_size=3)
    | st.dictionaries(st.sampled_from(TEXTS), SCALARS, max_size=3)
)


def allowed(schema: Mapping[str, Any], known: Mapping[str, Sequence[Any]], name: str = "") -> st.SearchStrategy[Any]:
    """Values that a schema allows. A member that is `known` has one of its values now and then."""
    found = _allowed(_merged(schema), known)
    return st.sampled_from(known[name]) | found if name in known else found


def _merged(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema with the parts of its `allOf`. Conditions are left out."""
    merged = {**schema}
    for part in merged.pop("allOf", ()):
        whole = _merged(part)
        merged = {
            **merged,
            **whole,
            "properties": {**merged.get("properties", {}), **whole.get("properties", {})},
            "required": [*merged.get("required", ()), *whole.get("required", ())],
        }
    return merged


def _allowed(schema: Mapping[str, Any], known: Mapping[str, Sequence[Any]]) -> st.SearchStrategy[Any]:
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    for several in ("oneOf", "anyOf"):
        if several in schema and "properties" not in schema:
            return st.one_of([allowed(part, known) for part in schema[several]])
    types = schema.get("type", "any")
    if isinstance(types, list):
        return st.one_of([_allowed({**schema, "type": each}, known) for each in types])
    match types:
        case "null":
            return st.none()
        case "boolean":
            return st.booleans()
        case "number" | "integer":
            return st.sampled_from([each for each in _numbers(schema) if types == "number" or each == int(each)])
        case "string":
            return _texts(schema)
        case "array":
            least, most = schema.get("minItems", 0), schema.get("maxItems", 3)
            return st.lists(allowed(schema.get("items", {}), known), min_size=least, max_size=max(least, min(most, 3)))
        case "object":
            return _objects(schema, known)
    return ANYTHING


def _numbers(schema: Mapping[str, Any]) -> list[Any]:
    low, high = schema.get("minimum", -(10**500)), schema.get("maximum", 10**500)
    edges = [each for each in (schema.get("minimum"), schema.get("maximum")) if each is not None]
    return [each for each in (*edges, *NUMBERS) if low <= each <= high]


def _texts(schema: Mapping[str, Any]) -> st.SearchStrategy[str]:
    if "pattern" not in schema:
        return st.sampled_from(_fitting(schema))
    least, most = schema.get("minLength", 0), schema.get("maxLength", 10**9)
    return st.from_regex(schema["pattern"], fullmatch=True).filter(lambda text: least <= len(text) <= most)


def _fitting(schema: Mapping[str, Any]) -> list[str]:
    """The texts that a schema allows; where its pattern allows none of them, one that it may allow."""
    least, most = schema.get("minLength", 0), schema.get("maxLength", 10**9)
    texts = FORMATS.get(schema.get("format", ""), (*TEXTS, "abc-1", "0" * 24, "identity-id:\x00", "identity-id:a"))
    texts = (*texts, "é" * most) if most < 10**9 else texts
    pattern = re.compile(schema.get("pattern", ""))
    return [each for each in texts if least <= len(each) <= most and pattern.search(each)] or ["abc-1"]


def _objects(schema: Mapping[str, Any], known: Mapping[str, Sequence[Any]]) -> st.SearchStrategy[Any]:
    properties, required = schema.get("properties", {}), {*schema.get("required", ())}
    members = {name: allowed(part, known, name) for name, part in properties.items()}
    members |= dict.fromkeys(required - members.keys(), ANYTHING)
    listed = st.fixed_dictionaries(
        {name: part for name, part in members.items() if name in required},
        optional={name: part for name, part in members.items() if name not in required},
    )
    if schema.get("additionalProperties") is False:
        return listed
    more = st.dictionaries(st.sampled_from((*TEXTS, "id", "type", "properties")), ANYTHING, max_size=2)
    return st.builds(lambda own, others: {**others, **own}, listed, more)


@dataclass(frozen=True, slots=True)
class Corner:
    """One value that a schema allows, of which every part takes its turn."""

    known: Mapping[str, Sequence[Any]]
    turn: int
    #: With all that is optional.
    full: bool = False
    #: With a member more in each object, as deep as an answer can just be, or not.
    deep: bool = False

    def of(self, schema: Mapping[str, Any], name: str = "") -> Any:
        if name in self.known:
            return self._one(self.known[name])
        schema = _merged(schema)
        if "enum" in schema:
            return self._one(schema["enum"])
        parts = schema.get("oneOf") or schema.get("anyOf")
        if parts and "properties" not in schema:
            return self.of(self._slowly(parts))
        types = schema.get("type", "any")
        match self._slowly(types) if isinstance(types, list) else types:
            case "null":
                return None
            case "boolean":
                return self.turn % 2 == 0
            case "number":
                return self._one(_numbers(schema))
            case "integer":
                return self._one([each for each in _numbers(schema) if each == int(each)])
            case "string":
                return self._one(_fitting(schema))
            case "array":
                return [self.of(schema.get("items", {}))] * max(1, schema.get("minItems", 0))
            case "object":
                return self._object(schema)
        return self._one(VALUES)

    def _object(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        properties, required = schema.get("properties", {}), schema.get("required", ())
        names = [*properties, *(each for each in required if each not in properties)] if self.full else required
        found = {each: self.of(properties.get(each, {}), each) for each in names}
        if schema.get("additionalProperties") is False or not (self.full or self.deep):
            return found
        deep = nested(200 + self.turn, "", objects=self.turn % 2 == 0)
        return {"more": deep if self.deep else self._one(VALUES), **found}

    def _one(self, values: Sequence[Any]) -> Any:
        return values[self.turn % len(values)]

    def _slowly(self, values: Sequence[Any]) -> Any:
        """Another one only when every number had its turn."""
        return values[self.turn // len(NUMBERS) % len(values)]


VALUES: tuple[Any, ...] = (*NUMBERS, *TEXTS, None, True, [], {}, nested(60, 1e20, objects=True))


def as_json(value: Any) -> bytes:
    """JSON of a value. Lone surrogates are escaped, as most languages write them."""
    return json.dumps(value).replace(json.dumps(DEEP), "[" * 5000 + "]" * 5000).encode()


def as_text(value: Any) -> str:
    """A parameter as a client writes it."""
    return json.dumps(value) if isinstance(value, bool | float | int | None | list | dict) else str(value)
