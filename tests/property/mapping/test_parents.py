"""Rules under `parent:` against the same rules, interpreted on the enclosing element alone."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from proofport.errors import MappingError
from proofport.mapping import SourceMapping, compile_source, load_file
from proofport.mapping.compile.functions import MISSING

from .hostile import seeds
from .oracle import evaluate
from .reference import Refusal
from .test_rules import as_yaml, encoded, found, written

AROUND = ["$.a", "$.a[*]", "$.a[?(@.b)]", "$"]
"""Where the enclosing elements are."""


def from_the_document(rule: Any, around: str) -> Any:
    """The rule with its paths from the document on, instead of from the element."""
    if isinstance(rule, str):
        return around + rule.removeprefix("$")
    moved = dict(rule)
    if "path" in rule:
        moved["path"] = from_the_document(rule["path"], around)
    if "when" in rule:
        moved["when"] = from_the_document(rule["when"], around)
    if "template" in rule:
        moved["template"] = [
            from_the_document(part, around) if index % 2 else part for index, part in enumerate(rule["template"])
        ]
    for name in {"first_of", "all", "any"} & set(rule):
        if isinstance(rule[name], list):
            moved[name] = [from_the_document(inner, around) for inner in rule[name]]
    if "fields" in rule:
        moved["fields"] = {name: from_the_document(inner, around) for name, inner in rule["fields"].items()}
    return moved


def compiled(rule: Any, around: str, folder: Path) -> SourceMapping | None:
    """None for a rule that may not stand there."""
    mapping = {
        "mapping": "sources/t",
        "to": {"evidence": "custom:thing"},
        "records": f"{around}.r[*]",
        "parent": {"f": written(from_the_document(rule, around))},
        "fields": {"id": {"value": "x"}},
    }
    path = folder / "m.yaml"
    path.write_text(as_yaml(mapping), "utf-8")
    try:
        return compile_source(load_file(path)[0])
    except MappingError:
        return None


def expected(rule: Any, element: Any) -> bytes:
    try:
        value = evaluate(rule, element)
    except Refusal:
        return b"rejected"
    return encoded({"id": "x", **({} if value is MISSING else {"f": value})})


def test_a_rule_reads_the_element_that_encloses_the_record(tmp_path: Path) -> None:
    compared = 0
    for case in seeds(250, 10_000):
        rule, around = case.rule(), case.choice(AROUND)
        mapping = compiled(rule, around, tmp_path)
        if mapping is None:
            continue
        for element in (case.object(2) for _ in range(3)):
            element.update(r=[{}], b=element.get("b"))
            document = {"$.a": {"a": element}, "$": element}.get(around, {"a": [element, {"b": 1}]})
            for record, parents in mapping.records(document):
                left, right = found(partial(mapping, parents=parents), record), expected(rule, element)
                assert left == right, f"seed {case.number}: {as_yaml(written(rule))} on {document!r}"
                compared += 1
    assert compared > 100
