"""Rules to one Python function: it reads what the rules select, makes the fields, checks them, and returns a record."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from proofport.errors import Rejected
from proofport.mapping.compile import functions
from proofport.mapping.compile.changes import Changes
from proofport.mapping.compile.code import Code
from proofport.mapping.compile.guards import ANY_JSON, OPAQUE, TIME, Field, Guard, Shape, acceptor_of_items
from proofport.mapping.compile.projection import Part
from proofport.mapping.compile.reading import Scope
from proofport.mapping.language.kinds import constants
from proofport.mapping.language.nodes import (
    Constant,
    Convert,
    FirstOf,
    Lookup,
    Nested,
    Parent,
    Rule,
    Select,
    Skip,
    Template,
    is_the_id,
    selects,
)
from proofport.mapping.language.values import Nothing


@dataclass(frozen=True, slots=True)
class Plan:
    """The description of one function: it turns a record `d` into a dict `out`, which has the fields of `shape`."""

    title: str
    rules: Mapping[str, Rule]
    shape: Shape
    #: The model's check. It decides on every record that the guards do not accept.
    by_model: Callable[..., Any]
    signature: str
    #: The last line. `ok` is true when the guards have accepted every field.
    finish: str
    #: Decided before anything else is made of a record.
    skips: Sequence[Skip] = ()
    #: What the values of `parents` are for.
    parents: Sequence[Parent] = ()
    #: Values for fields that neither the rules nor the parents make.
    values: Mapping[str, str] = dataclasses.field(default_factory=dict)
    #: True when only what the record says is sent, so that no default stands in for it.
    partial: bool = False
    #: What becomes of null: see `Body`.
    nulls: Literal["send", "omit", "nullable"] = "send"
    #: The part of a record that the projection decodes. The function then returns None where a whole record is needed.
    part: Part | None = None
    #: The scalars that are missing wherever a path reads them.
    nothing: Nothing | None = None


def compile_plan(plan: Plan) -> Callable[..., Any]:
    return _Compiler(plan).compile()


def compile_skips(skips: Sequence[Skip], title: str) -> Callable[[Any], None] | None:
    """A function that raises LeftOut for a record that is left out, and Rejected for one that lacks what decides it."""
    plan = Plan(
        title, rules={}, shape=NO_FIELDS, by_model=dict, signature="decide(d, M=M)", finish="return", skips=skips
    )
    return compile_plan(plan) if skips else None


def compile_rule(rule: Rule, nothing: Nothing | None) -> Callable[[Any], Any]:
    """A function from a record to what one rule makes of it, or MISSING. It raises Rejected where the rule refuses."""
    plan = Plan(
        "a rule",
        rules={"value": rule},
        shape=NO_FIELDS,
        by_model=dict,
        signature="make(d, M=M)",
        finish="return out.get('value', M)",
        nothing=nothing,
    )
    return compile_plan(plan)


class _Compiler:
    """Writes one function. Its methods write the code of a rule, and return the variable with the value or M."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.code = Code(plan.nothing)
        self.changes = Changes(self.code, partial=plan.partial)

    def compile(self) -> Callable[..., Any]:
        code, plan = self.code, self.plan
        code.namespace["by_model"] = plan.by_model
        if plan.part is None:
            self._body()
        else:
            self._body_that_declines(plan.part)
        return code.function(plan.signature, plan.title)

    def _body(self) -> None:
        code, plan = self.code, self.plan
        code.line(f"ok = {plan.shape.quick}")
        code.line("lacks = False")
        scope = self._scope("d", [*(skip.rule for skip in plan.skips), *plan.rules.values()])
        for skip in plan.skips:
            self._skip(skip, scope)
        names = dict.fromkeys([*plan.rules, *(parent.field for parent in plan.parents), *plan.values])
        fields = [(name, self._field(name, scope)) for name in _in_order(names, plan.shape)]
        self._object("out", fields)
        if fields:
            with code.block("if lacks or not ok:"):
                self._drop_missing("out", fields)
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

    def _scope(self, root: str, rules: Iterable[Rule]) -> Scope:
        return Scope(self.code, root, [select.path for rule in rules for select in selects(rule)])

    def _field(self, name: str, scope: Scope) -> str:
        """One field of the record itself, made by its rule, else by what fills it. A guard checks it."""
        code, plan, rule = self.code, self.plan, self.plan.rules.get(name)
        field = plan.shape.fields.get(name) or (ANY_FIELD if plan.shape.others else UNKNOWN_FIELD)
        value = self._rule(rule, field.guard, name, scope) if rule else "M"
        fills: list[str | Parent] = [parent for parent in plan.parents if parent.field == name]
        fills += [code.constant(plan.values[name])] if name in plan.values else []
        for fill in fills:
            value = self._copy(value)
            with code.block(f"if {value} is M:"):
                code.line(f"{value} = {fill if isinstance(fill, str) else self._parent(fill, field.guard)}")
        value = self._without_null(value, field.nullable)
        if rule is not None and not fills and _always_fits(rule, field):
            with code.block(f"if {value} is M:"):
                code.line("lacks = True")
            return value
        if field.guard.converts:
            value = self._copy(value)
        field.write(code, value, accepted=value, refused="ok = False", lacks="lacks = True")
        return value

    def _parent(self, parent: Parent, guard: Guard) -> str:
        """The value from around the record, or what a rule makes of the elements there."""
        given = f"parents[{self.plan.parents.index(parent)}]"
        if parent.rule is None:
            return given
        elements = self._copy(given)
        return self._rule(parent.rule, guard, parent.field, self._scope(elements, [parent.rule]))

    def _without_null(self, value: str, nullable: bool) -> str:
        if self.plan.nulls == "send" or (self.plan.nulls == "nullable" and nullable):
            return value
        value = self._copy(value)
        with self.code.block(f"if {value} is None:"):
            self.code.line(f"{value} = M")
        return value

    def _copy(self, value: str) -> str:
        return self.code.copy(value)

    def _object(self, result: str, fields: Sequence[tuple[str, str]]) -> None:
        """A dict of all fields, for `_drop_missing` to finish. Making it whole first is quicker."""
        self.code.line(f"{result} = {{{', '.join(f'{name!r}: {value}' for name, value in fields)}}}")

    def _drop_missing(self, result: str, fields: Sequence[tuple[str, str]]) -> None:
        """Not needed where every guard has accepted its field: see `lacks`."""
        for name, value in fields:
            with self.code.block(f"if {value} is M:"):
                self.code.line(f"del {result}[{name!r}]")

    def _skip(self, skip: Skip, scope: Scope) -> None:
        """Leave the record out if the test says so. A line is declined: the whole record tells why."""
        code, this = self.code, self.code.bind("s", skip)
        leave = "return None" if self.plan.part is not None else f"{code.use(functions.leave_out)}({this})"
        needed = [scope.one(path, functions.SKIP) for path in skip.needs]
        told = self._rule(skip.rule, OPAQUE, functions.SKIP, scope)
        undecided = f"({' or '.join(f'{value} is M' for value in needed)})" if needed else "False"
        if skip.missing == "reject" and needed:
            with code.block(f"if {undecided}:"):
                code.line(f"{code.use(functions.undecided)}({this})")
        with code.block(
            f"if {undecided} or {told} is not M:"
            if skip.missing == "skip"
            else f"if not {undecided} and {told} is not M:"
        ):
            code.line(leave)

    # ------------------------------------------------------------------ rules
    def _rule(self, rule: Rule, guard: Guard, field: str, scope: Scope) -> str:
        """`guard` is that of the field: it tells the fields of a nested object, and if they may be null."""
        code = self.code
        if rule.when is None:
            value = self._made(rule, guard, field, scope)
        else:
            value = self._copy("M")
            with code.block(f"if {scope.holds(rule.when, field)}:"):
                code.line(f"{value} = {self._made(rule, guard, field, scope)}")
        if rule.required and not self.plan.partial:
            origin = f" at {rule.source.path.text}" if isinstance(rule.source, Select) else ""
            with code.block(f"if {value} is M:"):
                code.line(f"{code.use(functions.absent)}({code.constant(field)}, {code.constant(origin)})")
        return value

    def _made(self, rule: Rule, guard: Guard, field: str, scope: Scope) -> str:
        return self.changes.write(rule.changes, self._source(rule, guard, field, scope), field)

    def _source(self, rule: Rule, guard: Guard, field: str, scope: Scope) -> str:
        match rule.source:
            case Select(all=True) as select:
                return self._list(select, guard, field, scope)
            case Select(path):
                return scope.one(path, field)
            case Constant(value):
                return self._copy(self.code.constant(value))
            case Template() as template:
                return self._template(template, field, scope)
            case FirstOf(rules):
                return self._first_of(rules, field, scope)
            case Nested(fields):
                return self._nested(fields, guard.shape, field, scope)

    def _list(self, select: Select, guard: Guard, field: str, scope: Scope) -> str:
        each, code = select.each, self.code

        def keep(match: str, result: str) -> None:
            if each is None:
                code.line(f"{result}.append({match})")
                return
            value = self._rule(each, guard.item or OPAQUE, field, self._scope(match, [each]))
            with code.block(f"if {value} is not M:"):
                code.line(f"{result}.append({value})")

        result = scope.many(select.path, field, keep)
        return result if select.join is None else self._join(select.join, result, field)

    def _join(self, separator: str, values: str, field: str) -> str:
        code, result = self.code, self._copy(values)
        glue, slow = code.constant(separator), code.use(functions.join)
        with code.block(f"if {result} is not M:"):
            with code.block("try:"):
                code.line(f"{result} = {glue}.join({values})")
            with code.block("except TypeError:"):
                code.line(f"{result} = {slow}({glue}, {values}, {code.constant(field)})")
        return result

    def _template(self, template: Template, field: str, scope: Scope) -> str:
        code = self.code
        parts = [
            code.constant(part) if isinstance(part, str) else scope.one(part.path, field) for part in template.parts
        ]
        selected = [name for name, part in zip(parts, template.parts, strict=True) if not isinstance(part, str)]
        texts = " and ".join(f"{name}.__class__ is str" for name in selected)
        quick, slow = "".join(f"{{{name}}}" for name in parts), code.use(functions.render)
        return self._copy(f"f'{quick}' if {texts} else {slow}(({', '.join(parts)},), {code.constant(field)})")

    def _first_of(self, rules: Sequence[Rule], field: str, scope: Scope) -> str:
        """The first that is neither missing nor null. Of a record sent in part, a constant and the id say nothing."""
        spoken = [
            rule for rule in rules if not (self.plan.partial and (isinstance(rule.source, Constant) or is_the_id(rule)))
        ] or rules
        result = self._copy(self._rule(spoken[0], OPAQUE, field, scope))
        for rule in spoken[1:]:
            with self.code.block(f"if {result} is M or {result} is None:"):
                self.code.line(f"{result} = {self._rule(rule, OPAQUE, field, scope)}")
        with self.code.block(f"if {result} is None:"):
            self.code.line(f"{result} = M")
        return result

    def _nested(self, fields: Mapping[str, Rule], shape: Shape | None, field: str, scope: Scope) -> str:
        """An object; missing if all of its fields are."""
        made = []
        for name, rule in fields.items():
            known = shape.fields.get(name) if shape else None
            value = self._rule(rule, known.guard if known else OPAQUE, f"{field}.{name}", scope)
            made.append((name, self._without_null(value, known is not None and known.nullable)))
        result = self.code.name("v")
        self._object(result, made)
        self._drop_missing(result, made)
        with self.code.block(f"if not {result}:"):
            self.code.line(f"{result} = M")
        return result


NO_FIELDS = Shape(BaseModel, {}, quick=True, others=False)
ANY_FIELD, UNKNOWN_FIELD = (Field(guard, required=False, nullable=False) for guard in (ANY_JSON, OPAQUE))
"""A field that the model does not name, where it takes such fields and where it does not."""


def _in_order(names: Iterable[str], shape: Shape) -> list[str]:
    """The order in which the model writes its fields, then the others."""
    return [*(name for name in shape.fields if name in names), *(name for name in names if name not in shape.fields)]


def _always_fits(rule: Rule, field: Field) -> bool:
    """True if every value that a rule can make fits its field, so that no guard has to look at it."""
    if field.required or field.guard.item or field.guard.shape:
        return False
    match rule.changes:
        case (Convert(to=to), *_):
            known = to == "datetime" and field.guard.uses == TIME.uses
        case (Lookup(unknown=unknown), *_):
            known = unknown.action != "keep"
        case _:
            known = isinstance(rule.source, Constant)
    values = [None, *(value for value, _ in constants(rule))]
    return known and acceptor_of_items(field.guard)(values) == values
