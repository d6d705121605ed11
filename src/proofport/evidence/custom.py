"""Anything else: an id and any JSON fields, under a type of the user's own."""

from __future__ import annotations

from typing import ClassVar

from pydantic import ConfigDict, JsonValue

from proofport.evidence.base import Evidence


class Custom(Evidence):
    """The kind is written `custom:<type>`, for example `custom:software_package`. All fields are delivered."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="allow")

    __pydantic_extra__: dict[str, JsonValue]
