"""Words for mistakes: what was found, what was expected, what may have been meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from proofport.errors import Problem, Rejected

Location: TypeAlias = tuple[int | str, ...]

MISSING_FIELD = "nothing"
LONGEST_GUESSED = 64
"""Characters of a word for which a suggestion is sought: comparing words takes their lengths' product."""
MOST_COMPARED = 1_000
"""Candidates that are compared with a word. Of more, only one that is equal except in case and separators is found."""
MOST_MISTAKES = 100
"""The most mistakes of one record that are worded. Of a record with more, only their number is told."""
SHOWN = 60
"""Characters of a name or value that a message repeats."""

ZONE_HINT = "End it with Z or an offset, as in 2026-01-31T09:00:00Z."
DATE_HINT = (
    "Write the time of day, too, as in 2026-01-31T00:00:00Z. A source mapping can add it: "
    '{path: …, as: datetime, at: "00:00"}, in UTC unless zone: says otherwise.'
)


def describe(value: object) -> str:
    """A value in a few words, for `found`: short, and never a whole document."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return repr(short(value))
        case int() | float():
            text = str(value) if not isinstance(value, int) or value.bit_length() < 200 else "an integer of many digits"
            return short(text)
        case list() | tuple():
            return f"an array of {len(value)}"
        case dict():
            return "an object"
        case _:
            return f"a {type(value).__name__}"


def short(text: str, most: int = SHOWN) -> str:
    """The text, or its beginning when it is longer than `most` characters."""
    return text if len(text) <= most else text[: most - 3] + "…"


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `word` was probably meant to be; case and separators do not count."""
    if len(word) > LONGEST_GUESSED:
        return None
    by_shape: dict[str, str] = {}
    for candidate in candidates:
        if len(candidate) <= LONGEST_GUESSED:
            by_shape.setdefault(_shape(candidate), candidate)
    wanted = _shape(word)
    if wanted in by_shape or len(by_shape) > MOST_COMPARED:
        return by_shape.get(wanted)
    close = difflib.get_close_matches(wanted, by_shape, n=1, cutoff=0.6)
    return by_shape[close[0]] if close else None


def _shape(word: str) -> str:
    return re.sub(r"[\s._:-]+", "_", word.casefold())


def did_you_mean(word: object, candidates: Iterable[str]) -> str | None:
    """A hint, or None when nothing is near."""
    found = nearest(word, candidates) if isinstance(word, str) else None
    return f"Did you mean {found!r}?" if found is not None else None


def listing(words: Sequence[str], most: int = 8) -> str:
    shown = ", ".join(words[:most])
    return f"{shown}, and {len(words) - most} more" if len(words) > most else shown


def left_out(skipped: Mapping[str, int]) -> Iterator[str]:
    """A sentence for each reason why records are left out, with their number."""
    return (f"left out: {count:,}, {reason}" for reason, count in skipped.items())


def reject(
    field: str | None, found: str, expected: str, hint: str | None = None, cause: Exception | None = None
) -> Rejected:
    """The exception for one record, ready to be raised."""
    error = Rejected(Problem(found=found, expected=expected, field=field, hint=hint))
    error.__cause__ = cause
    return error


def problem_of(error: ValidationError, what: str, fields: Iterable[str]) -> Problem:
    """The first thing that a model found wrong, in our words. `what` names the model: a kind, or a vendor's body."""
    if error.error_count() > MOST_MISTAKES:
        return too_many_mistakes(f"{error.error_count():,} mistakes in one record", what)
    (_, problem), *others = problems_of(error, what, list(fields))
    first, *more = error.errors(include_url=False)
    hint = (_misspelt(first, more) if first["type"] == "missing" else None) or problem.hint
    if others:
        count = f"{len(others)} more field{'s are' if len(others) > 1 else ' is'} wrong in this record."
        hint = f"{hint} {count}" if hint else count
    return replace(problem, hint=hint)


def problems_of(error: ValidationError, what: str, fields: Sequence[str]) -> list[tuple[Location, Problem]]:
    """Everything that a model found wrong, each with the keys and indexes that lead to it. At most MOST_MISTAKES."""
    if error.error_count() > MOST_MISTAKES:
        return [((), too_many_mistakes(f"{error.error_count():,} mistakes in one record", what))]
    found: dict[Location, Problem] = {}
    for detail in error.errors(include_url=False):
        was, expected, hint = _words(detail, what, fields)
        place = _place(detail["loc"])
        if place in found:
            found[place] = replace(found[place], expected=f"{found[place].expected} or {expected}")
        else:
            found[place] = Problem(was, expected, short(_dotted(place)) or None, hint)
    return list(found.items())


def count_of(error: ValidationError) -> int:
    """How many problems `problems_of` makes of it."""
    if error.error_count() > MOST_MISTAKES:
        return 1
    return len({_place(detail["loc"]) for detail in error.errors(include_url=False, include_input=False)})


def too_many_mistakes(found: str, what: str) -> Problem:
    """The problem of a record of which so much is wrong that a list of it would help nobody."""
    return Problem(found, f"a {what}", hint="Is it of another kind, or does it need a source mapping?")


def _place(location: Location) -> Location:
    """Without the names that pydantic gives to the branches of a union."""
    return tuple(part for n, part in enumerate(location) if isinstance(part, int) or not n or not _is_branch(part))


def _dotted(place: Location) -> str:
    """`tags[0].key`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")


def _is_branch(part: str) -> bool:
    return part in _BRANCHES or "[" in part


def _misspelt(missing: ErrorDetails, others: Iterable[ErrorDetails]) -> str | None:
    """A hint when an unknown field stands where the missing one should."""
    unknown = [
        str(each["loc"][-1])
        for each in others
        if each["type"] == "extra_forbidden" and each["loc"][:-1] == missing["loc"][:-1]
    ]
    found = nearest(str(missing["loc"][-1]), unknown)
    return f"Is it the field {found!r}?" if found else None


def _words(detail: ErrorDetails, what: str, fields: Sequence[str]) -> tuple[str, str, str | None]:
    context: dict[str, Any] = detail.get("ctx", {})
    given = detail["input"]
    match detail["type"]:
        case "missing":
            hint = "Add it at the source; a source mapping can take it from a field of another name."
            return MISSING_FIELD, f"a value: {what} requires it", hint
        case "extra_forbidden":
            name = short(str(detail["loc"][-1]))
            known = fields if len(detail["loc"]) == 1 else []
            meant = did_you_mean(str(detail["loc"][-1]), known)
            hint = meant or "Take it out, or put it under `extras` of the vendor that knows it."
            return f"the field {name!r}", f"a field of {what}", hint
        case "literal_error" | "enum":
            choices = re.findall(r"'([^']*)'", context.get("expected", ""))
            return describe(given), f"one of {listing(choices)}", did_you_mean(given, choices)
        case "naive_timestamp":
            return f"{describe(given)} without a time zone", "a date and time with its time zone", ZONE_HINT
        case "plain_date":
            return f"the date {describe(given)}", "a date and time with its time zone", DATE_HINT
        case "future":
            hint = "Leave it out until it has happened, or correct the date."
            return describe(given), detail["msg"].removeprefix("expected "), hint
        case "string_type" if not isinstance(given, str):
            return describe(given), "text", "Convert it in the mapping with `as: string`, or join an array."
        case "string_too_short":
            least = context["min_length"]
            expected = "text that is not empty" if least == 1 else f"text of {least} characters or more"
            return describe(given), expected, None
        case "string_too_long":
            return describe(given), f"text of at most {context['max_length']:,} characters", None
        case type_ if type_ in NO_OBJECT:
            return describe(given), "an object", None
        case _:
            message = detail["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
            return describe(given), message.removeprefix("expected "), context.get("hint")


NO_OBJECT = frozenset({"model_type", "model_attributes_type", "dict_type"})
"""Pydantic's types of error for what should be an object. Its words for them name classes."""

_BRANCHES = frozenset({"int", "float", "str", "bool", "none", "list", "dict"})
