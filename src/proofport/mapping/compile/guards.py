"""Quick checks generated from pydantic models.

A guard accepts a value only if the model would accept it and give back equal bytes. The model decides on whatever the
guard does not accept, and words the error. A type that is not recognised here is never accepted quickly.
"""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import MaxLen, MinLen
from pydantic import AfterValidator, BaseModel, JsonValue
from pydantic.fields import FieldInfo

from proofport.evidence.base import Timestamp, not_blank
from proofport.mapping.compile.checks import LEAST, MOST, is_json, is_scalar, is_text, timestamp
from proofport.mapping.compile.code import Code

_QUIET_CONFIG = {"frozen", "extra", "strict", "title", "hide_input_in_errors", "allow_inf_nan"}
"""Settings of a model that add nothing to the checks of its fields."""

MODELS_KEPT = 64
"""Models whose guards stay compiled: a destination may have a model of its own for each kind."""

Acceptor = Callable[[Any], Any]
"""A function that gives the canonical value back, or None where the model has to decide."""


@dataclass(frozen=True, slots=True)
class Guard:
    """The check of one type."""

    #: An expression that is true for what is surely accepted. `{v}` is the value; `{w}` is the variable that then holds
    #: the canonical value, where the guard converts; `{0}`, `{1}` are what the guard uses.
    test: str
    uses: tuple[Any, ...] = ()
    converts: bool = False
    #: The guard of a list's items.
    item: Guard | None = None
    #: The fields of an object.
    shape: Shape | None = None

    def write(self, code: Code, value: str) -> tuple[str, str]:
        """The expression for the variable `value`, and the variable that holds the canonical value if it is true."""
        ready = code.name("w") if self.converts else value
        return self.test.format(*[code.bind("c", each) for each in self.uses], v=value, w=ready), ready


OPAQUE = Guard("False")
"""Never accepts quickly."""

_IS_TEXT = "{v}.__class__ is str and ({v}.isascii() or {0}({v}))"
_IS_WHOLE = f"{{v}}.__class__ is int and {LEAST} <= {{v}} <= {MOST}"
_IS_REAL = "{v}.__class__ is float and {0}({v})"
_ACCEPTED = "({w} := {0}({v})) is not None"
_IS_JSON = "({v}.__class__ is str and {v}.isascii() or {v} is not M and {0}({v}))"

NUMBER = Guard(f"({_IS_WHOLE} or {_IS_REAL})", (math.isfinite,))
ANY_JSON = Guard(_IS_JSON, (is_json,))
TIME = Guard(_ACCEPTED, (timestamp,), converts=True)
_SIMPLE = {
    bool: Guard("{v}.__class__ is bool"),
    int: Guard(_IS_WHOLE),
    float: Guard(_IS_REAL, (math.isfinite,)),
    dict[str, JsonValue]: Guard("{v}.__class__ is dict and {0}({v})", (is_json,)),
    dict[str, dict[str, JsonValue]]: Guard(
        "{v}.__class__ is dict and all([x.__class__ is dict for x in {v}.values()]) and {0}({v})", (is_json,)
    ),
}


@dataclass(frozen=True, slots=True)
class Field:
    guard: Guard
    required: bool
    nullable: bool

    def write(self, code: Code, value: str, *, accepted: str, refused: str, lacks: str = "pass") -> None:
        """Write the check of a variable: `accepted` is set to the canonical value, or `refused` is done.

        `lacks` is done where the value is missing and may be. Most values are accepted: only after the test has failed
        is it asked whether one is missing.
        """
        test, ready = self.guard.write(code, value)
        with code.block(f"if not ({test}):"):
            if self.required:
                code.line(refused)
            else:
                with code.block(f"if {value} is M:"):
                    code.line(lacks)
                with code.block("else:"):
                    code.line(refused)
        if ready != accepted:
            with code.block("else:"):
                code.line(f"{accepted} = {ready}")


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields of a model under their names in JSON, in the model's order."""

    model: type[BaseModel]
    fields: dict[str, Field]
    #: True when nothing but the types of the fields decides, so that the model accepts what the guards accept.
    quick: bool
    #: True when the model takes fields that it does not name.
    others: bool


@lru_cache(MODELS_KEPT)
def shape_of(model: type[BaseModel], *, flat: bool = False) -> Shape:
    """The fields of a model. `flat`: arrays and objects are never accepted quickly."""
    decorators = model.__pydantic_decorators__
    quick = _QUIET_CONFIG.issuperset(model.model_config)
    quick = quick and not any(getattr(decorators, each.name) for each in dataclasses.fields(decorators))
    fields = {}
    for name, info in model.model_fields.items():
        wire = info.serialization_alias or name
        plain = wire == (info.validation_alias or name) and not info.exclude
        guard = _guard_of(info.annotation, tuple(info.metadata)) if plain else OPAQUE
        nullable = type(None) in get_args(info.annotation)
        fields[wire] = Field(_flat(guard) if flat else guard, info.is_required(), nullable)
    return Shape(model, fields, quick, others=model.model_config.get("extra") == "allow")


def _flat(guard: Guard) -> Guard:
    if guard.uses[:1] == (is_json,):
        return replace(guard, uses=(is_scalar,)) if guard.test.startswith(_IS_JSON) else OPAQUE
    return OPAQUE if guard.item or guard.shape else guard


def _guard_of(annotation: Any, metadata: tuple[Any, ...] = ()) -> Guard:
    """The guard of a type and what annotates it; OPAQUE for what is not recognised."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _guard_of(arguments[0], (*arguments[1:], *metadata))
    if annotation is datetime and metadata == Timestamp.__metadata__:  # type: ignore[attr-defined]
        return TIME
    constraints = _constraints(metadata)
    if annotation is str:
        return _text(constraints)
    if constraints:
        return OPAQUE
    if origin in (Union, types.UnionType):
        return _union(arguments)
    if origin is Literal and all(type(choice) is str for choice in arguments):
        return Guard("{v}.__class__ is str and {v} in {0}", (frozenset(arguments),))
    if origin is list:
        return _list(_guard_of(arguments[0]))
    if annotation == JsonValue:
        return ANY_JSON
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        shape = shape_of(annotation)
        return Guard(_ACCEPTED, (acceptor_of(shape),), converts=True, shape=shape) if shape.quick else OPAQUE
    return _SIMPLE.get(annotation, OPAQUE)


def _constraints(metadata: tuple[Any, ...]) -> list[Any]:
    """The annotations of a type, with the constraints that `Field(...)` carries inside an Annotated."""
    unpacked: list[Any] = []
    for each in metadata:
        unpacked += each.metadata if isinstance(each, FieldInfo) else [each]
    return unpacked


def _list(item: Guard) -> Guard:
    if item is OPAQUE:
        return OPAQUE
    if item.converts:
        return Guard(_ACCEPTED, (acceptor_of_items(item),), converts=True, item=item)
    each = item.test.replace("{v}", "x")
    return Guard(f"{{v}}.__class__ is list and all([{each} for x in {{v}}])", item.uses, item=item)


def _text(constraints: list[Any]) -> Guard:
    test = _IS_TEXT
    for constraint in constraints:
        match constraint:
            case MinLen(least):
                test += " and {v}" if least == 1 else f" and len({{v}}) >= {least}"
            case AfterValidator(func=check) if check is not_blank:
                test += " and {v}.isprintable() and not {v}.isspace()"
            case MaxLen(most):
                test += f" and len({{v}}) <= {most}"
            case _:
                return OPAQUE
    return Guard(test, (is_text,))


def _union(arguments: tuple[Any, ...]) -> Guard:
    if type(None) in arguments:
        inner = _union(tuple(arm for arm in arguments if arm is not type(None)))
        return replace(inner, test=f"{inner.test} or {{v}} is None")
    if len(arguments) == 1:
        return _guard_of(arguments[0])
    return NUMBER if set(arguments) == {int, float} else OPAQUE


def acceptor_of(shape: Shape) -> Acceptor:
    """A function that gives a dict back in the model's order if it surely fits, else None. The shape must be quick."""
    code = Code()
    with code.block("if d.__class__ is not dict:"):
        code.line("return None")
    code.line("out = {}")
    for name, field in shape.fields.items():
        value = code.name("v")
        code.line(f"{value} = d.get({name!r}, M)")
        field.write(code, value, accepted=f"out[{name!r}]", refused="return None")
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


def acceptor_of_items(item: Guard) -> Acceptor:
    """A function that gives a list back, its items canonical, if all of them surely fit, else None."""
    code = Code()
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
