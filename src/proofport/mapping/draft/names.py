"""How names are compared: as words without case, with and without the words that say what the record is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from proofport.mapping.draft.synonyms import Names

SURE, STRIPPED, NESTED, LIKELY = 4.0, 3.5, 2.5, 1.5
"""How well a name fits: as it is; without the record's noun; by its last part alone; by a name to check."""

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_]+")
_FILLING = {
    "is",
    "has",
    "the",
    "value",
    "current",
    "primary",
    "profile",
    "attributes",
    "properties",
    "metadata",
    "data",
}
"""Words that may stand before or after a name and mean nothing."""
_SOMEBODY_ELSE = {
    *("manager", "supervisor", "creator", "approver", "inviter", "sponsor", "parent", "provider", "credentials"),
    *("department", "organization", "company", "location", "license", "team", "office"),
}
"""Objects inside of a record that describe another one."""


def words_of(name: str) -> list[str]:
    """`DBInstanceId` → db, instance, id."""
    words = [word.lower() for word in _WORD.findall(name)]
    return ["email", *words[2:]] if words[:2] == ["e", "mail"] else words


def singular(word: str) -> str:
    """A plural's singular, as English mostly makes it."""
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 2 else word


def nouns_of(*names: str) -> set[str]:
    """The words that say what the records are, from the names of lists: `DBInstances` → db, instance."""
    return {singular(word) for name in names for word in words_of(name)} - {"list", "value", "item", "data", "result"}


def fit(path: Sequence[str], names: Names, nouns: set[str]) -> float:
    """How well the names on the way to a column fit a field; 0 if not at all. The earlier name of a field is better."""
    best = 0.0
    for form, worth in _forms(path, nouns):
        for known, factor in ((names.sure, 1.0), (names.likely, LIKELY / SURE)):
            if form in known:
                best = max(best, worth * factor - known.index(form) / 1_000)
    return best


def _forms(path: Sequence[str], nouns: set[str]) -> Iterator[tuple[str, float]]:
    """The texts by which a column may be known, with their worth."""
    whole = [word for name in path for word in words_of(name)]
    last = words_of(path[-1]) if path else []
    nested = len(path) > 1
    yield "".join(whole), SURE
    yield "".join(_bare(whole, nouns)), STRIPPED
    if nested and _SOMEBODY_ELSE.intersection(whole[: -len(last)]):
        return
    for words in (last, [*last[:-1], *map(singular, last[-1:])]):
        yield "".join(words), NESTED if nested else SURE
        yield "".join(_bare(words, nouns)), NESTED - 0.25 if nested else STRIPPED


def _bare(words: Sequence[str], nouns: set[str]) -> list[str]:
    """The words without nouns and filling before them, and without filling after them; one always stays."""
    left = list(words)
    while len(left) > 1 and (singular(left[0]) in nouns or left[0] in _FILLING):
        left.pop(0)
    while len(left) > 1 and left[-1] in _FILLING:
        left.pop()
    return left
