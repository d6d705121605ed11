"""Which column becomes which field: the best of all pairs of names whose values fit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from proofport.evidence import model_of
from proofport.mapping.draft import values as shapes
from proofport.mapping.draft.names import LIKELY, NESTED, STRIPPED, fit, words_of
from proofport.mapping.draft.proposals import propose, without_values
from proofport.mapping.draft.rules import Proposal, Type, type_of
from proofport.mapping.draft.shape import Column, says
from proofport.mapping.draft.synonyms import FIELDS

ADDRESSES, SYSTEMS = ("email", "owner_email"), ("platform", "os_name")
"""Fields that may take a column that another one takes, too: a login is often an address."""
MOST_ALTERNATIVES = 4
CLOSE = 0.3
"""The gain of a column that has a value in every record."""


@dataclass(frozen=True, slots=True)
class Match:
    """One column that may become a field, and how well it fits."""

    score: float
    field: str
    column: Column
    proposal: Proposal
    type: Type


def matches(kind: str, columns: Sequence[Column], nouns: set[str]) -> list[Match]:
    """Every pair of a field and a column that fits it, best first."""
    model, found = model_of(kind), []
    for field, names in FIELDS.get(kind, {}).items():
        made = type_of(model, field)
        for column in columns:
            worth = fit(column.names, names, nouns, made)
            proposal = propose(field, made, column) if worth else None
            if proposal is None and worth >= STRIPPED - 0.1 and not column.given and None in column.values:
                worth, proposal = LIKELY, without_values(made, column)
            if proposal is not None:
                covered = len(column.given) / len(column.values)
                doubted = bool(proposal.doubts) * (made == "text")
                needed = CLOSE * model.model_fields[field].is_required()
                found.append(Match(worth + CLOSE * covered - doubted + needed, field, column, proposal, made))
    return sorted(found, key=lambda match: -match.score)


def assigned(found: Sequence[Match]) -> dict[str, list[Match]]:
    """For each field its columns, best first. Each column goes to one field."""
    fields: dict[str, list[Match]] = {}
    taken: dict[str, str] = {}
    for match in found:
        owner = taken.get(match.column.path)
        if match.field not in fields and (owner is None or _may_share(match)):
            taken.setdefault(match.column.path, match.field)
            fields[match.field] = [match]
    for match in found:
        if match.field not in fields or match in fields[match.field]:
            continue
        free = match.column.path not in taken or (match.field in ADDRESSES and _may_share(match))
        if free and _completes(fields[match.field], match):
            taken.setdefault(match.column.path, match.field)
            fields[match.field].append(match)
    return fields


def _may_share(match: Match) -> bool:
    if match.field in ADDRESSES:
        return shapes.share(shapes.EMAIL, match.column.given) > 0
    return match.field in SYSTEMS


def _completes(chosen: Sequence[Match], match: Match) -> bool:
    """True if a column surely means the same, and has values where the chosen ones have none."""
    least: float = 0 if match.field in ADDRESSES else STRIPPED
    if words_of(match.column.names[-1]) == words_of(chosen[0].column.names[-1]):
        least = min(chosen[0].score, NESTED) - CLOSE
    if len(chosen) >= MOST_ALTERNATIVES or min(match.score, chosen[0].score) < least:
        return False
    rows = zip(match.column.values, *(each.column.values for each in chosen), strict=True)
    fills = _has_address if match.field in ADDRESSES else says
    return any(fills(value) and not any(map(fills, others)) for value, *others in rows)


def _has_address(value: object) -> bool:
    return bool(value) if isinstance(value, list) else shapes.all_match(shapes.EMAIL, [value])


def joined(alternatives: Sequence[Proposal]) -> Proposal:
    """One rule of several: the first that gives a value counts."""
    if len(alternatives) == 1:
        return alternatives[0]
    rules = [each.rule for each in alternatives]
    rest = [{key: value for key, value in rule.items() if key != "path"} for rule in rules if isinstance(rule, dict)]
    rule: dict[str, Any] = {"first_of": rules}
    if len(rest) == len(rules) and rest[0].get("as") == "datetime" and all(each == rest[0] for each in rest):
        rule = {"first_of": [rule["path"] for rule in rules if isinstance(rule, dict)], **rest[0]}
    return Proposal(
        rule,
        _once(doubt for each in alternatives for doubt in each.doubts),
        _once(path for each in alternatives for path in each.paths),
    )


def _once(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))
