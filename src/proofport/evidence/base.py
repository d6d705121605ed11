"""The base of every kind, the field types they share, and the kind that has no fields of its own.

Omitted, null and false are three values: a field that was not given is not in `model_fields_set`, and `neutral()`
leaves it out. Timestamps carry a time zone and travel as RFC 3339 in UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, PlainSerializer
from pydantic_core import PydanticCustomError

FIRST_SECOND, LAST_SECOND = -62_135_596_800.0, 253_402_300_799.0
"""Of the years 1 to 9999, in seconds since 1970."""

Neutral: TypeAlias = dict[str, Any]
"""Evidence as plain JSON data: what the mappings read and write."""


LONGEST_DATE = len("2026-01-31")
BETWEEN = frozenset("Tt ")
"""The characters between a date and its time."""


def read_moment(text: str) -> datetime:
    """A date and time in ISO 8601. RFC 3339 allows small letters, and a blank between the two. Raises ValueError."""
    text = text.replace("\0", "?")  # which would end the text
    if len(text) > LONGEST_DATE and not BETWEEN.intersection(text[7:11]):
        # Python takes any character there: 2026-01-31-08:00, a date with an offset, would be eight o'clock.
        raise ValueError("there is no T between date and time")
    return datetime.fromisoformat(text[:-1] + "Z" if text.endswith("z") else text)


def parse_timestamp(value: object) -> object:
    """A datetime in UTC from RFC 3339 text or an aware datetime; anything else is left to the model."""
    moment = value
    if isinstance(value, str):
        try:
            moment = read_moment(value)
        except ValueError:
            raise PydanticCustomError(
                "timestamp", "expected a date and time in RFC 3339, for example 2026-01-31T09:00:00Z"
            ) from None
        if len(value) <= len("2026-01-31"):
            raise PydanticCustomError("plain_date", "expected a time zone: a date and time, as in 2026-01-31T09:00:00Z")
    return _in_utc(moment) if isinstance(moment, datetime) else value


def _in_utc(value: datetime) -> datetime:
    if value.utcoffset() is None:
        raise PydanticCustomError(
            "naive_timestamp", "expected a time zone: end it with Z or an offset, as in 2026-01-31T09:00:00Z"
        )
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError("timestamp", "expected a time between the years 1 and 9999, in UTC") from None


def format_timestamp(value: datetime) -> str:
    """The one spelling used on every wire: UTC, ending in Z, microseconds only when there are any."""
    return value.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def moment_of(seconds: float) -> datetime:
    """A time in UTC from seconds since 1970: the nearest that a calendar holds. At its edges a float holds more."""
    return datetime.fromtimestamp(min(max(seconds, FIRST_SECOND), LAST_SECOND), UTC)


Timestamp = Annotated[datetime, BeforeValidator(parse_timestamp), PlainSerializer(format_timestamp, when_used="json")]
Text = Annotated[str, Field(min_length=1)]
LONGEST_ID = 2_048
"""Characters of an id. The longest that clouds give out, ARNs of AWS, have as many."""


BLANK_HINT = "Give the record an id at the source, or make one of other fields in the source mapping."


def not_blank(value: str) -> str:
    """The text, unless nobody could see it: it is made of blanks, zero-width or control characters alone."""
    if not any(each.isprintable() and not each.isspace() for each in value):
        raise PydanticCustomError("blank", "expected an id: one that nobody can see is missing", {"hint": BLANK_HINT})
    return value


Id = Annotated[str, Field(min_length=1, max_length=LONGEST_ID), AfterValidator(not_blank)]


class Part(BaseModel):
    """A nested object of a kind."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Evidence(Part):
    """One vendor-neutral record."""

    id: Id
    #: The time at which the source was read.
    observed_at: Timestamp | None = None
    #: The tool or file that the record came from.
    source: Text | None = None
    #: Fields for one vendor that the neutral model has no word for, by vendor name. They are merged last.
    extras: dict[str, dict[str, JsonValue]] = Field(default_factory=dict)

    def neutral(self) -> Neutral:
        """Plain data with exactly the fields that were given, nulls included."""
        return self.model_dump(mode="json", exclude_unset=True)


class Custom(Evidence):
    """Anything else: an id and any JSON fields. All are delivered.

    The kind is written `custom:<type>`, for example `custom:software_package`.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="allow")

    __pydantic_extra__: dict[str, JsonValue]
