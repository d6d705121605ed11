"""Rules for words: those that mean yes and no, and those that evidence has only a few of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from proofport.mapping.draft import values as shapes
from proofport.mapping.draft.rules import Proposal, shown
from proofport.mapping.draft.shape import Column


def boolean(field: str, column: Column) -> Proposal | None:
    """Words that surely mean yes or no; all others are left out, and never made false."""
    if not column.scalar:
        return None
    opposite = shapes.is_opposite(field, column.names)
    if all(isinstance(value, bool) for value in column.given) and not opposite:
        return Proposal(column.path)
    known = [(value, shapes.truth(field, column.names, value)) for value in distinct(column.given)]
    yes, no = ([value for value, meant in known if meant is truth] for truth in (True, False))
    if not yes and not no:
        return None
    for value, meant in known:
        other = _counterpart(value)
        fits = other is not None and meant is not None and shapes.truth(field, column.names, other) is (not meant)
        if fits and len(distinct([*yes, *no, other])) > len(yes + no):
            (no if meant else yes).append(other)
    doubts = ["the words that mean true and false; any other is left out"]
    if opposite:
        doubts = [f"`{column.names[-1]}` says the opposite"]
    unsure = [str(value) for value, meant in known if meant is None]
    if unsure:
        doubts.append(f"left out, because nobody knows what they mean: {shown(unsure)}")
    rule = {"path": column.path, **trimmed(column), "as": "bool", "true": yes, "false": no}
    fold = {"fold": True} if any(isinstance(word, str) for word in yes + no) else {}
    return Proposal({**rule, **fold, "unknown": "omit"}, tuple(doubts))


def _counterpart(value: Any) -> Any:
    """The word that stands beside another: `no` beside `yes`."""
    if isinstance(value, bool):
        return not value
    return 1 - value if value in (0, 1) else shapes.COUNTERPART.get(str(value).lower())


def distinct(given: Sequence[Any]) -> list[Any]:
    """The different scalars, in their order and their first spelling: case and blanks around a text do not count."""
    found: dict[Any, Any] = {}
    for value in given:
        if isinstance(value, str | int | float):
            text = value.strip() if isinstance(value, str) else value
            found.setdefault(_compared(text), text)
    return list(found.values())


def _compared(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else (type(value), value)


def trimmed(column: Column) -> dict[str, Any]:
    """`trim:` for text that has blanks around it."""
    text = all(isinstance(value, str) for value in column.given)
    return {"trim": True} if text and any(value != value.strip() for value in column.given) else {}


def choice(field: str, column: Column) -> Proposal | None:
    """A word of evidence for each spelling that is known."""
    if not column.scalar:
        return None
    return chosen(field, {"path": column.path, **trimmed(column)}, distinct(column.given))


def chosen(field: str, rule: dict[str, Any], words: Sequence[Any]) -> Proposal | None:
    """A rule with a table of the words, where they are not those of evidence as they stand."""
    found = {word: shapes.choice(field, word) for word in words if isinstance(word, str)}
    table = {word: made for word, made in found.items() if made is not None}
    if not table:
        return None
    if all(found.get(word) == word for word in words):
        return Proposal(rule if len(rule) > 1 else rule["path"])
    unsure = [str(word) for word in words if word not in table]
    doubts = (f"left out, because there is no word for them: {shown(unsure)}",) if unsure else ()
    rule = {**rule, "table": table, "fold": True, "unknown": "omit"}
    return Proposal(rule, ("the table; add what is missing", *doubts))
