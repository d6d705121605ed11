"""Bodies that are canonical evidence as they come, but for the order of fields: the journal keeps their bytes.

The order is made when they are delivered (`proofport.delivery.payload`); here no dict is made of a record.

Structs are made from the models of the kinds, and take what surely fits and says what the model would write. Of
anything else they say nothing: the models decide, record by record, and word what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from annotated_types import MinLen
from pydantic import BaseModel, JsonValue

from proofport.adapter import Mode
from proofport.config_relay import Limits
from proofport.evidence.base import Timestamp
from proofport.mapping.checks import are_whole_seconds, timestamp
from proofport.mapping.guards import OPAQUE, DictOf, Field, ListOf, bare, constraints_of, shape_of
from proofport.mapping.source import model_for

KINDS_KEPT = 128
"""Kinds with their modes that stay ready: whoever posts may make up any number of names after `custom:`."""

INTEGER = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""What msgspec can hold to a limit; of the integers that travel it leaves half of those above zero to the models."""

NESTED = 8
"""How deep the arrays and objects of `extras` may stand in one another; deeper ones are left to the models."""

LEVELS = 4 + NESTED
"""An array of records with `extras` of objects."""


def _extras() -> Any:
    """An object of JSON for each vendor."""
    scalar: Any = str | INTEGER | float | bool | None
    found: Any = scalar
    for _ in range(NESTED):
        found = scalar | list[found] | dict[str, found]
    return dict[str, dict[str, found]]


@dataclass(frozen=True, slots=True)
class Canonical:
    """One kind in one mode.

    No other body than one within the `limits` is taken, nor is more of it parsed: it is never deeper than the structs,
    and never of more records than it has opening braces.
    """

    _decode: Callable[[bytes], Any]
    _times: Sequence[str]

    def count(self, body: bytes, limits: Limits) -> int | None:
        """How many records stand in an array, or alone; None where it takes a closer look."""
        if limits.depth < LEVELS or not _few(body, limits.records):
            return None
        try:
            found = self._decode(body)
        except (ValueError, RecursionError):
            return None
        records = found if isinstance(found, list) else [found]
        given = {getattr(record, name) for name in self._times for record in records}
        times = [each for each in given if each.__class__ is str]
        return len(records) if are_whole_seconds(times) or list(map(timestamp, times)) == times else None


def portions(body: bytes, count: int, size: int | None) -> Iterator[tuple[int, bytes]]:
    """A body of so many records as arrays of at most `size`, None for no limit: how many, and their JSON as it came."""
    if count == 0:
        return
    if size is None or count <= size:
        yield count, _array(body)
        return
    texts = _texts(body)
    for some in (texts[start : start + size] for start in range(0, count, size)):
        yield len(some), b"[%b]" % b",".join(some)


def _array(body: bytes) -> bytes:
    body = body.strip()
    return body if body.startswith(b"[") else b"[%b]" % body


_texts = msgspec.json.Decoder(list[msgspec.Raw]).decode


def _few(body: bytes, records: int) -> bool:
    """Whether there cannot be more records than these. The shortest one is {"id":"x"}."""
    return len(body) <= 10 * records or body.count(b"{") <= records


@lru_cache(KINDS_KEPT)
def canonical(kind: str, mode: Mode) -> Canonical | None:
    """None for a kind whose model does more than look at the types of its fields, or takes any field."""
    model = model_for(kind, mode)
    times = [name for name, info in model.model_fields.items() if info.annotation == Timestamp | None]
    struct: Any = _struct_of(model, times)
    if struct is None:
        return None
    struct = _forgetful(struct, shape_of(model).fields)
    return Canonical(msgspec.json.Decoder(struct | list[struct]).decode, times)


def _struct_of(model: type[BaseModel], times: Sequence[str] = ()) -> Any:
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


def _forgetful(struct: Any, fields: Mapping[str, Field]) -> Any:
    """The same, but that a record lets go of its lists and objects as soon as they are checked.

    The memory of one record is that of the next one, then, and stays in the processor's cache: 50 of them whole, with
    60 KB of JSON, do not fit into it.
    """
    parts = [name for name in struct.__struct_fields__ if isinstance(bare(fields[name].guard), ListOf | DictOf)]

    def let_go(record: msgspec.Struct) -> None:
        for name in parts:
            setattr(record, name, None)

    return msgspec.defstruct(struct.__name__, [], bases=(struct,), namespace={"__post_init__": let_go})


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
        return _struct_of(annotation)
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
