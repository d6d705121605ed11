"""Rules to one Python function: reads what the rules select, makes the fields, checks them, and returns the result."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proofport.errors import Rejected
from proofport.mapping import functions
from proofport.mapping.checks import timestamp
from proofport.mapping.code import Code
from proofport.mapping.guards import (
    ANY_JSON,
    FLAG,
    OPAQUE,
    PRESENT,
    STAMP,
    Field,
    Guard,
    Json,
    ListOf,
    ModelOf,
    OrNull,
    Shape,
    accepts_all,
    bare,
    implies,
)
from proofport.mapping.nodes import (
    Condition,
    Constant,
    FirstOf,
    Lookup,
    Nested,
    Rule,
    Select,
    Template,
    json_key,
    selects,
)
from proofport.mapping.paths import Path
from proofport.mapping.projection import Part
from proofport.mapping.selectors import Scope


@dataclass(frozen=True, slots=True)
class Plan:
    """What one function is to make.

    `fills`: expressions for fields that the rules leave missing, in order of preference; `names`: what they refer to.
    `given`: what the guards of a checked record have ensured of its fields already.
    `partial`: only what the record says is sent, so that no default speaks for it.
    `drops_null(nullable)`: whether the null of a field is left out.
    `part`: the function is given what a decoder made of this, and gives None where the whole way has to decide.
    """

    title: str
    rules: Mapping[str, Rule]
    shape: Shape
    settle: Callable[..., Any]
    signature: str
    finish: str
    fills: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    names: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    given: Shape | None = None
    partial: bool = False
    drops_null: Callable[[bool], bool] = lambda nullable: False
    part: Part | None = None


def compile_plan(plan: Plan) -> tuple[Callable[..., Any], str]:
    """The function and its source. What its guards do not accept at once goes through `settle`."""
    return _Compiler(plan).compile()


class _Compiler:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.code = Code("nothing" if plan.part is None else "text")

    def compile(self) -> tuple[Callable[..., Any], str]:
        code, plan = self.code, self.plan
        code.namespace.update(plan.names, settle=plan.settle)
        if plan.part is None:
            self._body()
        else:
            self._body_that_declines(plan.part)
        return code.function(plan.signature, plan.title), code.source(plan.signature)

    def _body(self) -> None:
        code, plan = self.code, self.plan
        code.line(f"ok = {plan.shape.quick}")
        scope = self._scope("d", plan.rules.values())
        names = [*plan.rules, *(name for name in plan.fills if name not in plan.rules)]
        fields = [(name, self._field(name, plan.rules.get(name), scope)) for name in _in_order(names, plan.shape)]
        self._object("out", fields)
        code.line(plan.finish)

    def _body_that_declines(self, part: Part) -> None:
        code = self.code
        code.parts["d"] = part
        with code.block("if d is None:"):
            code.line("return None")
        with code.block("try:"):
            self._body()
        with code.block(f"except {code.bind('e', Rejected)}:"):
            code.line("return None")

    def _scope(self, root: str, rules: Any) -> Scope:
        return Scope(self.code, root, [select.path for rule in rules for select in selects(rule)])

    def _field(self, name: str, rule: Rule | None, scope: Scope) -> str:
        """The variable of one field of the record itself: by its rule, else by what fills it."""
        field = self.plan.shape.fields.get(name)
        guard = field.guard if field else (ANY_JSON if self.plan.shape.others else OPAQUE)
        value, proven = self._rule(rule, guard, name, scope) if rule else (self._copy("M"), False)
        for fill in self.plan.fills.get(name, ()):
            value = self._copy(value)
            with self.code.block(f"if {value} is M:"):
                self.code.line(f"{value} = {fill}")
            proven = False
        return self._checked(value, _left_to_check(guard, proven), field)

    def _copy(self, value: str) -> str:
        copy = self.code.name("v")
        self.code.line(f"{copy} = {value}")
        return copy

    def _checked(self, value: str, check: Guard | None, field: Field | None) -> str:
        """The variable of what is kept unless it is missing; what `check` does not accept is for the model."""
        code, required = self.code, field is not None and field.required
        if self.plan.drops_null(field is not None and field.nullable):
            value = self._copy(value)
            with code.block(f"if {value} is None:"):
                code.line(f"{value} = M")
            check = bare(check) if check not in (None, PRESENT) else None
        test, ready = check.write(code, value) if check is not None else ("True", value)
        if test == "True" and required:
            test = f"{value} is not M"
        if ready != value:
            value = self._copy(value)
            with code.block(f"if {test}:"):
                code.line(f"{value} = {ready}")
            with code.block("else:" if required else f"elif {value} is not M:"):
                code.line("ok = False")
        elif test != "True":
            with code.block(f"if not ({test}){'' if required else f' and {value} is not M'}:"):
                code.line("ok = False")
        return value

    def _object(self, result: str, fields: Sequence[tuple[str, str]]) -> None:
        """A dict of what is not missing. To make it whole, and then take away what is, is the quicker way."""
        self.code.line(f"{result} = {{{', '.join(f'{name!r}: {value}' for name, value in fields)}}}")
        for name, value in fields:
            with self.code.block(f"if {value} is M:"):
                self.code.line(f"del {result}[{name!r}]")

    # ------------------------------------------------------------------ rules
    def _rule(self, rule: Rule, guard: Guard, field: str, scope: Scope) -> tuple[str, bool]:
        """Write a rule. Returns the variable with its value or M, and whether all but null surely fits the guard."""
        if rule.when is None:
            return self._always(rule, guard, field, scope)
        result = self._copy("M")
        with self.code.block(f"if {self._condition(rule.when, field, scope)}:"):
            value, proven = self._always(rule, guard, field, scope)
            self.code.line(f"{result} = {value}")
        self._require(rule, result, field)
        return result, proven

    def _always(self, rule: Rule, guard: Guard, field: str, scope: Scope) -> tuple[str, bool]:
        value, proven = self._source(rule, guard, field, scope)
        if rule.table is not None:
            value, proven = self._look_up(rule.table, value, field), _proves(rule.table, guard)
        if rule.convert is not None:
            value, proven = self._convert(rule.convert, value, field), _CANONICAL.get(rule.convert) is bare(guard)
        if rule.if_null is not None:
            value, proven = self._replace(value, "None", rule.if_null), proven and _fits(guard, rule.if_null)
        if rule.default is not None and not self.plan.partial:
            value, proven = self._replace(value, "M", rule.default), proven and _fits(guard, rule.default)
        if rule.when is None:
            self._require(rule, value, field)
        return value, proven

    def _require(self, rule: Rule, value: str, field: str) -> None:
        if rule.required and not self.plan.partial:
            origin = f" at {rule.source.path.text}" if isinstance(rule.source, Select) else ""
            absent = self.code.use(functions.absent)
            with self.code.block(f"if {value} is M:"):
                self.code.line(f"{absent}({self.code.constant(field)}, {self.code.constant(origin)})")

    def _replace(self, value: str, what: str, constant: Constant) -> str:
        copy = self._copy(value)
        with self.code.block(f"if {copy} is {what}:"):
            self.code.line(f"{copy} = {self.code.constant(constant.value)}")
        return copy

    def _source(self, rule: Rule, guard: Guard, field: str, scope: Scope) -> tuple[str, bool]:
        match rule.source:
            case Select() as select:
                return self._select(select, guard, field, scope)
            case Constant() as constant:
                return self._copy(self.code.constant(constant.value)), _fits(guard, constant)
            case Template() as template:
                return self._template(template, field, scope), False
            case FirstOf(rules):
                return self._first_of(rules, field, scope), False
            case Nested(fields):
                return self._nested(fields, guard, field, scope), True

    def _select(self, select: Select, guard: Guard, field: str, scope: Scope) -> tuple[str, bool]:
        if not select.all:
            return scope.one(select.path, field), scope.root == "d" and self._ensured(select.path, guard)
        each = select.each
        item = _item_guard(guard) if select.join is None else OPAQUE

        def keep(match: str, result: str) -> None:
            value, check = match, None if select.join is not None else item
            if each is not None:
                value, proven = self._rule(each, item, field, self._scope(match, [each]))
                check = None if select.join is not None else _left_to_check(item, proven)
            value = self._checked_item(value, check)
            with self.code.block(f"if {value} is not M:"):
                self.code.line(f"{result}.append({value})")

        result = scope.many(select.path, field, keep)
        if select.join is not None:
            return self._join(select.join, result, field), False
        return result, True

    def _ensured(self, path: Path, guard: Guard) -> bool:
        """Whether the record's own checks have ensured already what the guard asks of a field."""
        name = path.prefix[0] if path.singular and len(path.prefix) == 1 else None
        known = self.plan.given.fields.get(str(name)) if self.plan.given is not None and name is not None else None
        return known is not None and implies(known.guard, guard)

    def _checked_item(self, value: str, check: Guard | None) -> str:
        """An item of a list: a null in it stays, whatever becomes of a null field."""
        plan, self.plan = self.plan, dataclasses.replace(self.plan, drops_null=lambda nullable: False)
        value = self._checked(value, check, None)
        self.plan = plan
        return value

    def _join(self, separator: str, values: str, field: str) -> str:
        code = self.code
        result, glue = self._copy(values), code.constant(separator)
        with code.block(f"if {result} is not M:"):
            with code.block("try:"):
                code.line(f"{result} = {glue}.join({values})")
            with code.block("except TypeError:"):
                code.line(f"{result} = {code.use(functions.join)}({glue}, {values}, {code.constant(field)})")
        return result

    def _template(self, template: Template, field: str, scope: Scope) -> str:
        code = self.code
        parts = [
            code.constant(part) if isinstance(part, str) else scope.one(part.path, field) for part in template.parts
        ]
        selected = [name for name, part in zip(parts, template.parts, strict=True) if not isinstance(part, str)]
        result = code.name("v")
        with code.block(f"if {' and '.join(f'{name}.__class__ is str' for name in selected)}:"):
            code.line(f"{result} = f'{''.join(f'{{{name}}}' for name in parts)}'")
        with code.block("else:"):
            code.line(f"{result} = {code.use(functions.render)}(({', '.join(parts)},), {code.constant(field)})")
        return result

    def _first_of(self, rules: Sequence[Rule], field: str, scope: Scope) -> str:
        """The first that is neither missing nor null. Of a record sent in part, a constant and the id say nothing."""
        spoken = [rule for rule in rules if not (self.plan.partial and _always_there(rule))] or rules
        result = self._copy(self._rule(spoken[0], OPAQUE, field, scope)[0])
        for rule in spoken[1:]:
            with self.code.block(f"if {result} is M or {result} is None:"):
                self.code.line(f"{result} = {self._rule(rule, OPAQUE, field, scope)[0]}")
        with self.code.block(f"if {result} is None:"):
            self.code.line(f"{result} = M")
        return result

    def _nested(self, fields: Mapping[str, Rule], guard: Guard, field: str, scope: Scope) -> str:
        """An object; missing if all of its fields are."""
        plain = bare(guard)
        shape = plain.shape if isinstance(plain, ModelOf) and plain.shape.quick else None
        made = []
        for name in _in_order(list(fields), shape):
            known = shape.fields.get(name) if shape else None
            inner = known.guard if known else ANY_JSON if plain is ANY_JSON else OPAQUE
            value, proven = self._rule(fields[name], inner, f"{field}.{name}", scope)
            made.append((name, self._checked(value, _left_to_check(inner, proven), known)))
        result = self.code.name("v")
        self._object(result, made)
        if shape is not None and set(_required(shape)) - set(fields):
            self.code.line("ok = False")
        with self.code.block(f"if not {result}:"):
            self.code.line(f"{result} = M")
        return result

    # ------------------------------------------------------------------ values
    def _look_up(self, table: Lookup, value: str, field: str) -> str:
        """Text is looked up at once; other scalars, and what the table must reject, by `look_up`."""
        code = self.code
        result, entries = code.name("v"), code.bind("c", table.entries)
        slow = f"{code.use(functions.look_up)}({code.bind('c', table)}, {value}, {code.constant(field)})"
        unknown = {"omit": "M", "keep": value}.get(table.unknown.action, code.constant(table.unknown.value))
        rejects = table.unknown.action == "reject"
        with code.block(f"if {value}.__class__ is str{f' and {value} in {entries}' if rejects else ''}:"):
            code.line(f"{result} = {entries}[{value}]" if rejects else f"{result} = {entries}.get({value}, {unknown})")
        with code.block(f"elif {value} is None or {value} is M:"):
            code.line(f"{result} = {value}")
        with code.block("else:"):
            code.line(f"{result} = {slow}")
        return result

    def _convert(self, conversion: Any, value: str, field: str) -> str:
        result = self._copy(value)
        function = self.code.use(functions.CONVERSIONS[conversion])
        ready = f" and {value}.__class__ is not {_READY[conversion]}" if conversion in _READY else ""
        quick = f"{self.code.use(timestamp)}({value}) or " if conversion == "datetime" else ""
        with self.code.block(f"if {value} is not M and {value} is not None{ready}:"):
            self.code.line(f"{result} = {quick}{function}({value}, {self.code.constant(field)})")
        return result

    def _condition(self, condition: Condition, field: str, scope: Scope) -> str:
        match condition.test:
            case "present":
                test = scope.some(condition.path, field)
            case "null":
                test = f"{scope.one(condition.path, field)} is None"
            case _:
                value, keys = scope.one(condition.path, field), frozenset(map(json_key, condition.values))
                test = f"{self.code.use(functions.is_one_of)}({value}, {self.code.bind('c', keys)})"
        return f"not ({test})" if condition.negated else test


_READY = {"bool": "bool", "int": "int", "string": "str"}
"""What a conversion leaves as it is."""
_CANONICAL: Mapping[str, Guard] = {"datetime": STAMP, "bool": FLAG}
"""Conversions that give nothing but what a guard accepts."""


def _fits(guard: Guard, constant: Constant) -> bool:
    return constant.value is None or accepts_all(bare(guard), [constant.value])


def _proves(table: Lookup, guard: Guard) -> bool:
    """Whether all that a table can give surely fits."""
    values = [value for value in (*table.entries.values(), table.unknown.value) if value is not None]
    return table.unknown.action != "keep" and accepts_all(bare(guard), values)


def _left_to_check(guard: Guard, proven: bool) -> Guard | None:
    if not proven:
        return guard
    return None if isinstance(guard, OrNull | Json) else PRESENT


def _item_guard(guard: Guard) -> Guard:
    plain = bare(guard)
    if isinstance(plain, ListOf):
        return plain.item
    return ANY_JSON if plain is ANY_JSON else OPAQUE


def _required(shape: Shape) -> list[str]:
    return [name for name, field in shape.fields.items() if field.required]


def _in_order(names: Sequence[str], shape: Shape | None) -> list[str]:
    """The order in which the model writes its fields, then the others."""
    known = shape.fields if shape else {}
    return [*(name for name in known if name in names), *(name for name in names if name not in known)]


def _always_there(rule: Rule) -> bool:
    """Whether it gives something for every record, so that falling back to it would overwrite what the whole has."""
    match rule.source:
        case Constant():
            return True
        case Select(path):
            return path.text in ("$.id", "$['id']")
        case _:
            return False
