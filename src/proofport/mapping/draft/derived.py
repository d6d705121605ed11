"""Rules for what stands inside of other values: parts of an ARN or an address, tags, and words for what is gone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from proofport.mapping.draft import values as shapes
from proofport.mapping.draft.matching import ADDRESSES, Match, joined
from proofport.mapping.draft.names import fit, of_somebody_else, words_of
from proofport.mapping.draft.resource_types import several_types
from proofport.mapping.draft.rules import Proposal, split_text
from proofport.mapping.draft.shape import Column, can_be_written, step_text
from proofport.mapping.draft.shaped import OS_NAME, OS_VERSION, holds_system, shaped
from proofport.mapping.draft.synonyms import ACCOUNT, FIELDS
from proofport.mapping.draft.words import boolean

_ENDED = re.compile(r"(?i)terminated|deleted|destroyed|removed|decommissioned")
_PROJECT = re.compile(r"(https?:/)?(/.*/|/)?projects/[^/]+/.+")
_SUBSCRIPTION = re.compile(r"(?i)/subscriptions/[^/]+/.+")
TELLING = ("is_contractor", "encrypted", "disk_encrypted")
"""Flags whose words are used of nothing else."""
_STRONGER = ("os_name",)
"""Fields for which a part of another value is better than a column of a name to check."""
_TAG_FORMS = (("Key", "Value"), ("key", "value"), ("TagKey", "TagValue"))


def derived(
    kind: str,
    columns: Sequence[Column],
    nouns: set[str],
    known: Mapping[str, Proposal],
    fields: Mapping[str, Sequence[Match]],
) -> dict[str, Proposal]:
    """Rules for fields that no column gives as a whole."""
    found = dict(_from_tags(kind, columns, known))
    found.update(_addresses(kind, columns, known))
    found.update(_by_words(kind, columns, known))
    if kind == "training_record":
        found.update(_name_of_two(columns, nouns))
        found.update(_title(fields.get("course", ())))
    if kind == "device":
        found.update(_system(fields.get("os_version", ()), fields.get("os_name", ())))
    if kind == "cloud_resource":
        found = {**_from_clouds(columns, nouns, {*known, *found}), **found}
        found.update(_gone(fields.get("state", ())))
        found.update(several_types(columns))
    return {field: proposal for field, proposal in found.items() if field not in known or field in _STRONGER}


def _addresses(kind: str, columns: Sequence[Column], known: Mapping[str, Proposal]) -> Iterator[tuple[str, Proposal]]:
    """Where no column is called an address: one whose values are addresses."""
    read = {path for proposal in known.values() for path in proposal.paths}
    for field in set(ADDRESSES) & set(FIELDS.get(kind, {})):
        for column in columns:
            if of_somebody_else(column.names):
                continue
            sure = column.scalar and shapes.all_match(shapes.EMAIL, column.given)
            found = Proposal(column.path) if sure else None if column.scalar else shaped(field, column)
            if found and column.path not in read and kind != "cloud_resource":
                yield field, replace(found, paths=(column.path,)).doubted("an address, but of whom?")


def _by_words(kind: str, columns: Sequence[Column], known: Mapping[str, Proposal]) -> Iterator[tuple[str, Proposal]]:
    """A flag from a column of any name, whose words are those of the flag: `Contractor`, `NOT_ENCRYPTED`."""
    for field in set(TELLING) & set(FIELDS.get(kind, {})) - set(known):
        for column in columns:
            told = [value for value in column.given if shapes.tells(field, value)]
            if column.scalar and len(told) * 2 > len(column.given) and (found := boolean(field, column)):
                yield field, replace(found, paths=(column.path,)).doubted("found by its words, and not by its name")


def _name_of_two(columns: Sequence[Column], nouns: set[str]) -> Iterator[tuple[str, Proposal]]:
    """A full name of the first and the last one."""
    first, last = (
        max((column for column in columns if fit(column.names, ACCOUNT[field], nouns)), key=_most_given, default=None)
        for field in ("first_name", "last_name")
    )
    if first is not None and last is not None and not {"{", "}"} & {*first.path, *last.path}:
        rule: dict[str, Any] = {"first_of": [{"template": f"{{{first.path}}} {{{last.path}}}"}, first.path, last.path]}
        yield "full_name", Proposal(rule, ("made of first and last name",), (first.path, last.path))


def _most_given(column: Column) -> int:
    return len(column.given)


def _title(course: Sequence[Match]) -> Iterator[tuple[str, Proposal]]:
    """The title of a course that is known by its title alone."""
    if course and any(" " in str(value) for match in course for value in match.column.given):
        yield "title", joined([match.proposal for match in course]).doubted("the same column as `course`")


def _system(version: Sequence[Match], name: Sequence[Match]) -> Iterator[tuple[str, Proposal]]:
    """The name of the system and its version, where both stand in one column."""
    for match in version[:1] or name[:1]:
        if holds_system(match.column):
            path = match.column.path
            yield "os_name", Proposal({"path": path, "sub": OS_NAME}, ("the text before the number",), (path,))
            yield "os_version", Proposal({"path": path, "sub": OS_VERSION}, ("the number at the end",), (path,))


def _from_clouds(columns: Sequence[Column], nouns: set[str], known: set[str]) -> dict[str, Proposal]:
    found: dict[str, Proposal] = {}
    for part in (_account_number, _zone, _of_arn, _of_path, _project, _of_address, _public_address):
        for field, proposal in part(columns, nouns):
            if field not in known:
                found.setdefault(field, proposal)
    if _arn(columns, nouns) is not None:
        found["provider"] = Proposal({"value": "aws"})
    return found


def _account_number(columns: Sequence[Column], nouns: set[str]) -> Iterator[tuple[str, Proposal]]:
    """A column of account numbers, under whatever name."""
    for column in columns:
        if (
            shapes.all_match(shapes.ACCOUNT_NUMBER, column.given)
            and column.names
            and words_of(column.names[-1])[-1] == "id"
        ):
            yield "account_id", Proposal(column.path, (), (column.path,))


def _zone(columns: Sequence[Column], nouns: set[str]) -> Iterator[tuple[str, Proposal]]:
    """The region that a zone such as eu-west-1a lies in."""
    for column in columns:
        zone = column.names and "zone" in words_of(column.names[-1])
        if zone and column.scalar and (found := shaped("region", column)):
            yield "region", replace(found, paths=(column.path,))


def _project(columns: Sequence[Column], nouns: set[str]) -> Iterator[tuple[str, Proposal]]:
    """The project in a name such as projects/acme/topics/orders."""
    for column in columns:
        if column.whole and all(isinstance(value, str) and _PROJECT.fullmatch(value) for value in column.given):
            sub = {"pattern": "^.*projects/([^/]+)(/.*)?$", "with": r"\1", "unmatched": "omit"}
            yield "account_id", Proposal({"path": column.path, "sub": sub}, ("a part of the name",), (column.path,))


def _arn(columns: Sequence[Column], nouns: set[str]) -> Column | None:
    """The column with the ARN of the record itself."""
    fitting = [
        column
        for column in columns
        if len(column.names) == 1
        and shapes.share(shapes.ARN, column.given) > 0.5
        and fit(column.names, _ARN_NAMES, nouns)
    ]
    return max(fitting, key=lambda column: len(column.given), default=None)


_ARN_NAMES = FIELDS["cloud_resource"]["name"]._replace(sure=("arn",), likely=())


def _of_arn(columns: Sequence[Column], nouns: set[str]) -> Iterator[tuple[str, Proposal]]:
    column = _arn(columns, nouns)
    if column is None:
        return
    parts = [value.split(":") for value in column.given if shapes.ARN.fullmatch(str(value))]
    for field, place in (("account_id", 4), ("region", 3)):
        if all(part[place] for part in parts):
            yield field, Proposal(split_text(column.path, ":", place), (), (column.path,))
    if all(len(part) == 6 and "/" not in part[5] for part in parts):
        yield "name", Proposal(split_text(column.path, ":", 5), ("the last part of the ARN",), (column.path,))


def _of_path(columns: Sequence[Column], nouns: set[str]) -> Iterator[tuple[str, Proposal]]:
    """The subscription in an id such as /subscriptions/…/resourceGroups/…"""
    for column in columns:
        if shapes.all_match(_SUBSCRIPTION, column.given):
            yield "account_id", Proposal(split_text(column.path, "/", 2), (), (column.path,))


def _of_address(columns: Sequence[Column], nouns: set[str]) -> Iterator[tuple[str, Proposal]]:
    """Where the record is nothing but an address: its account, its region, and its last part."""
    column = columns[0]
    if column.path != "$" or not shapes.all_match(shapes.URL, column.given):
        return
    for field, mark, pattern in (("account_id", "/", shapes.ACCOUNT_NUMBER), ("region", ".", shapes.REGION)):
        place = _place_of(pattern, [value.split(mark) for value in column.given])
        if place is not None:
            yield field, Proposal(split_text("$", mark, place), ("a part of the address",), ("$",))
    lengths = {value.count("/") for value in column.given}
    if len(lengths) == 1:
        yield "name", Proposal(split_text("$", "/", lengths.pop()), ("the last part of the address",), ("$",))


def _place_of(pattern: re.Pattern[str], parts: Sequence[Sequence[str]]) -> int | None:
    shortest = min(map(len, parts))
    return next((n for n in range(shortest) if all(pattern.fullmatch(part[n]) for part in parts)), None)


def _public_address(columns: Sequence[Column], nouns: set[str]) -> Iterator[tuple[str, Proposal]]:
    """A record with a public address is public; one without may still be reached in another way."""
    for column in columns:
        words = words_of(column.names[-1]) if column.names else []
        if {"public", "ip"} <= {word.removesuffix("s") for word in words} and shapes.all_match(shapes.IP, column.given):
            rule = {"value": True, "when": {"path": column.path, "present": True}}
            doubt = "true where there is a public address; without one nothing is claimed"
            yield "public", Proposal(rule, (doubt,), (column.path,))


def _gone(state: Sequence[Match]) -> Iterator[tuple[str, Proposal]]:
    """The words of the state that say that a record is gone."""
    for match in state[:1]:
        words = sorted({value for value in match.column.given if isinstance(value, str) and _ENDED.fullmatch(value)})
        if words:
            rule = {"value": "removed", "when": {"path": match.column.path, "in": words}}
            yield "lifecycle_state", Proposal(rule, ("states of which the record is gone",), (match.column.path,))


def _from_tags(kind: str, columns: Sequence[Column], known: Mapping[str, Proposal]) -> Iterator[tuple[str, Proposal]]:
    """A tag whose key is the name of a field: `Name`, `email`."""
    for column in columns:
        tags = _tags(column)
        for field in ("name", "email", "owner_email"):
            if field in known or field not in FIELDS.get(kind, {}):
                continue
            names = FIELDS[kind][field]
            named = [tag for tag in tags if fit([tag], names, set()) and "'" not in tag and _right(field)(tags[tag][1])]
            if named:
                yield field, Proposal(tags[named[0]][0], (f"from the tag {named[0]}",), (column.path,))


def _tags(column: Column) -> dict[str, tuple[str, list[Any]]]:
    """The path and the values of each tag."""
    found: dict[str, tuple[str, list[Any]]] = {}
    if column.of_members and all(isinstance(value, dict) for value in column.given):
        for tag, value in (each for tags in column.given for each in tags.items() if can_be_written([each[0]])):
            found.setdefault(tag, (column.path + step_text(tag), []))[1].append(value)
        return found
    items = [item for value in column.given if isinstance(value, list) for item in value if isinstance(item, dict)]
    key, value = next((form for form in _TAG_FORMS if items and all(form[0] in item for item in items)), ("", ""))
    for item in items if key else ():
        path = f"{column.path}[?(@.{key}=='{item[key]}')].{value}"
        found.setdefault(str(item[key]), (path, []))[1].append(item.get(value))
    return found


def _right(field: str) -> Callable[[Sequence[Any]], bool]:
    if field.endswith("email"):
        return lambda values: shapes.all_match(shapes.EMAIL, values)
    return lambda values: all(isinstance(value, str) for value in values)
