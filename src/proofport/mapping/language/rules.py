"""The syntax of one rule: YAML nodes in, a checked `Rule` out. Every mistake names its place.

A new way to begin a rule is a function in `_SOURCES`, and a new change to the value is one in `_CHANGES`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, cast, get_args

from proofport.mapping.language.conditions import condition, scalar_of
from proofport.mapping.language.nodes import (
    Change,
    Comparing,
    Constant,
    Conversion,
    Convert,
    Default,
    FirstOf,
    IfNull,
    JsonType,
    Lookup,
    Lower,
    Nested,
    Rule,
    Select,
    Source,
    Template,
    Trim,
    Unknown,
)
from proofport.mapping.language.selection import OF_OPENING, opened, parse_part, parse_path
from proofport.mapping.language.steps import OF_TEXT, separator_of, split, substitute
from proofport.mapping.language.times import OF_TIMES, times
from proofport.mapping.language.values import Nothing, json_key
from proofport.text.wording import listing
from proofport.text.yaml_nodes import (
    Block,
    Items,
    Keys,
    Node,
    Scalar,
    block_of,
    choice_of,
    data,
    flag_of,
    inside,
    items_of,
    text_of,
    what,
)

Tables: TypeAlias = Mapping[str, Mapping[object, Any]]

OF_PATHS = ("all", "each", "join", *OF_OPENING)
OF_BOOLS = ("true", "false")
OF_SINGLE_VALUES = (*OF_TEXT, "table", "as")
OTHERS = (*OF_PATHS, *OF_BOOLS, *OF_TIMES, "fold", "when", "unknown", "required", "type", "nullable", "compare")
CONVERSIONS = get_args(Conversion)
TYPES = get_args(JsonType)
COMPARING = get_args(Comparing)
ACTIONS = ("reject", "omit", "keep")
MAX_EACH = 6
MAX_RULES = 2_000


class RuleReader:
    """Reads the rules of one document."""

    def __init__(self, tables: Tables, nothing: Nothing | None = None) -> None:
        self.tables = tables
        self.nothing = nothing
        self._depth = 0
        self._rules = 0

    def fields(self, node: Node, *, compared: str | None = None) -> dict[str, Rule]:
        """`compared`: the field whose rule may say how its values compare."""
        block = block_of(node, "a mapping of field names to rules")
        if not block.entries:
            raise block.at.error("no field", "at least one field with its rule")
        names = [text_of(key, "a field name") for key, _ in block.entries]
        rules = [
            self.rule(value, compares=name == compared) for name, (_, value) in zip(names, block.entries, strict=True)
        ]
        return dict(zip(names, rules, strict=True))

    def rule(self, node: Node, *, compares: bool = False) -> Rule:
        self._rules += 1
        if self._rules > MAX_RULES:
            raise node.at.error("one more rule", f"at most {MAX_RULES:,} in one mapping")
        match node:
            case Scalar():
                return Rule(at=node.at, source=Select(parse_path(node), node.at))
            case Block():
                return self._long(Keys(node, (*_SOURCES, *_CHANGES, *OTHERS), "a rule"), compares=compares)
            case Items():
                raise node.at.error("a list", "a rule: a path, or a mapping", hint="Alternatives go under first_of:.")

    def _long(self, keys: Keys, *, compares: bool) -> Rule:
        given = keys.given(_SOURCES)
        if len(given) != 1:
            found = f"{' and '.join(given)} in one rule" if given else "a rule without a source"
            hint = None if given else "A constant is written {value: …}, a nested object {fields: {…}}."
            raise keys.at.error(found, f"exactly one of {listing(list(_SOURCES))}", hint=hint)
        [name] = given
        if name != "path":
            keys.refuse(OF_PATHS, f"beside {name!r}", "it beside 'path' only")
        source = _SOURCES[name](self, keys.need(name, ""), keys)
        _check_combination(source, name, keys)
        if not compares:
            keys.refuse(("compare",), "here", "it in the rule of the id of a source mapping only")
        return Rule(
            at=keys.at,
            source=source,
            when=keys.read("when", condition, None),
            changes=tuple(
                change
                for key, read in _CHANGES.items()
                if key in keys and (change := read(self, keys.need(key, ""), keys)) is not None
            ),
            required=keys.read("required", flag_of, False),
            type=keys.read("type", lambda node: cast(JsonType, choice_of(node, TYPES)), None),
            nullable=keys.read("nullable", flag_of, False),
            compare=keys.read("compare", lambda node: cast(Comparing, choice_of(node, COMPARING, "fold")), None),
        )

    def each(self, node: Node) -> Rule:
        if self._depth >= MAX_EACH:
            raise node.at.error("deep nesting", f"at most {MAX_EACH} levels of each")
        self._depth += 1
        rule = self.rule(node)
        self._depth -= 1
        return rule


def _check_combination(source: Source, name: str, keys: Keys) -> None:
    if isinstance(source, Select) and source.all:
        for key in keys.given(OF_SINGLE_VALUES):
            raise keys.marks[key].error(f"{key!r} beside a list", f"it inside each: {{path: $, {key}: …}}")
    if isinstance(source, Nested | Constant):
        keys.refuse(OF_SINGLE_VALUES, f"beside {name!r}", "it beside a path")
    if "table" in keys:
        keys.refuse(("as",), "beside 'table'", "one of the two")
    if "default" in keys:
        keys.refuse(("required",), "beside 'default'", "one of the two")
    if "as" not in keys:
        keys.refuse(OF_BOOLS, "without 'as: bool'", "as: bool beside it")
        keys.refuse(OF_TIMES, "without 'as:'", "as: datetime, or as: date, beside it")
    if "table" not in keys and not keys.given(OF_BOOLS):
        keys.refuse(("unknown", "fold"), "without a table", "table:, or as: bool with true: and false:")


# ------------------------------------------------------------------ where the value comes from
def _select(reader: RuleReader, node: Node, keys: Keys) -> Select:
    each, join = keys.read("each", reader.each, None), keys.read("join", separator_of, None)
    path, of_several = opened(parse_path(node), keys, parse_path, reader.nothing)
    several = of_several or each is not None or join is not None
    listed = keys.read("all", flag_of, several)
    if several and not listed:
        words = "each, join, entries and csv" if of_several else "each and join"
        raise keys.marks["all"].error("all: false", f"all left out: {words} always take every match")
    return Select(path, node.at, listed, each, join)


def _first_of(reader: RuleReader, node: Node, keys: Keys) -> FirstOf:
    rules = tuple(map(reader.rule, items_of(node, "a list of rules")))
    if len(rules) < 2:
        raise node.at.error(f"{len(rules)} alternatives", "two or more rules in first_of")
    return FirstOf(rules)


_PART = re.compile(
    r"""\{\{|\}\}|\{(?P<path>(?:`(?:\\.|[^`\\])*`|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[^'"`}])*)\}
    |(?P<wrong>[{}])|[^{}]+""",
    re.DOTALL | re.VERBOSE,
)
"""A part of a template. Braces inside the quotes and backticks of a path do not count."""


def _template(reader: RuleReader, node: Node, keys: Keys) -> Template:
    """`{$.path}` is a part, `{{` and `}}` are braces, anything else is itself."""
    text = text_of(node, 'text with paths in braces: "{$.provider} {$.name}"')
    parts: list[str | Select] = []
    literal = ""
    for found in _PART.finditer(text):
        if found["wrong"] == "{":
            raise inside(node, found.start()).error("a brace that is not closed", "{$.path}, or {{ for a brace")
        if found["wrong"] == "}":
            raise inside(node, found.start()).error("a brace that was not opened", "}} for a brace")
        if found["path"] is None:
            literal += found[0][:1] if found[0] in ("{{", "}}") else found[0]
            continue
        if literal:
            parts.append(literal)
        literal, start = "", found.start("path")
        parts.append(Select(parse_part(node, found["path"].strip(), start), inside(node, start)))
    if not parts:
        raise node.at.error(repr(text), "at least one {$.path}", hint="Text without parts is a {value: …}.")
    return Template((*parts, literal) if literal else tuple(parts))


_SOURCES: dict[str, Callable[[RuleReader, Node, Keys], Source]] = {
    "path": _select,
    "value": lambda reader, node, keys: Constant(data(node)),
    "first_of": _first_of,
    "template": _template,
    "fields": lambda reader, node, keys: Nested(reader.fields(node)),
}


# ------------------------------------------------------------------ what becomes of it
def _table(reader: RuleReader, node: Node, keys: Keys) -> Lookup:
    if isinstance(node, Block):
        return _lookup("its table", table_entries(node), node, keys)
    known = listing(list(reader.tables)) or "there are none"
    name = choice_of(node, list(reader.tables), f"one of the file's tables ({known}), or a mapping")
    return _lookup(f"the table {name}", reader.tables[name], node, keys)


def _lookup(name: str, entries: Mapping[object, Any], node: Node, keys: Keys) -> Lookup:
    if not keys.read("fold", flag_of, False):
        return Lookup(name, entries, _unknown(keys))
    folded: dict[object, Any] = {}
    for key, value in entries.items():
        small = key.casefold() if isinstance(key, str) else key
        if json_key(folded.setdefault(small, value)) != json_key(value):
            raise node.at.error(
                f"{key!r} in several spellings that become different values", "one of them: case is folded"
            )
    return Lookup(name, folded, _unknown(keys), fold=True)


def table_entries(node: Node) -> dict[object, Any]:
    """The entries of an inline or included table. Values are any JSON, keys are scalars other than null."""
    entries: dict[object, Any] = {}
    for key, value in block_of(node, "a table: values and what they become").entries:
        if key.value is None:
            raise key.at.error("the key null", "a key that is not null: null stays null without a table's help")
        entries[json_key(key.value)] = data(value)
    if not entries:
        raise node.at.error("an empty table", "at least one entry")
    return entries


def _conversion(reader: RuleReader, node: Node, keys: Keys) -> Convert | Lookup:
    """A conversion, or the table that `as: bool` makes of its `true:` and `false:` lists."""
    if isinstance(node, Scalar) and node.text in OF_TEXT:
        example = f"{node.text}: true" if node.text in ("trim", "lower") else f"{node.text}: …"
        raise node.at.error(repr(node.text), f"one of {listing(CONVERSIONS)}", hint=f"Write {example}.")
    name = choice_of(node, CONVERSIONS)
    if name != "bool":
        keys.refuse(OF_BOOLS, f"beside 'as: {name}'", "it beside as: bool only")
    if keys.given(OF_BOOLS):
        times(keys, name)
        return _lookup("its true and false lists", _boolean_entries(keys), node, keys)
    return Convert(cast(Conversion, name), times(keys, name))


def _boolean_entries(keys: Keys) -> Mapping[object, Any]:
    entries: dict[object, Any] = {}
    for name, meaning in (("true", True), ("false", False)):
        node = keys.need(name, "both true: and false: lists")
        for item in items_of(node, f"a list of the values that mean {name}"):
            if entries.setdefault(json_key(scalar_of(item)), meaning) is not meaning:
                raise item.at.error(f"{what(item)} in both lists", "it in one of them")
    return entries


def _unknown(keys: Keys) -> Unknown:
    node = keys.need("unknown", f"unknown: {' | '.join(ACTIONS)} | {{value: …}} beside a table")
    if isinstance(node, Block):
        return Unknown("value", data(Keys(node, ("value",), "unknown").need("value", "unknown: {value: …}")))
    return Unknown(cast(Any, choice_of(node, ACTIONS, f"one of {listing(ACTIONS)}, or {{value: …}}")))


#: In the order in which they are made, whatever their order in the file.
_CHANGES: dict[str, Callable[[RuleReader, Node, Keys], Change | None]] = {
    "trim": lambda reader, node, keys: Trim() if flag_of(node) else None,
    "sub": lambda reader, node, keys: substitute(node),
    "lower": lambda reader, node, keys: Lower() if flag_of(node) else None,
    "split": lambda reader, node, keys: split(node),
    "table": _table,
    "as": _conversion,
    "if_null": lambda reader, node, keys: IfNull(data(node)),
    "default": lambda reader, node, keys: Default(data(node)),
}
