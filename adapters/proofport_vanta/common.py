"""The types of Vanta's fields, and what all of its bodies have.

Sources: OAS, the vendor's OpenAPI document; FAQ, its page of questions; observed: llamalync, a public client that
probed the service field by field.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, TypeGuard

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from proofport.adapter import Memory
from proofport.evidence import format_timestamp


def whole_seconds(text: str) -> str:
    """The one spelling of a time: in UTC, without fractions of a second, which Vanta does not keep (FAQ)."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError
        return format_timestamp(moment.astimezone(UTC).replace(microsecond=0))
    except (ValueError, OverflowError):
        raise PydanticCustomError(
            "timestamp", "expected a date and time in RFC 3339, for example 2026-01-31T09:00:00Z"
        ) from None


Text = Annotated[str, Field(min_length=1)]
Url = Annotated[str, Field(pattern=r"^https?://[^\s]+$")]
Moment = Annotated[str, AfterValidator(whole_seconds)]
Int32 = Annotated[int, Field(ge=-(2**31), lt=2**31)]


class Part(BaseModel):
    """An object within a body. What is null in it is not known: a required field is missing then."""

    model_config = ConfigDict(strict=True, extra="forbid", alias_generator=to_camel)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, data: Any) -> Any:
        return {name: value for name, value in data.items() if value is not None} if isinstance(data, dict) else data


class VantaBody(BaseModel):
    """The three fields that every type has (OAS)."""

    model_config = ConfigDict(strict=True, extra="forbid", alias_generator=to_camel)

    display_name: Text
    unique_id: Text
    external_url: Url = Field(description="leads to the record in the system that it comes from")


def wire_names(model: type[BaseModel]) -> list[str]:
    """The fields of a model under their names in JSON."""
    return [info.serialization_alias or name for name, info in model.model_fields.items()]


_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def looks_like_a_time(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and _TIME.fullmatch(value) is not None


def has_fraction(time: str) -> bool:
    """True if a time has a fraction of a second. One that Vanta shows is a text: it keeps none of a time (FAQ)."""
    found = _TIME.fullmatch(time)
    return found is not None and bool((found[1] or "").strip(".0"))


def note(memory: Memory, sentence: str) -> None:
    """Have a sentence in the report. It is said once, however often the flow is led."""
    notes = memory.setdefault("notes", [])
    if isinstance(notes, list) and sentence not in notes:
        notes.append(sentence)
