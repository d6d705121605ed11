"""Quick checks generated from pydantic models.

A guard accepts a value only if the model would accept it and give back equal bytes; whatever it does not accept at
once goes to the model, which alone decides and words the error. What is not recognised here is never accepted quickly.
"""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import BaseModel, JsonValue
from pydantic.fields import FieldInfo

from proofport.evidence.base import Timestamp
from proofport.mapping.checks import LEAST, MOST, is_json, is_scalar, is_text, timestamp
from proofport.mapping.code import Code, Trust

_QUIET_CONFIG = {"frozen", "extra", "strict", "title", "hide_input_in_errors", "allow_inf_nan"}


class Guard:
    """The check of one type. `write` names an expression that is true for what is surely accepted, and the variable
    that then holds the canonical value."""

    converts = False

    def write(self, code: Code, value: str) -> tuple[str, str]:
        return "False", value


OPAQUE = Guard()
"""Never accepts quickly."""


@dataclass(frozen=True, slots=True)
class Plain(Guard):
    """A test in one expression, `{0}` being the value."""

    test: str
    functions: tuple[Callable[..., Any], ...] = ()
    constant: Any = None

    def write(self, code: Code, value: str) -> tuple[str, str]:
        for function in self.functions:
            code.use(function)
        constant = code.bind("c", self.constant) if self.constant is not None else ""
        return self.test.format(value, constant), value


@dataclass(frozen=True, slots=True)
class Text(Guard):
    """Text that UTF-8 can carry. `lengths`: what else is asked of it, as the end of the expression."""

    lengths: str = ""

    def write(self, code: Code, value: str) -> tuple[str, str]:
        carried = f" and ({value}.isascii() or {code.use(is_text)}({value}))" if code.trust == "nothing" else ""
        return f"{value}.__class__ is str{carried}{self.lengths.format(value)}", value


@dataclass(frozen=True, slots=True)
class Converted(Guard):
    """A function that gives the canonical value, or None for what it cannot quickly accept."""

    function: Callable[[Any], Any]
    converts = True

    def write(self, code: Code, value: str) -> tuple[str, str]:
        ready = code.name("w")
        return f"({ready} := {code.bind('f', self.function)}({value})) is not None", ready


@dataclass(frozen=True, slots=True)
class OrNull(Guard):
    inner: Guard

    @property
    def converts(self) -> bool:  # type: ignore[override]
        return self.inner.converts

    def write(self, code: Code, value: str) -> tuple[str, str]:
        test, ready = self.inner.write(code, value)
        return (f"{value} is None", value) if test == "False" else (f"{test} or {value} is None", ready)


@dataclass(frozen=True, slots=True)
class ListOf(Guard):
    item: Guard

    @property
    def converts(self) -> bool:  # type: ignore[override]
        return self.item.converts

    def write(self, code: Code, value: str) -> tuple[str, str]:
        if self.item.converts:
            ready = code.name("w")
            function = code.bind("f", _list_acceptor(self.item, code.trust))
            return f"({ready} := {function}({value})) is not None", ready
        each = code.name("x")
        test, _ = self.item.write(code, each)
        return f"{value}.__class__ is list and all([{test} for {each} in {value}])", value


@dataclass(frozen=True, slots=True)
class DictOf(Guard):
    item: Guard

    def write(self, code: Code, value: str) -> tuple[str, str]:
        if self.item.converts:
            return "False", value
        key, each = code.name("x"), code.name("x")
        test, _ = self.item.write(code, each)
        return (
            f"{value}.__class__ is dict and all([{code.use(is_text)}({key}) and ({test}) "
            f"for {key}, {each} in {value}.items()])"
        ), value


@dataclass(frozen=True, slots=True)
class Field:
    guard: Guard
    required: bool
    nullable: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields of a model under their names on the wire, in the model's order. `quick`: nothing but the fields'
    own types decides, so that what the guards accept the model accepts."""

    model: type[BaseModel]
    fields: dict[str, Field]
    quick: bool
    others: bool


def flat(shape: Shape) -> Shape:
    """The same, but that arrays and objects are never accepted quickly."""
    fields = {name: dataclasses.replace(field, guard=_flat(field.guard)) for name, field in shape.fields.items()}
    return dataclasses.replace(shape, fields=fields)


def _flat(guard: Guard) -> Guard:
    match guard:
        case OrNull(inner):
            return OrNull(_flat(inner))
        case ListOf() | DictOf() | ModelOf():
            return OPAQUE
        case Json():
            return Json(flat=True)
        case _:
            return guard


def shape_of(model: type[BaseModel]) -> Shape:
    decorators = model.__pydantic_decorators__
    quiet = _QUIET_CONFIG.issuperset(model.model_config) and not (
        decorators.model_validators or decorators.model_serializers or decorators.root_validators
    )
    checked = {
        name
        for group in (decorators.field_validators, decorators.field_serializers, decorators.validators)
        for decorator in group.values()
        for name in getattr(decorator.info, "fields", ())
    }
    fields = {}
    for name, info in model.model_fields.items():
        wire = info.serialization_alias or name
        plain = wire == (info.validation_alias or name) and not checked & {name, "*"}
        nullable = type(None) in get_args(info.annotation)
        fields[wire] = Field(guard_of_field(info) if plain else OPAQUE, info.is_required(), nullable)
    return Shape(model, fields, quiet and not model.model_computed_fields, model.model_config.get("extra") == "allow")


def guard_of_field(info: FieldInfo) -> Guard:
    return guard_of(info.annotation, tuple(info.metadata)) if not info.exclude else OPAQUE


def guard_of(annotation: Any, metadata: tuple[Any, ...] = ()) -> Guard:
    """The guard of a type and what annotates it; OPAQUE for what is not recognised."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return guard_of(arguments[0], (*arguments[1:], *metadata))
    if annotation is datetime and metadata == Timestamp.__metadata__:  # type: ignore[attr-defined]
        return STAMP
    if annotation is str:
        return _text(metadata)
    if annotation is int:
        return _integer(metadata)
    if metadata:
        return _unpacked(annotation, metadata)
    if origin in (Union, types.UnionType):
        return _union(arguments)
    if origin is Literal and all(type(choice) is str for choice in arguments):
        return Plain(f"{_IS_STR} and {{0}} in {{1}}", constant=frozenset(arguments))
    if origin is list:
        return _or_opaque(ListOf, guard_of(arguments[0]))
    if origin is dict and arguments[0] is str:
        return _or_opaque(DictOf, guard_of(arguments[1]))
    if annotation == JsonValue:
        return ANY_JSON
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return ModelOf(shape_of(annotation))
    return _SIMPLE.get(annotation, OPAQUE) if isinstance(annotation, type) else OPAQUE


def _or_opaque(kind: Callable[[Guard], Guard], item: Guard) -> Guard:
    return OPAQUE if item is OPAQUE else kind(item)


@dataclass(frozen=True, slots=True)
class Json(Guard):
    """Any JSON, null included; with `flat` no array and no object."""

    flat: bool = False

    def write(self, code: Code, value: str) -> tuple[str, str]:
        if code.trust == "json":
            flat = f"({value}.__class__ is not list and {value}.__class__ is not dict)"
            return flat if self.flat else "True", value
        test = f"{code.use(is_scalar if self.flat else is_json)}({value})"
        text = "" if code.trust == "text" else f" and {value}.isascii()"
        return f"({value}.__class__ is str{text} or {value} is not M and {test})", value


_IS_STR = "{0}.__class__ is str"
TEXT = Text()
ANY_JSON = Json()
STAMP = Converted(timestamp)
FLAG = Plain("{0}.__class__ is bool")
PRESENT = Plain("{0} is not M and {0} is not None")
NUMBER = Plain(
    f"({{0}}.__class__ is int and {LEAST} <= {{0}} <= {MOST} or {{0}}.__class__ is float and isfinite({{0}}))",
    (math.isfinite,),
)
_SIMPLE: dict[type, Guard] = {
    bool: FLAG,
    float: Plain("{0}.__class__ is float and isfinite({0})", (math.isfinite,)),
}


def _text(metadata: tuple[Any, ...]) -> Guard:
    lengths = ""
    for constraint in constraints_of(metadata):
        match constraint:
            case MinLen(least):
                lengths += " and {0}" if least == 1 else f" and len({{0}}) >= {least}"
            case MaxLen(most):
                lengths += f" and len({{0}}) <= {most}"
            case _:
                return OPAQUE
    return Text(lengths)


def _integer(metadata: tuple[Any, ...]) -> Guard:
    least, most = LEAST, MOST
    for constraint in constraints_of(metadata):
        match constraint:
            case Ge(ge=int(bound)):
                least = max(least, bound)
            case Le(le=int(bound)):
                most = min(most, bound)
            case _:
                return OPAQUE
    return Plain(f"{{0}}.__class__ is int and {least} <= {{0}} <= {most}")


def constraints_of(metadata: tuple[Any, ...]) -> list[Any]:
    """What annotates a type, with the constraints that `Field(...)` carries inside an Annotated."""
    unpacked: list[Any] = []
    for each in metadata:
        unpacked += each.metadata if isinstance(each, FieldInfo) else [each]
    return unpacked


def _unpacked(annotation: Any, metadata: tuple[Any, ...]) -> Guard:
    """Constraints of pydantic's `Field` that hold nothing to check are no reason to give up."""
    return OPAQUE if constraints_of(metadata) else guard_of(annotation)


def _union(arguments: tuple[Any, ...]) -> Guard:
    if type(None) in arguments:
        return OrNull(_union(tuple(arm for arm in arguments if arm is not type(None))))
    if len(arguments) == 1:
        return guard_of(arguments[0])
    if set(arguments) == {int, float}:
        return NUMBER
    choices = [get_args(arm) for arm in arguments if get_origin(arm) is Literal]
    if len(choices) == len(arguments):
        return guard_of(Literal[tuple(choice for group in choices for choice in group)])
    return OPAQUE


@dataclass(frozen=True, slots=True)
class ModelOf(Guard):
    """A nested model: a dict that fits it, in its order."""

    shape: Shape
    converts = True

    def write(self, code: Code, value: str) -> tuple[str, str]:
        acceptor = acceptor_of(self.shape, code.trust)
        return Converted(acceptor).write(code, value) if acceptor else ("False", value)


def acceptor_of(shape: Shape, trust: Trust = "nothing") -> Callable[[Any], dict[str, Any] | None] | None:
    """A function that gives a dict back in the model's order if it surely fits, else None."""
    if not shape.quick:
        return None
    code = Code(trust)
    with code.block("if d.__class__ is not dict:"):
        code.line("return None")
    code.line("out = {}")
    for name, field in shape.fields.items():
        value = code.name("v")
        code.line(f"{value} = d.get({name!r}, M)")
        test, ready = field.guard.write(code, value)
        with code.block(f"if {test}:"):
            code.line(f"out[{name!r}] = {ready}")
        with code.block("else:" if field.required else f"elif {value} is not M:"):
            code.line("return None")
    if shape.others:
        _write_others(code, shape)
    code.line("return out if len(out) == len(d) else None")
    return code.function("accept(d)", f"guard of {shape.model.__name__}")


def _write_others(code: Code, shape: Shape) -> None:
    """Fields that the model does not name: any JSON, after the named ones, in their own order."""
    known = code.bind("c", frozenset(shape.fields))
    with code.block("if len(out) != len(d):"), code.block("for k, v in d.items():"):
        with code.block(f"if k in {known}:"):
            code.line("continue")
        test, _ = ANY_JSON.write(code, "v")
        with code.block(f"if not ({code.use(is_text)}(k) and {test}):"):
            code.line("return None")
        code.line("out[k] = v")


def implies(known: Guard, wanted: Guard) -> bool:
    """Whether everything but null that one guard accepts, the other accepts as well."""
    known, wanted = bare(known), bare(wanted)
    if wanted == TEXT and (known is STAMP or isinstance(known, Text) or _is_one_of_words(known)):
        return True
    return known == wanted and known is not OPAQUE


def _is_one_of_words(guard: Guard) -> bool:
    return isinstance(guard, Plain) and guard.test.startswith(_IS_STR)


def accepts_all(guard: Guard, values: Sequence[Any]) -> bool:
    """Whether a guard surely accepts each of some values as it is."""
    return _list_acceptor(guard)(list(values)) == list(values)


def bare(guard: Guard) -> Guard:
    """The guard of what is not null."""
    return guard.inner if isinstance(guard, OrNull) else guard


def _list_acceptor(item: Guard, trust: Trust = "nothing") -> Callable[[Any], list[Any] | None]:
    code = Code(trust)
    with code.block("if d.__class__ is not list:"):
        code.line("return None")
    code.line("out = []")
    with code.block("for v in d:"):
        test, ready = item.write(code, "v")
        with code.block(f"if {test}:"):
            code.line(f"out.append({ready})")
        with code.block("else:"):
            code.line("return None")
    code.line("return out")
    return code.function("accept(d)", "guard of a list")
