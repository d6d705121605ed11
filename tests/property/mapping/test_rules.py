"""Random mappings: the compiled function against the interpreted rules."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from proofport.errors import Rejected
from proofport.mapping import SourceMapping, compile_source, load_file
from proofport.mapping.compile.functions import MISSING

from .hostile import Hostile, seeds
from .oracle import evaluate
from .reference import Refusal, nothing

UNTOUCHED = ("value", "default", "if_null")


def as_yaml(value: Any) -> str:
    """Flow style; keys that are not text stay what they are."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{as_yaml(key)}: {as_yaml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_yaml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def written(rule: Any) -> Any:
    """The rule as a file has it: the oracle's list of a template's parts as one text."""
    if isinstance(rule, list):
        return [written(inner) for inner in rule]
    if not isinstance(rule, dict):
        return rule
    parts = {name: inner if name in UNTOUCHED else written(inner) for name, inner in rule.items()}
    if isinstance(rule.get("template"), list):
        parts["template"] = "".join(
            f"{{{part}}}" if index % 2 else part.replace("{", "{{").replace("}", "}}")
            for index, part in enumerate(rule["template"])
        )
    return parts


def compiled(fields: dict[str, Any], folder: Path, words: list[Any] | None = None) -> SourceMapping:
    """`words`: those that stand for nothing."""
    rules = {"id": {"value": "x"}, **written(fields)}
    file = {"mapping": "sources/t", "to": {"evidence": "custom:thing"}, "fields": rules}
    path = folder / "m.yaml"
    path.write_text(as_yaml({**file, "nothing": words} if words else file), "utf-8")
    return compile_source(load_file(path)[0])


def expected(fields: dict[str, Any], record: Any) -> Any:
    try:
        made = {name: evaluate(rule, record) for name, rule in fields.items()}
    except Refusal:
        return b"rejected"
    return encoded({"id": "x", **{name: value for name, value in made.items() if value is not MISSING}})


def encoded(value: Any) -> bytes:
    """JSON with sorted fields; what JSON cannot carry is to be rejected."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return b"rejected"


def found(mapping: Callable[[Any], Any], record: Any) -> bytes:
    try:
        return encoded(mapping(record))
    except Rejected:
        return b"rejected"


def check(case: Hostile, folder: Path) -> None:
    fields = {name: case.rule() for name in ("f", "g")}
    words = case.nothing()
    mapping = compiled(fields, folder, words)
    for record in (case.record() for _ in range(5)):
        with nothing(words):
            left, right = found(mapping, record), expected(fields, record)
        assert left == right, (
            f"seed {case.number}: {as_yaml(written(fields))} {words}\n on {record!r}\n"
            f"{inspect.getsource(mapping.convert)}"
        )


def test_compiled_rules_do_what_the_rules_say(tmp_path: Path) -> None:
    for case in seeds(350, 25_000):
        check(case, tmp_path)
