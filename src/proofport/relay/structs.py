"""Structs made from the models of the kinds: they take what surely fits and says what the model would write.

Of anything else they say nothing: the models decide, record by record, and word what is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from annotated_types import MinLen
from pydantic import BaseModel, JsonValue

from proofport.mapping.guards import OPAQUE, constraints_of, shape_of

INTEGER = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""What msgspec can hold to a limit; of the integers that travel it leaves half of those above zero to the models."""

NESTED = 8
"""How deep the arrays and objects of `extras` may stand in one another; deeper ones are left to the models."""

LEVELS = 4 + NESTED
"""An array of records with `extras` of objects."""

SIMPLE: Any = str | INTEGER | float | bool | None
"""JSON that is neither array nor object."""


def _extras() -> Any:
    """An object of JSON for each vendor."""
    found: Any = SIMPLE
    for _ in range(NESTED):
        found = SIMPLE | list[found] | dict[str, found]
    return dict[str, dict[str, found]]


def struct_of(model: type[BaseModel], times: Sequence[str] = ()) -> Any:
    """With the fields that msgspec checks as the model does, and `times`, of which it only sees that they are text.

    A record that has another one is not taken.
    """
    shape = shape_of(model)
    if not shape.quick or shape.others:
        return None
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    for name, field in shape.fields.items():
        info = model.model_fields.get(name)
        type_: Any = None
        if info is not None and field.guard is not OPAQUE:
            type_ = str | None if name in times else _type_of(info.annotation, tuple(info.metadata))
        if type_ is not None:
            fields.append((name, type_) if field.required else (name, type_ | msgspec.UnsetType, msgspec.UNSET))
        elif field.required:
            return None
    return msgspec.defstruct(model.__name__, fields, kw_only=True, forbid_unknown_fields=True, gc=False)


def _type_of(annotation: Any, metadata: tuple[Any, ...] = ()) -> Any:
    """The same type to msgspec; None where it checks something else, or writes it in another way."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type_of(arguments[0], (*arguments[1:], *metadata))
    if annotation is str:
        return _text(metadata)
    if metadata:
        return None
    if origin in (Union, UnionType):
        return _union(arguments)
    if origin is list:
        item: Any = _type_of(arguments[0])
        return None if item is None else list[item]
    if annotation == dict[str, dict[str, JsonValue]]:
        return _extras()
    if origin is Literal:
        return annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return struct_of(annotation)
    return {bool: bool, int: INTEGER}.get(annotation)


def _text(metadata: tuple[Any, ...]) -> Any:
    match constraints_of(metadata):
        case []:
            return str
        case [MinLen(least)]:
            return Annotated[str, msgspec.Meta(min_length=least)]
    return None


def _union(arguments: tuple[Any, ...]) -> Any:
    """Only what may be null: with more to choose from, models and structs might choose differently."""
    arms = [arm for arm in arguments if arm is not type(None)]
    inner: Any = _type_of(arms[0]) if len(arms) == 1 else None
    return None if inner is None else inner | None
