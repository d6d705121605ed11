"""Finds what of a raw record the rules of its source mapping read, and what none does."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence

from proofport.accounting import SKIP_RULE
from proofport.mapping.compile.projection import Part, part_of
from proofport.mapping.language.nodes import Constant, Default, FirstOf, MappingFile, Nested, Rule, Skip, selects
from proofport.mapping.language.paths import Path

MOST = 1_000
"""Places that are named."""


def read_by(file: MappingFile) -> Part:
    """The part of a record that the rules of a mapping read."""
    return part_of([*file.fields.values(), *(skip.rule for skip in file.skips)])


def optional_fields(file: MappingFile, filled: Container[str]) -> tuple[str, ...]:
    """The fields that a record has only where their rules match something in it. `filled`: those that --set fills."""
    return tuple(name for name, rule in file.fields.items() if name not in filled and not _needs_no_match(rule))


def _needs_no_match(rule: Rule) -> bool:
    """True if a rule may give a value although its paths match nothing."""
    if any(isinstance(change, Default) for change in rule.changes):
        return True
    match rule.source:
        case Constant():
            return True
        case FirstOf(rules):
            return any(map(_needs_no_match, rules))
        case Nested(fields):
            return any(map(_needs_no_match, fields.values()))
    return False


def places_of(rule: Rule) -> list[str]:
    """The places where a rule looks."""
    return list(dict.fromkeys(place_of(each.path) for each in selects(rule)))


def place_of(path: Path) -> str:
    """The name of a member alone, be it `$.name` or `$['a name']`."""
    return re.sub(r"\$\['([^']*)'\]|\$\.(.*)", lambda found: found[1] or found[2], path.text)


def skips_lacking(skips: Sequence[Skip], header: Iterable[str]) -> dict[str, list[str]]:
    """`skip: REASON` with the places where its rules look, for each reason that leaves no row of a table out.

    Rules that reject a record which lacks what they read are not among them: that shows.
    """
    needs = defaultdict[str, list[Path]](list)
    for skip in skips:
        if skip.missing != "reject":
            needs[SKIP_RULE + skip.reason] += skip.needs
    columns = set(header)
    return {
        reason: list(dict.fromkeys(map(place_of, paths)))
        for reason, paths in needs.items()
        if paths and columns.isdisjoint(str(path.prefix[0]) for path in paths if path.prefix)
    }


def unread(part: Part, record: object) -> list[str]:
    """The places in a record that are in no part of it that is read, each named once. At most MOST."""
    found: dict[str, None] = {}
    for place in _unread(part, record, "$"):
        found[place] = None
        if len(found) == MOST:
            break
    return list(found)


def _unread(part: Part | None, value: object, at: str) -> Iterator[str]:
    if part is None:
        yield at
    elif part.whole or not (part.members or part.items is not None):
        return
    elif isinstance(value, dict):
        if part.items is None:  # else a wildcard takes all members
            for name, inner in value.items():
                yield from _unread(
                    part.members.get(name), inner, f"{at}.{name}" if _is_plain(name) else f"{at}[{name!r}]"
                )
    elif isinstance(value, list):
        for inner in value:
            yield from _unread(part.items, inner, f"{at}[*]")


def _is_plain(name: object) -> bool:
    return isinstance(name, str) and name.isidentifier()
