"""The steps of a rule over text, where it is not worth generating code. None is called with what is missing."""

from __future__ import annotations

from typing import Any

from proofport.errors import Rejected
from proofport.mapping.compile.functions import MISSING
from proofport.mapping.language.nodes import Substitute
from proofport.text.wording import describe, reject


def split(value: Any, separator: str, field: str) -> list[str]:
    """The items of text, without blanks around them and without blank ones."""
    if not isinstance(value, str):
        raise _no_text(value, field)
    return [item for each in value.split(separator) if (item := each.strip())]


def substitute(value: Any, step: Substitute, field: str) -> Any:
    if not isinstance(value, str):
        raise _no_text(value, field)
    try:
        found = step.pattern.replaced(step.replacement, value)
    except TimeoutError as error:
        found_words = f"text over which {step.text} takes too long"
        raise reject(field, found_words, "text that it can be matched with at once", cause=error) from error
    except ValueError as error:
        raise reject(field, describe(value), "shorter text", cause=error) from error
    if found is not None:
        return found
    match step.unmatched:
        case "keep":
            return value
        case "omit":
            return MISSING
        case "reject":
            hint = "Change the pattern, or say `unmatched: keep` or `unmatched: omit`."
            raise reject(field, describe(value), f"text that {step.text} matches", hint)


def single(value: Any, field: str) -> Any:
    """Give back what is no text. Arrays and objects are refused: a step on text does not reach into them."""
    if isinstance(value, list | dict):
        raise _no_text(value, field)
    return value


def _no_text(value: Any, field: str) -> Rejected:
    hint = "Select the items with [*], and change each: {path: $, …}." if isinstance(value, list) else None
    return reject(field, describe(value), "text", hint)
