"""How a mistake in the configuration is worded: file, line, field, what was found, what would be right.

The value of a secret, and of a key that we do not know, is never repeated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NoReturn, get_args

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from proofport.errors import ConfigError
from proofport.text.wording import did_you_mean
from proofport.text.yaml_nodes import Block, Items, Mark, Node


class Places:
    """Words mistakes, with the line where the file has them."""

    def __init__(self, name: str, node: Node | None) -> None:
        self.name = name
        self.node = node

    def refuse(self, path: tuple[Any, ...], *, found: str, expected: str, hint: str | None = None) -> NoReturn:
        where = self.name
        if self.node is not None:
            at = _place(self.node, path)
            where += f":{at.line}:{at.column}"
        field = f"{'.'.join(map(str, path))}: " if path else ""
        raise ConfigError(f"{where}: {field}found {found}, expected {expected}", hint=hint)

    def refuse_settings(self, error: ValidationError, model: type[BaseModel], here: tuple[Any, ...]) -> NoReturn:
        """The first mistake of a pydantic model in our words; pydantic's would repeat what it was given."""
        details = error.errors(include_url=False)
        # A misspelt key first: it also explains the one that is missing.
        detail = next((d for d in details if d["type"] == "extra_forbidden"), details[0])
        location = detail["loc"]
        path = (*here, *location)
        if detail["type"] == "extra_forbidden":
            keys = list(_model_at(model, location[:-1]).model_fields)
            hint = did_you_mean(location[-1], keys)
            self.refuse(path, found="an unknown key", expected=one_of(keys), hint=hint)
        found = "nothing" if detail["type"] == "missing" else described(detail["input"])
        self.refuse(path, found=found, expected=_expected(detail))


def _model_at(model: type[BaseModel], location: Iterable[int | str]) -> type[BaseModel]:
    """The nested model that a location points into; dict keys on the way have no model of their own."""
    for part in location:
        field = model.model_fields.get(str(part))
        if field is not None:
            nested = [field.annotation, *get_args(field.annotation)]
            model = next((t for t in nested if isinstance(t, type) and issubclass(t, BaseModel)), model)
    return model


def _expected(detail: ErrorDetails) -> str:
    words = detail["msg"].removeprefix("Value error, ").removeprefix("Field required") or "a value"
    return (words[0].lower() + words[1:]).removeprefix("input should be ").removeprefix("expected ")


def described(value: object) -> str:
    """A value for an error message: never a secret's, and no longer than a line."""
    match value:
        case None:
            return "null"
        case SecretStr():
            return "a secret"
        case Mapping():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case _:
            return repr(value)[:60]


def one_of(names: Iterable[str]) -> str:
    return "one of " + ", ".join(names)


def _place(node: Node, path: Iterable[object]) -> Mark:
    """Where the value at `path` stands; for what is not there, the nearest part that encloses it."""
    at = node.at
    for part in path:
        if isinstance(node, Items) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
            at = node.at
        elif isinstance(node, Block):
            found = next(((key.at, value) for key, value in node.entries if key.text == part), None)
            if found is None:
                return at
            at, node = found
    return at
