"""The text of a drafted mapping file, and the tests in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from proofport.errors import Rejected
from proofport.evidence import model_of
from proofport.mapping.compile.source import compile_source
from proofport.mapping.draft.drafting import Rules, named_so
from proofport.mapping.draft.rules import type_of
from proofport.mapping.draft.shape import ABSENT, Held, says
from proofport.mapping.draft.standins import StandIns
from proofport.mapping.draft.values import EPOCHS
from proofport.mapping.draft.writing import comment, entry, flow
from proofport.mapping.language.nodes import MappingFile
from proofport.mapping.language.syntax import read_mappings

MOST_TESTS, MOST_ITEMS = 2, 2
_WANTED = {
    "text": "text of its form",
    "time": "times of a form that is known here",
    "bool": "words for yes and no",
    "int": "whole numbers",
    "number": "numbers",
    "choice": "words that are known here",
    "texts": "texts",
    "choices": "words that are known here",
    "parts": "objects whose names are known here",
}


def written(rules: Rules, head: Sequence[str]) -> str:
    """The whole file. `head`: comments at its beginning, after what must be filled in."""
    body = [*_rules(rules), *_left(rules)]
    front = [line for text in (*rules.to_fill_in, *head, *rules.remarks) for line in comment(text)]
    text = "\n".join([*front, *body]) + "\n"
    [mapping] = read_mappings(text.encode(), Path("the draft"))
    front += [line for told in _rejections(mapping, rules) for line in comment(told)]
    tests = _tests(mapping, rules)
    return "\n".join([*front, *body, "tests:", *(line for test in tests for line in _item(test))]) + "\n"


def _rules(rules: Rules) -> Iterator[str]:
    yield f"mapping: {rules.name}"
    yield f"to: {{evidence: {flow(rules.kind)}}}"
    for doubt in rules.doubts:
        yield from comment(f"check: {doubt}")
    if rules.records:
        yield from entry("records", rules.records, "")
    if rules.parents:
        yield from entry("parent", {name: each.rule for name, each in rules.parents.items()}, "")
    for key, path in (("incomplete_when", rules.incomplete_when), ("total", rules.total)):
        if path is not None:
            yield from entry(key, path, "")
    if rules.found.nothing:
        yield from comment("check: these are missing, wherever a rule reads them")
        for begin in (begin for begin in EPOCHS if {"starts": begin} in rules.found.nothing):
            yield from comment(f"check: {begin} is taken for no time, because other times beside it are no midnights")
        yield from entry("nothing", rules.found.nothing, "")
    if rules.context:
        yield f"context: {flow(list(rules.context))}"
    yield "fields:"
    for name, proposal in rules.fields.items():
        for doubt in proposal.doubts:
            yield from comment(f"check: {doubt}", "  ")
        yield from entry(name, proposal.rule, "  ")
    for name in rules.context:
        if name not in rules.fields and name not in rules.parents:
            yield from comment(f"{name}: $.…  # nothing fits; without a rule, --set {name}=… gives it", "  ")


def _left(rules: Rules) -> Iterator[str]:
    """Comments: the fields without a rule, and the columns without a field."""
    empty = []
    for name in rules.missing:
        column = named_so(rules.kind, name, rules.unused, rules.found.nouns)
        if column is not None:
            wanted = _WANTED[type_of(model_of(rules.kind), name)]
            yield from comment(f"{name}: {column.path} is called so, but not all its values are {wanted}", "  ")
        elif name not in rules.context:
            empty.append(name)
    if empty:
        yield from comment(f"No column was found for: {', '.join(empty)}.", "  ")
    if rules.unused:
        yield from comment(f"No rule reads: {', '.join(column.path for column in rules.unused)}.", "  ")
    if rules.empty:
        yield from comment(f"Without a value in the sample, so without a rule: {', '.join(rules.empty)}.", "  ")


def _rejections(mapping: MappingFile, rules: Rules) -> Iterator[str]:
    """The records that the rules refuse in the sample."""
    convert = compile_source(mapping, _values(rules))
    refused: dict[str, tuple[int, str]] = {}
    for held in rules.found.held:
        try:
            convert(held.record, tuple(each.of(held) for each in rules.parents.values()))
        except Rejected as error:
            name = error.problem.field or "record"
            refused[name] = (refused.get(name, (0, ""))[0] + 1, error.problem.expected)
    for name, (count, expected) in refused.items():
        share = f"{count} of {len(rules.found.held)} records of the sample"
        yield f"check: `{name}` rejects {share}: expected {expected}"


def _values(rules: Rules) -> dict[str, str]:
    """The values that --set gives in the tests: the fields that a record must have, and that no rule gives."""
    given = {*rules.fields, *rules.parents}
    return {
        name: f"{name.replace('_', '-')}-1" for name in rules.context if name not in given and name not in _OPTIONAL
    }


_OPTIONAL = ("region", "account_id")


# ------------------------------------------------------------------ tests
def _tests(mapping: MappingFile, rules: Rules) -> list[dict[str, Any]]:
    """Tests from records of the sample with other values in place of their own."""
    values, stand_ins = _values(rules), StandIns()
    made = []
    for number in _telling(rules):
        document = _document(rules, number, _shortened(rules, number, stand_ins), stand_ins)
        test: dict[str, Any] = {"name": f"record {number + 1} of the sample with other values"}
        if values:
            test["set"] = values
        test["input"] = document
        try:
            convert = compile_source(mapping, values)
            test["expect"] = [convert(record, around) for record, around in convert.records(document)]
        except Rejected as error:
            test["rejected"] = error.problem.field or "id"
        if isinstance(test.get("expect"), list) and len(test["expect"]) == 1:
            [test["expect"]] = test["expect"]
        made.append(test)
    return made


def _telling(rules: Rules) -> list[int]:
    """The records that show most: the one with most values, and the one with fewest."""
    read = rules.read
    full = [sum(map(says, row)) for row in zip(*(column.values for column in read), strict=True)]
    numbers = sorted(range(len(full)), key=lambda number: -full[number])
    return list(dict.fromkeys([numbers[0], numbers[-1]]))[:MOST_TESTS] if numbers else [0]


def _shortened(rules: Rules, number: int, stand_ins: StandIns) -> Any:
    """A record with what rules read alone, and other values in it."""
    record: dict[str, Any] = {}
    for column in rules.read:
        value = column.values[number]
        if value is ABSENT:
            continue
        readers = [each for each in rules.fields.items() if column.path in each[1].paths]
        name, proposal = min(readers, key=lambda each: each[0] == "id")
        rule = json.dumps(proposal.rule)
        kept = any(word in rule for word in ('"true"', '"table"', '"in": [', "sub", '"int"', '"number"', '"datetime"'))
        made = _replaced(value, name, rule, stand_ins, kept=kept)
        if not column.names:
            return made
        holder = record
        for step in column.names[:-1]:
            holder = holder.setdefault(step, {})
        holder[column.names[-1]] = made
    return record


def _replaced(value: Any, name: str, rule: str, stand_ins: StandIns, *, kept: bool) -> Any:
    if isinstance(value, list):
        return [_replaced(item, name, rule, stand_ins, kept=kept) for item in value[:MOST_ITEMS]]
    if isinstance(value, dict) and '"entries"' in rule:
        return {key: _replaced(inner, name, "", stand_ins, kept=False) for key, inner in [*value.items()][:MOST_ITEMS]}
    if isinstance(value, dict):
        return {
            key: inner
            if f"=='{inner}'" in rule or _is_a_name(key)
            else _replaced(inner, name, rule, stand_ins, kept=kept)
            for key, inner in value.items()
            if key in rule
        }
    return stand_ins.of(value, name, kept=kept)


def _is_a_name(key: str) -> bool:
    return key.lower() in ("key", "tagkey")


def _document(rules: Rules, number: int, record: Any, stand_ins: StandIns) -> Any:
    """The record in its place, with what `parent:` reads around it."""
    document: Any = record
    held = rules.found.held[number]
    for depth in reversed(range(len(rules.found.place))):
        step = rules.found.place[depth]
        if step.keyed:
            document = {_key(rules, held, stand_ins): document}
        inner = [document] if step.listed else document
        document = {step.name: inner} if step.name else inner
        for name, each in rules.parents.items():
            if each.depth == depth and each.name is not None and (value := each.of(held)) is not None:
                document = {each.name: stand_ins.of(value, name, kept=False), **document}
    return document


def _key(rules: Rules, held: Held, stand_ins: StandIns) -> str:
    name = next((name for name, each in rules.parents.items() if each.name is None), "id")
    return str(stand_ins.of(held.key, name, kept=False))


def _item(test: Mapping[str, Any]) -> Iterator[str]:
    first, *others = [line for key, value in test.items() for line in entry(key, value, "    ")]
    yield f"  - {first.lstrip()}"
    yield from others
