"""Errors about the configuration: file, line, field, what was found, what was expected.

The value of a secret, or of an unknown key, is never repeated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn, get_args

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from proofport.errors import ConfigError
from proofport.text.wording import NO_OBJECT, describe, did_you_mean, listing
from proofport.text.yaml_nodes import Block, Items, Mark, Node

_WITH_CREDENTIAL = re.compile(r":[^@]*@")


class FileLines:
    """A configuration file, as far as an error has to name the line of a key."""

    def __init__(self, name: str, node: Node | None) -> None:
        self.name = name
        self.node = node

    def refuse(self, path: tuple[Any, ...], *, found: str, expected: str, hint: str | None = None) -> NoReturn:
        """Raise ConfigError about the value at `path`."""
        where = self.name
        if self.node is not None:
            at = _place(self.node, path)
            where += f":{at.line}:{at.column}"
        field = f"{'.'.join(map(str, path))}: " if path else ""
        raise ConfigError(f"{where}: {field}found {found}, expected {expected}", hint=hint)

    def refuse_settings(self, error: ValidationError, model: type[BaseModel], here: tuple[Any, ...]) -> NoReturn:
        """Raise ConfigError for the first error of a pydantic model. Pydantic's own text would repeat the input."""
        details = error.errors(include_url=False)
        # A misspelt key comes first: it also explains why a required key is missing.
        detail = next((d for d in details if d["type"] == "extra_forbidden"), details[0])
        location = detail["loc"]
        path = (*here, *location)
        if detail["type"] == "extra_forbidden":
            keys = list(_model_at(model, location[:-1]).model_fields)
            hint = did_you_mean(location[-1], keys)
            self.refuse(path, found="an unknown key", expected=one_of(keys), hint=hint)
        found = "nothing" if detail["type"] == "missing" else described(detail["input"])
        if detail["type"] in NO_OBJECT:
            keys = [] if detail["type"] == "dict_type" else list(_model_at(model, location).model_fields)
            self.refuse(path, found=found, expected="a mapping" + (f" with {listing(keys)}" if keys else ""))
        self.refuse(path, found=found, expected=_expected(detail))


def node_at(node: Node, path: Iterable[object]) -> Node | None:
    """The value at `path`, where blocks alone lead to it."""
    for part in path:
        if not isinstance(node, Block):
            return None
        found = next((value for key, value in node.entries if key.text == part), None)
        if found is None:
            return None
        node = found
    return node


def _model_at(model: type[BaseModel], location: Iterable[int | str]) -> type[BaseModel]:
    """The nested model that a location points to. The keys of a dict have no model of their own."""
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
    """A value for an error message, in YAML's words; never a secret."""
    match value:
        case SecretStr():
            return "a secret"
        case str() if "://" in value or _WITH_CREDENTIAL.search(value):
            return "an address, not repeated because it may hold a credential"
        case Mapping():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case _:
            return describe(value)


def one_of(names: Iterable[str]) -> str:
    return "one of " + ", ".join(names)


def _place(node: Node, path: Iterable[object]) -> Mark:
    """The position of the value at `path`; for a missing value, that of the nearest part around it."""
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
