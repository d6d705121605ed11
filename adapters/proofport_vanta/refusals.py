"""A set that Vanta refuses: its text names one record, by its place in the set or its id (observed: llamalync).

/0: must have property 'fullName'
/0/mfaEnabled: must be boolean
/0/status: must be equal to one of the allowed values
Too many fields on resource with uniqueId X (element 0). Extra keys: a, b
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from proofport.errors import Problem
from proofport.wire import Reply
from proofport_vanta.answers import error_of, vendor_words

_PATH = re.compile(r"/(?P<place>\d{1,5})(?P<field>(?:/[^\s:]+)*): (?P<words>.+)", re.DOTALL)
_PROPERTY = re.compile(r"must have property '(?P<name>[^']+)'")
_ELEMENT = re.compile(r"\(element (?P<place>\d{1,5})\)")
_UNIQUE_ID = re.compile(r"uniqueId (?P<id>.+?)(?: \(element \d+\)|$)", re.DOTALL)
_EXTRA = re.compile(r"Extra keys: (?P<names>.+)", re.DOTALL)

DECLARED = (
    "Compare the record with what is declared in Vanta's developer console. For a custom resource, give its definition "
    "as `properties` in `objects`: then such a record is found before anything is sent."
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """The violation that Vanta names."""

    #: The record's place in the request. None: the text names no record of it.
    place: int | None
    problem: Problem


def refusal_of(reply: Reply, ids: Sequence[str]) -> Refusal:
    """The violation that a 400 names. `ids` are those of the request's records, in their order."""
    words, text = vendor_words(reply), error_of(reply)
    path, element, named = _PATH.match(text), _ELEMENT.search(text), _UNIQUE_ID.search(text)
    place = int((path or element)["place"]) if path or element else None  # type: ignore[index]
    if named is not None and ids.count(named["id"]) == 1:
        place = ids.index(named["id"])
    if place is not None and place >= len(ids):
        place = None
    if place is None:
        return Refusal(
            None, Problem("a set of which Vanta does not say what is wrong", "one it takes", vendor_message=words)
        )
    field, found = _field_of(text, path)
    return Refusal(place, Problem(found, "what Vanta has declared", field=field, hint=DECLARED, vendor_message=words))


def _field_of(text: str, path: re.Match[str] | None) -> tuple[str | None, str]:
    """The field that is wrong, and what was found there."""
    if path is not None:
        where = path["field"].removeprefix("/").replace("/", ".")
        if missing := _PROPERTY.search(path["words"]):
            return ".".join(filter(None, (where, missing["name"]))), "nothing"
        return where or None, "a value that Vanta refuses"
    if extra := _EXTRA.search(text):
        return extra["names"].partition(", ")[0].strip(), f"fields that are not declared: {extra['names'].strip()}"
    return None, "a set that Vanta refuses"
