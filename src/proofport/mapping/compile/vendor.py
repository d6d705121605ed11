"""Neutral records to one vendor's exact bodies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import methodcaller
from typing import Any

import orjson
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from proofport.adapter import Body
from proofport.errors import Problem, Rejected, UsageError, ValueUnknown
from proofport.evidence import Evidence, Neutral, model_of
from proofport.mapping.compile.bodies import body_schema, model_from_rules
from proofport.mapping.compile.evidence import not_json, partial_model
from proofport.mapping.compile.fields import Plan, compile_plan
from proofport.mapping.compile.guards import shape_of
from proofport.mapping.language.kinds import check_fields, constants, wire_fields
from proofport.mapping.language.nodes import Lookup, MappingFile, Rule, Select, Skip, Split, Vendor, is_the_id
from proofport.mapping.language.paths import parse
from proofport.text.wording import listing, problem_of, problems_of, reject
from proofport.text.yaml_nodes import Mark


def compile_vendor(file: MappingFile | None, body: Body, kind: str, vendor: str) -> VendorMapping:
    """A vendor mapping for one body, ready to run; without a file, every field but `extras` goes as it is.

    Raises UsageError when the file is for another vendor, body or kind, and MappingError where a rule cannot give what
    the body takes.
    """
    if file is None:
        return _pass_through(body, vendor)
    file = _with_words(file, body)
    _check_target(file, body, kind, vendor)
    _check_id(file, body)
    if body.only:
        file = replace(file, fields={name: rule for name, rule in file.fields.items() if name in body.only})
    if body.arrays == "refuse":
        _check_no_arrays(file)
    if body.model is not None:
        loose = partial_model(body.model)
        check_fields(file, file.fields, loose if body.partial else body.model, f"the body {body.name}")
        _check_constants(file, loose)
    whole = body.model or model_from_rules(body.name, file.fields, model_of(kind), body.id_field)
    model: type[BaseModel] = partial_model(whole, body.id_field, nulls=body.nulls == "send") if body.partial else whole
    plan = Plan(
        title=file.name,
        rules=file.fields,
        shape=shape_of(model, flat=body.arrays == "refuse" or body.nulls == "omit"),
        by_model=_model_check(model, body, vendor),
        signature="convert(d, M=M)",
        finish="return out if ok and 'extras' not in d else by_model(out, d)",
        partial=body.partial,
        nulls=body.nulls,
    )
    made = partial(model_from_rules, body.name, file.fields, model_of(kind), body.id_field)
    shown = file.display_name or body.id_field
    return VendorMapping(compile_plan(plan), tuple(file.fields), whole, shown, made, file.skips)


@dataclass(frozen=True, slots=True)
class VendorMapping:
    """One vendor mapping. Call it with a neutral dict for the vendor's body; raises Rejected."""

    convert: Callable[[Neutral], dict[str, Any]]
    #: Every top-level field that the mapping can make, in the file's order.
    fields: tuple[str, ...]
    #: The whole body.
    model: type[BaseModel]
    #: The field that a person knows the record by.
    display_name: str
    #: Makes the model of what the rules alone make, whatever the vendor takes.
    made: Callable[[], type[BaseModel]]
    #: The evidence that it leaves out (`compile_skips`).
    skips: tuple[Skip, ...] = ()
    #: True if a record of scalars, none of them null, is its own body.
    as_they_are: bool = False

    def encode(self, block: Sequence[Neutral]) -> list[bytes]:
        """The bodies of several records as JSON. Raises Rejected, and TypeError for what JSON cannot carry."""
        if self.as_they_are:
            bodies = encode(block)
            text = b"".join(bodies)
            if not (any(map(_LAST_BRACE, bodies)) or b"[" in text or b":null" in text):
                return bodies
        return encode(list(map(self.convert, block)))

    def __call__(self, neutral: Neutral) -> dict[str, Any]:
        return self.convert(neutral)

    def json_schema(self) -> dict[str, Any]:
        """The JSON Schema of the whole body: `required` is always there, null is part of a type union."""
        return body_schema(self.model)

    def made_schema(self) -> dict[str, Any]:
        """The JSON Schema of what the rules make: for a model that takes any properties, those that it gets."""
        return body_schema(self.made())

    @property
    def types(self) -> Mapping[str, str] | None:
        """The JSON type of each field, integers as numbers; None where the mapping does not prove all of them."""
        properties = self.json_schema()["properties"]
        found = {name: _one_type(properties.get(name, {}).get("type")) for name in self.fields}
        return found if found and all(found.values()) else None


def _one_type(declared: object) -> str:
    """The one type besides null; nothing where there are several."""
    names = declared if isinstance(declared, list) else [declared]
    kinds = {"number" if name == "integer" else str(name) for name in names if name not in ("null", None)}
    return kinds.pop() if len(kinds) == 1 else ""


def _with_words(file: MappingFile, body: Body) -> MappingFile:
    """The tenant's own words in the tables of the fields that they are for."""
    fields = dict(file.fields)
    for name, words in body.words.items():
        rule = fields.get(name)
        tables = [change for change in rule.changes if isinstance(change, Lookup)] if rule else []
        if rule is None or not tables:
            found = "no rule with a table"
            raise file.at.error(found, f"one for {name!r}, since the configuration has words for it", field=name)
        own = {tables[0].key(word): becomes for word, becomes in words.items()}
        table = replace(tables[0], entries={**tables[0].entries, **own})
        fields[name] = replace(rule, changes=tuple(table if each is tables[0] else each for each in rule.changes))
    return replace(file, fields=fields)


# ------------------------------------------------------------------ checks of the file
def _check_target(file: MappingFile, body: Body, kind: str, vendor: str) -> None:
    if not isinstance(file.to, Vendor):
        raise UsageError(f"{file.name} is a source mapping", hint="A vendor mapping has `to: {vendor: …, body: …}`.")
    if (file.to.vendor, file.to.body) != (vendor, body.name):
        makes = f"{file.to.vendor}'s {file.to.body}"
        raise file.at.error(f"a mapping to {makes}", f"one to {vendor}'s {body.name}, which takes {kind}")
    if file.from_kind != kind:
        raise file.at.error(f"a mapping from {file.from_kind}", f"one from {kind}")


def _check_id(file: MappingFile, body: Body) -> None:
    rule = file.fields.get(body.id_field)
    if rule is None:
        raise file.at.error(f"no rule for {body.id_field!r}", f"{body.id_field}: $.id")
    if not is_the_id(rule) or rule.when or rule.changes:
        hint = "The vendor's id is the id of the evidence; to change it, change the source mapping."
        raise rule.at.error("another rule", f"exactly {body.id_field}: $.id", field=body.id_field, hint=hint)


def _check_no_arrays(file: MappingFile) -> None:
    for name, rule in file.fields.items():
        listed = isinstance(rule.source, Select) and rule.source.all and rule.source.join is None
        if listed or any(isinstance(change, Split) for change in rule.changes):
            hint = 'Join the items: {path: "$.roles[*]", join: ","}.'
            raise rule.at.error("a list", "a single value: this vendor ignores arrays", field=name, hint=hint)


def _check_constants(file: MappingFile, loose: type[BaseModel]) -> None:
    """Raise MappingError for a constant that the model would refuse."""
    for name, rule in file.fields.items():
        for value, at in constants(rule):
            try:
                if value is not None:
                    loose.model_validate_json(orjson.dumps({name: value}), strict=True)
            except ValidationError as error:
                problem = problem_of(error, name, ())
                raise at.error(problem.found, problem.expected, field=name, hint=problem.hint) from None


# ------------------------------------------------------------------ the model's own check
def _model_check(
    model: type[BaseModel], body: Body, vendor: str
) -> Callable[[dict[str, Any], Neutral], dict[str, Any]]:
    """Merge `extras`, then let the model decide and word the rejection."""
    names = list(wire_fields(model))

    def by_model(out: dict[str, Any], neutral: Neutral) -> dict[str, Any]:
        extras = (neutral.get("extras") or {}).get(vendor, {})
        if body.id_field in extras:
            field = f"extras.{vendor}.{body.id_field}"
            raise reject(field, "the id", "other fields: the vendor's id is the id of the evidence")
        merged = {**out, **extras}
        if body.only:
            merged = {name: value for name, value in merged.items() if name in body.only}
        if body.nulls == "omit":
            merged = _without_nulls(merged)
        if body.arrays == "refuse":
            _refuse_arrays(merged)
        try:
            valid = model.model_validate_json(orjson.dumps(merged), strict=True)
        except ValidationError as error:
            problem = _hinted(problem_of(error, f"{vendor}'s {body.name}", names), body, error)
            if body.unknown != "reject" and _only_lacks(error):
                lacking = _with_others(problem, error, names)
                raise ValueUnknown(lacking, excluded=body.unknown == "exclude") from None
            raise Rejected(problem) from None
        except TypeError as error:
            raise not_json(error) from error
        return valid.model_dump(mode="json", by_alias=True, exclude_unset=True)

    return by_model


def _hinted(problem: Problem, body: Body, error: ValidationError) -> Problem:
    """The first problem of a record, with the hint that the vendor's adapter has for the value."""
    first = error.errors(include_url=False, include_context=False)[0]
    value = "" if _lacks(first) else first["input"] or None
    hints = body.hints.get(problem.field or "", {})
    return replace(problem, hint=hints[value]) if isinstance(value, str) and value in hints else problem


def _with_others(problem: Problem, error: ValidationError, names: Sequence[str]) -> Problem:
    """The first value that a record lacks, with the names of all the others."""
    _, *others = [str(each.field) for _, each in problems_of(error, "", names)]
    more = f"It lacks {listing(others, LACKING)} as well." if others else None
    return replace(problem, hint=" ".join(filter(None, (more, problem.hint))))


def _only_lacks(error: ValidationError) -> bool:
    """True if nothing is wrong but values that are missing, or null."""
    return all(map(_lacks, error.errors(include_url=False, include_context=False)))


def _lacks(detail: ErrorDetails) -> bool:
    return detail["type"] == "missing" or detail["input"] is None


def _without_nulls(value: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _without_nulls(inner) if isinstance(inner, dict) else inner
        for key, inner in value.items()
        if inner is not None
    }


def _refuse_arrays(value: Any, field: str = "") -> None:
    if isinstance(value, list):
        hint = 'The vendor ignores arrays, so their content would be lost. Join the items: {path: "$.x[*]", join: ","}.'
        raise reject(field, f"an array of {len(value)}", "a single value", hint)
    if isinstance(value, dict):
        for name, inner in value.items():
            _refuse_arrays(inner, f"{field}.{name}" if field else name)


LACKING = 20
"""So many fields are named that a record lacks."""

_SCALARS = frozenset((str, bool, int, float, type(None)))

_LAST_BRACE = methodcaller("rfind", b"{")
"""Where the last brace of a body opens: at 0, which is false, where it is the only one."""


def _pass_through(body: Body, vendor: str) -> VendorMapping:
    """Every field but `extras`, as it is. Without a schema nothing tells which field may be null: all, or none."""
    whole = body.model or _only_an_id(body.id_field)
    model = partial_model(whole, body.id_field, nulls=body.nulls == "send") if body.partial else whole
    by_model = _model_check(model, body, vendor)
    same = body.model is None and body.id_field == "id" and not body.only
    drops = body.nulls != "send"

    def convert(neutral: Neutral) -> dict[str, Any]:
        fields = neutral
        if drops and None in neutral.values():
            fields = {name: value for name, value in neutral.items() if value is not None}
        if same and _SCALARS.issuperset(map(type, fields.values())):
            return fields
        others = {name: value for name, value in fields.items() if name not in ("id", "extras")}
        if body.id_field in others:
            raise reject(body.id_field, "a field", f"no field {body.id_field!r}: there the vendor gets the id")
        return by_model({body.id_field: neutral["id"], **others}, neutral)

    return VendorMapping(convert, (), whole, body.id_field, lambda: whole, as_they_are=same)


def _only_an_id(id_field: str) -> type[BaseModel]:
    at = Mark("", 1, 1)
    return model_from_rules("record", {id_field: Rule(at=at, source=Select(parse("$.id"), at))}, Evidence, id_field)


def encode(bodies: Sequence[dict[str, Any]]) -> list[bytes]:
    """The JSON of each body. Raises TypeError for what JSON cannot carry.

    The line end is there only so that `rstrip` makes a copy: what comes from the encoder keeps the 4 KB that it began
    with.
    """
    return [orjson.dumps(body, None, orjson.OPT_APPEND_NEWLINE).rstrip() for body in bodies]
