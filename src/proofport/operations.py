"""The vendors' own calls: found by name, with parameters as a person types them, and carried out."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

import orjson
from pydantic import BaseModel, TypeAdapter, ValidationError

from proofport.adapter import Adapter, Answer, HasOperations, Operation
from proofport.errors import UsageError
from proofport.http.flow import allow_destruction, lead
from proofport.http.sender import Sender
from proofport.text.wording import did_you_mean, listing, problem_of


def of(adapter: Adapter) -> Sequence[Operation]:
    """The operations of an adapter; none where the vendor has no calls of its own."""
    return adapter.operations() if isinstance(adapter, HasOperations) else ()


def find(adapter: Adapter, name: str) -> Operation:
    """The operation of that name. Raises UsageError."""
    known = {operation.name: operation for operation in of(adapter)}
    if name not in known:
        hint = did_you_mean(name, known) or "`proofport call DEST` lists them."
        raise UsageError(f"the adapter {adapter.name} has no operation {name!r}", hint=hint)
    return known[name]


def checked(operation: Operation, parameters: Mapping[str, Any]) -> BaseModel:
    """Validate the parameters of an operation. Raises UsageError with the first that is wrong."""
    try:
        return operation.parameters.model_validate(dict(parameters))
    except ValidationError as error:
        known = operation.parameters.model_fields
        problem = problem_of(error, operation.name, known)
        place = f"{problem.field}: " if problem.field else ""
        meant = None if problem.field in known else did_you_mean(problem.field, known)
        raise UsageError(
            f"{operation.name}: {place}found {problem.found}, expected {problem.expected}",
            hint=meant or f"Its parameters are {listing(list(known), 20) or 'none'}.",
        ) from None


async def perform(operation: Operation, parameters: Mapping[str, Any], sender: Sender) -> Answer:
    """Carry out one operation. It may be destructive: the person who names it has agreed to it."""
    return await lead(operation.flow(checked(operation, parameters)), sender, gate=allow_destruction)


# ------------------------------------------------------------------ parameters as they are typed
def from_text(operation: Operation, given: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Turn typed `NAME=VALUE`s into values: a text where the parameter takes one, else JSON. `@FILE` reads the file.

    A parameter that takes a list may be given several times. `checked` validates names and values.
    """
    return {name: _parameter(operation, name, [_content(text) for text in texts]) for name, texts in given.items()}


def _content(text: str) -> str:
    if text.startswith("@@") or not text.startswith("@"):
        return text.removeprefix("@")
    try:
        return Path(text[1:]).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        hint = "Write a text that begins with @ as @@."
        raise UsageError(f"the file {text[1:]} cannot be read: {reason}", hint=hint) from None


def _parameter(operation: Operation, name: str, texts: list[str]) -> Any:
    field = operation.parameters.model_fields.get(name)
    if field is None:
        return texts[-1]
    item = _item_of(field.annotation)
    if item is not None and not (len(texts) == 1 and texts[0].lstrip().startswith("[")):
        return [_value(item, text) for text in texts]
    if len(texts) > 1:
        raise UsageError(f"{operation.name}: {name} is given {len(texts)} times, expected once")
    return _value(Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation, texts[0])


def _item_of(annotation: Any) -> Any:
    """The type of the items, where the parameter takes only a list. None: it takes something else."""
    options = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
    lists = [option for option in options if get_origin(option) is list]
    others = [option for option in options if get_origin(option) is not list and option is not type(None)]
    return get_args(lists[0])[0] if len(lists) == 1 and not others else None


def _value(annotation: Any, text: str) -> Any:
    """Try text first: an id of digits stays a text where the vendor's ids are texts."""
    taken = TypeAdapter(annotation)
    if text == "null" and _takes(taken, None):
        return None
    if _takes(taken, text):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _takes(adapter: TypeAdapter[Any], value: object) -> bool:
    try:
        adapter.validate_python(value)
    except ValidationError:
        return False
    return True
