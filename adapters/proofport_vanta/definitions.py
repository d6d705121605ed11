"""The own properties of a custom resource, in JSON Type Definition (RFC 8927). A person declares them in Vanta.

The console takes scalars of four types and no optional properties: every declared property is required (observed:
llamalync). No API shows what is declared.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationInfo

PropertyType = Literal["boolean", "int32", "string", "timestamp"]
FILE = "file:"


class Property(BaseModel):
    """One declared property."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: PropertyType


class Definition(BaseModel):
    """The JSON Type Definition of a custom resource, as the console takes it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    properties: dict[str, Property]

    @property
    def types(self) -> dict[str, PropertyType]:
        return {name: declared.type for name, declared in self.properties.items()}


def _read(given: Any, info: ValidationInfo) -> Any:
    """A definition that is given inline, or as `file:PATH`, in the folder of the configuration."""
    if isinstance(given, str):
        if not given.startswith(FILE):
            raise ValueError("expected a JSON Type Definition, or file:PATH of one")
        folder = (info.context or {}).get("folder") or Path()
        path = folder / Path(given.removeprefix(FILE)).expanduser()
        try:
            given = json.loads(path.read_bytes())
        except (OSError, ValueError):
            raise ValueError(f"expected {path.name} to be a file with a JSON Type Definition") from None
    if isinstance(given, dict) and "optionalProperties" in given:
        raise ValueError("expected `properties` alone: Vanta's console takes no optionalProperties")
    return given


Declared: TypeAlias = Annotated[Definition, BeforeValidator(_read)]


def shown(types: dict[str, PropertyType]) -> str:
    """The definition of these properties, to be pasted into the console."""
    return json.dumps({"properties": {name: {"type": each} for name, each in types.items()}}, indent=2)
