"""Decodes records, the sooner the more they are like those before them.

What is posted comes from the same tools again and again: under the same names, in `extras` too. Of an object whose
names are known a struct is made, for a fraction of what a dict costs. The types are made from bodies that were taken,
and take nothing that the type for all bodies does not: a body that is not like the others is read by that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias, Union, get_args, get_origin

import msgspec
import orjson
from msgspec import UNSET, Struct, UnsetType

from proofport.relay.structs import SIMPLE

Records: TypeAlias = list[Struct]

FEWEST = 10
"""Records in a body that types are made from: with fewer it takes longer than it may ever save."""

LARGEST = 131_072
"""Bytes of a body that is read by what was learned. An object read so takes memory for all names that it may have, and
a name is looked for among all of them: a larger body could be made to hold the event loop up."""

NAMES, NAMES_OF_ONE = 256, 64
"""The most names of fields that are learned, and in one object. Where names are ids, there is always a new one."""

PATIENCE = 8
"""Bodies in a row that may be unlike the others before what was learned is forgotten."""

PAUSE = 64
"""Bodies until something else is learned; twice as many each time that it was of no use."""


class Alike:
    """Decodes an array of records, or one, of a struct that has `extras`.

    Call it with a body; raises what msgspec does. A record has lost its lists and objects by then: the memory of one is
    that of the next one, and stays in the processor's cache. Fifty of them whole, with 60 KB of JSON, do not fit.
    """

    def __init__(self, struct: Any) -> None:
        self._struct = struct
        self._any = _decoder(_forgetful(struct))
        self._learned: Callable[[bytes], Records] | None = None
        self._unlike = 0
        self._pause = 1

    def __call__(self, body: bytes) -> Records:
        if len(body) > LARGEST:
            return self._any(body)
        if self._learned is not None:
            try:
                found = self._learned(body)
            except ValueError:
                pass
            else:
                self._unlike, self._pause = 0, PAUSE
                return found
        found = self._any(body)
        self._unlike += 1
        if self._unlike >= PATIENCE:
            self._learned = None
        if self._learned is None and self._unlike >= self._pause and len(found) >= FEWEST:
            self._unlike, self._pause = 0, 2 * self._pause
            self._learned = self._learn_from(body)
        return found

    def _learn_from(self, body: bytes) -> Callable[[bytes], Records] | None:
        """None where nothing can be made of the names in a body, or nothing would be gained."""
        extras = [record["extras"] for record in orjson.loads(body) if "extras" in record]
        try:
            return _decoder(_forgetful(self._struct, _like(extras, iter(range(NAMES))))) if extras else None
        except ValueError:
            return None


def _like(values: Sequence[Any], names_left: Iterator[int]) -> Any:
    """The type of JSON with the fields of these values, all or some of them. Raises ValueError for too many names."""
    objects = [value for value in values if isinstance(value, dict)]
    arrays = [value for value in values if isinstance(value, list)]
    types: list[Any] = []
    if objects:
        types.append(_struct_like(objects, names_left))
    if arrays:
        types.append(list[_like([item for array in arrays for item in array], names_left)])  # type: ignore[misc]
    if len(objects) + len(arrays) < len(values) or not types:
        types.append(SIMPLE)
    return Union[tuple(types)]  # noqa: UP007 - made at run time


def _struct_like(objects: Sequence[dict[str, Any]], names_left: Iterator[int]) -> Any:
    """Its fields have numbers for names: those in JSON may be any text, as far as msgspec takes it."""
    fields, names = list[Any](), dict[str, str]()
    for name in dict.fromkeys(name for each in objects for name in each):
        if len(names) == NAMES_OF_ONE or next(names_left, None) is None:
            raise ValueError("too many names")
        own = f"field_{len(names)}"
        fields.append((own, _like([each[name] for each in objects if name in each], names_left) | UnsetType, UNSET))
        names[own] = name
    return msgspec.defstruct("Object", fields, rename=names, forbid_unknown_fields=True, gc=False)


def _forgetful(struct: Any, extras: Any = None) -> Any:
    """The same, but that it lets go of its lists and objects once they are checked. `extras`: another type of those."""
    parts = [field.name for field in msgspec.structs.fields(struct) if _may_be_large(field.type)]

    def let_go(record: Struct) -> None:
        for name in parts:
            setattr(record, name, None)

    fields = [] if extras is None else [("extras", extras | UnsetType, UNSET)]
    return msgspec.defstruct(
        struct.__name__, fields, bases=(struct,), namespace={"__post_init__": let_go}, kw_only=True
    )


def _may_be_large(type_: Any) -> bool:
    return any(get_origin(arm) in (list, dict) for arm in get_args(type_) or (type_,))


def _decoder(struct: Any) -> Callable[[bytes], Records]:
    decode = msgspec.json.Decoder(struct | list[struct]).decode

    def records(body: bytes) -> Records:
        found = decode(body)
        return found if isinstance(found, list) else [found]

    return records
