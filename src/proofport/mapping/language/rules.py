"""The syntax of one rule: YAML nodes in, a checked `Rule` out. Every mistake names its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, cast, get_args

from proofport.mapping.language import paths
from proofport.mapping.language.nodes import (
    Condition,
    Constant,
    Conversion,
    FirstOf,
    JsonType,
    Lookup,
    Nested,
    Rule,
    Select,
    Template,
    Unknown,
    json_key,
)
from proofport.mapping.language.paths import Path, PathError
from proofport.text.wording import did_you_mean, listing
from proofport.text.yaml_nodes import (
    Block,
    Items,
    Keys,
    Mark,
    Node,
    Scalar,
    block_of,
    choice_of,
    data,
    flag_of,
    items_of,
    text_of,
    what,
)

Tables = Mapping[str, Mapping[object, Any]]

SOURCES = ("path", "value", "first_of", "template", "fields")
OF_PATHS = ("all", "each", "join")
MODIFIERS = ("when", "table", "as", "true", "false", "unknown", "if_null", "default", "required", "type", "nullable")
CONVERSIONS = get_args(Conversion)
TYPES = get_args(JsonType)
ACTIONS = ("reject", "omit", "keep")
TESTS = ("is", "in", "present", "null")
MAX_EACH = 6


def parse_path(node: Node) -> Path:
    """A JSONPath; a mistake is reported at its own column."""
    return _parsed(node, text_of(node, "a JSONPath, which begins with $"))


def _parsed(node: Node, selector: str, start: int = 0) -> Path:
    """`start`: where the selector begins in the node's text."""
    try:
        return paths.parse(selector)
    except PathError as error:
        raise inside(node, start + error.offset).error(repr(selector), error.expected, hint=error.hint) from None


def inside(node: Node, offset: int) -> Mark:
    """The place of a character of a scalar; the start of the scalar when it goes over several lines."""
    if not isinstance(node, Scalar) or "\n" in node.text:
        return node.at
    return Mark(node.at.file, node.at.line, node.at.column + offset + node.quoted)


class RuleReader:
    """Reads the rules of one document."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self._depth = 0

    def fields(self, node: Node) -> dict[str, Rule]:
        block = block_of(node, "a mapping of field names to rules")
        if not block.entries:
            raise block.at.error("no field", "at least one field with its rule")
        return {text_of(key, "a field name"): self.rule(value) for key, value in block.entries}

    def rule(self, node: Node) -> Rule:
        match node:
            case Scalar():
                return Rule(at=node.at, source=Select(parse_path(node), node.at))
            case Block():
                return self._long(Keys(node, (*SOURCES, *OF_PATHS, *MODIFIERS), "a rule"), node)
            case Items():
                raise node.at.error("a list", "a rule: a path, or a mapping", hint="Alternatives go under first_of:.")

    def _long(self, keys: Keys, node: Block) -> Rule:
        given = keys.given(SOURCES)
        if len(given) != 1:
            found = f"{' and '.join(given)} in one rule" if given else "a rule without a source"
            raise node.at.error(found, f"exactly one of {listing(SOURCES)}", hint=_nested_hint(node, given))
        rule = Rule(
            at=node.at,
            source=self._source(given[0], keys),
            when=_with(keys, "when", self._condition),
            table=self._table(keys),
            convert=_conversion(keys),
            if_null=_with(keys, "if_null", lambda given: Constant(data(given))),
            default=_with(keys, "default", lambda given: Constant(data(given))),
            required=_with(keys, "required", flag_of) or False,
            type=_with(keys, "type", lambda given: choice_of(given, TYPES)),
            nullable=_with(keys, "nullable", flag_of) or False,
        )
        _check_combination(rule, keys)
        return rule

    def _source(self, name: str, keys: Keys) -> Select | Constant | FirstOf | Template | Nested:
        node = keys.need(name, "its value")
        if name != "path":
            for key in keys.given(OF_PATHS):
                raise keys.marks[key].error(f"{key!r} beside {name!r}", f"{key!r} beside 'path' only")
        match name:
            case "path":
                return self._select(node, keys)
            case "value":
                return Constant(data(node))
            case "template":
                return template(node)
            case "first_of":
                rules = tuple(self.rule(item) for item in items_of(node, "a list of rules"))
                if len(rules) < 2:
                    raise node.at.error(f"{len(rules)} alternatives", "two or more rules in first_of")
                return FirstOf(rules)
            case _:
                return Nested(self.fields(node))

    def _select(self, node: Node, keys: Keys) -> Select:
        each = _with(keys, "each", self._each)
        join = _with(keys, "join", _separator)
        listed = _with(keys, "all", flag_of)
        if listed is False and (each or join is not None):
            raise keys.marks["all"].error("all: false", "all left out: each and join always take every match")
        return Select(parse_path(node), node.at, bool(listed) or each is not None or join is not None, each, join)

    def _each(self, node: Node) -> Rule:
        if self._depth >= MAX_EACH:
            raise node.at.error("deep nesting", f"at most {MAX_EACH} levels of each")
        self._depth += 1
        rule = self.rule(node)
        self._depth -= 1
        return rule

    def _table(self, keys: Keys) -> Lookup | None:
        """A table as given, or the one that `as: bool` makes of its `true:` and `false:` lists."""
        three_state = keys.given(("true", "false"))
        node = keys.get("table")
        entries: Mapping[object, Any]
        if three_state:
            name, entries = "its true and false lists", _boolean_entries(keys)
            if node is not None:
                raise keys.marks["table"].error("'table' beside 'as: bool'", "one of the two")
        elif node is not None:
            name, entries = self._entries(node)
        elif "unknown" in keys:
            raise keys.marks["unknown"].error("'unknown' without a table", "table:, or as: bool with true: and false:")
        else:
            return None
        unknown = _unknown(keys.need("unknown", f"unknown: {' | '.join(ACTIONS)} | {{value: …}} beside a table"))
        return Lookup(name, entries, unknown)

    def _entries(self, node: Node) -> tuple[str, Mapping[object, Any]]:
        if isinstance(node, Block):
            return "its table", table_entries(node)
        name = text_of(node, "the name of a table, or a mapping")
        if name not in self.tables:
            known = f"one of the file's tables: {listing(list(self.tables)) or 'there are none'}"
            raise node.at.error(f"the table {name!r}", known, hint=did_you_mean(name, self.tables))
        return f"the table {name}", self.tables[name]

    def _condition(self, node: Node) -> Condition:
        keys = Keys(block_of(node, "when: {path: …, is: …}"), ("path", *TESTS, "not"), "when")
        path_node = keys.need("path", "the path that is tested")
        given = keys.given(TESTS)
        if len(given) != 1:
            raise node.at.error(f"{' and '.join(given) or 'no test'}", f"exactly one of {listing(TESTS)}")
        test = given[0]
        operand = keys.need(test, "its value")
        values: tuple[Any, ...] = ()
        if test == "is":
            values = (_scalar(operand),)
        elif test == "in":
            values = tuple(_scalar(item) for item in items_of(operand, "a list of values"))
        elif not flag_of(operand):
            raise operand.at.error(f"{test}: false", f"{test}: true, and not: true to turn it round")
        negated = _with(keys, "not", flag_of) or False
        kind = test if test in ("present", "null") else "in"
        return Condition(parse_path(path_node), path_node.at, cast(Any, kind), values, negated)


def _with(keys: Keys, name: str, read: Callable[[Node], Any]) -> Any:
    node = keys.get(name)
    return read(node) if node is not None else None


def _conversion(keys: Keys) -> Conversion | None:
    three_state = keys.given(("true", "false"))
    node = keys.get("as")
    if node is None:
        if three_state:
            raise keys.marks[three_state[0]].error(f"{three_state[0]!r} without 'as: bool'", "as: bool beside it")
        return None
    name = choice_of(node, CONVERSIONS)
    if three_state and name != "bool":
        raise keys.marks[three_state[0]].error(f"{three_state[0]!r} beside 'as: {name}'", "it beside as: bool only")
    return None if three_state else cast(Conversion, name)


def _boolean_entries(keys: Keys) -> Mapping[object, Any]:
    entries: dict[object, Any] = {}
    for name, meaning in (("true", True), ("false", False)):
        node = keys.need(name, "both true: and false: lists")
        for item in items_of(node, f"a list of the values that mean {name}"):
            if entries.setdefault(json_key(_scalar(item)), meaning) is not meaning:
                raise item.at.error(f"{what(item)} in both lists", "it in one of them")
    return entries


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


def _unknown(node: Node) -> Unknown:
    if isinstance(node, Block):
        keys = Keys(node, ("value",), "unknown")
        return Unknown("value", data(keys.need("value", "unknown: {value: …}")))
    return Unknown(cast(Any, choice_of(node, ACTIONS, f"one of {listing(ACTIONS)}, or {{value: …}}")))


def _separator(node: Node) -> str:
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        raise node.at.error(what(node), 'the text between two items, in quotes: ","')
    return node.value


def _scalar(node: Node) -> Any:
    if not isinstance(node, Scalar):
        raise node.at.error(what(node), "a single value")
    return node.value


_PART = re.compile(
    r"""\{\{|\}\}|\{(?P<path>(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[^'"}])*)\}|(?P<wrong>[{}])|[^{}]+""", re.DOTALL
)
"""A part of a template. Braces inside the quotes of a path do not count."""


def template(node: Node) -> Template:
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
        parts.append(Select(_parsed(node, found["path"].strip(), start), inside(node, start)))
    if not parts:
        raise node.at.error(repr(text), "at least one {$.path}", hint="Text without parts is a {value: …}.")
    return Template((*parts, literal) if literal else tuple(parts))


def _check_combination(rule: Rule, keys: Keys) -> None:
    listed = isinstance(rule.source, Select) and rule.source.all
    for key in keys.given(("table", "as")):
        if listed:
            raise keys.marks[key].error(f"{key!r} beside a list", f"it inside each: {{path: $, {key}: …}}")
        if isinstance(rule.source, Nested | Constant):
            raise keys.marks[key].error(f"{key!r} beside {keys.given(SOURCES)[0]!r}", f"{key!r} beside a path")
    if rule.table and rule.convert:
        raise keys.marks["as"].error("'as' beside 'table'", "one of the two")
    if rule.required and rule.default:
        raise keys.marks["required"].error("'required' beside 'default'", "one of the two")


def _nested_hint(node: Block, given: list[str]) -> str | None:
    return "A constant is written {value: …}, a nested object {fields: {…}}." if not given else None
