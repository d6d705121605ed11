"""How names are compared: as words without case, with and without the words that say what the record is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from proofport.mapping.draft.synonyms import Names

SURE, STRIPPED, NESTED, LIKELY = 4.0, 3.5, 2.5, 1.5
ENDING = 1.4
"""How well a name fits: as it is; without the record's noun; by its last part alone; by a name to check; by its end."""

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_]+")
_SAME = {"mail": "email", "mails": "emails", "nr": "number"}
"""Words that are written in several ways. So is `no`, which means a number at the end of a name alone: `serial_no`."""
_NEGATING = {
    *("no", "not", "non", "un", "without", "missing", "lacks", "lacking", "exempt", "exempted", "bypass", "skip"),
    *("disable", "disables", "disabled", "deactivated", "inactive", "unenrolled", "unregistered", "ignore", "prevent"),
    *("block", "blocks", "blocked", "deny", "denies", "denied", "restrict", "restricts", "restricted"),
}
"""Words before the name of a flag that turn it round: `no_mfa`, `disable_firewall`."""
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
    "work",
    "business",
    "main",
}
"""Words that may stand before or after a name and mean nothing."""
_EMPTY = {
    "time": (
        re.compile("^(date|time)(of)?(?=.)|^timestamp(?=.)"),
        re.compile("(?<=.)(utc|gmt|ts|timestamp|date|time|at|on|by)+$"),
    ),
    "bool": (
        re.compile("^(is|has|are)(?=.)"),
        re.compile("(?<=.)(enabled|active|activated|on|status|state|flag|set)+$"),
    ),
}
"""Beginnings and ends of names that say no more than the type of a field: of times, and of flags."""
_PARTS_OF_IT = {
    *("name", "general", "hardware", "os", "operating", "system", "network", "overview", "info", "detail", "details"),
    *("meta", "self", "personal", "internal", "result", "spec", "links", "urls"),
}
_GENERAL = {
    "name",
    "title",
    "type",
    "status",
    "state",
    "label",
    "user",
    "number",
    "id",
    "role",
    "group",
    "object",
    "login",
}
"""Words that say too little at the end of a longer name."""
_SOMEBODY_ELSE = {
    *("manager", "supervisor", "creator", "approver", "inviter", "sponsor", "parent", "provider", "credentials"),
    *("authority", "department", "organization", "company", "location", "license", "team", "office"),
}
"""Objects inside of a record that describe another one."""
_NOT_BEFORE = {*_SOMEBODY_ELSE, "last", "next", "previous", "old", "new", "max", "min", "count", "default", "first"}
"""Words with which a longer name means something else than its end."""
_OWNER = {"user", "owner", "assigned"}
_CALLED = ("name", "displayname", "display", "value", "label", "title")
"""Where an object inside of a record has what it is called."""


def words_of(name: str) -> list[str]:
    """`DBInstanceId` → db, instance, id."""
    words = [word.lower() for word in _WORD.findall(name)]
    if words[-1:] == ["no"]:
        words[-1] = "number"
    found = [_SAME.get(word, word) for word in words]
    return [word for n, word in enumerate(found) if not (word == "e" and found[n + 1 : n + 2] == ["email"])]


def singular(word: str) -> str:
    """A plural's singular, as English mostly makes it."""
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 2 else word


def is_wrapper(name: str, nouns: set[str]) -> bool:
    """True for the name of an object that holds a part of the record itself, and nothing of another one."""
    return all(singular(word) in nouns or word in _FILLING or word in _PARTS_OF_IT for word in words_of(name))


def nouns_of(*names: str) -> set[str]:
    """The words that say what the records are, from the names of lists: `DBInstances` → db, instance."""
    return {singular(word) for name in names for word in words_of(name)} - {"list", "value", "item", "data", "result"}


def fit(path: Sequence[str], names: Names, nouns: set[str], made: str = "") -> float:
    """How well the names on the way to a column fit a field; 0 if not at all. The earlier name of a field is better.
    `made`: the type of the field. Words that only say that something is a time, or a flag, do not count for these.
    A name that says the opposite of a flag fits none."""
    best = 0.0
    if made == "bool" and _NEGATING.intersection([word for name in path for word in words_of(name)][:-1]):
        return best
    for form, worth in _forms(path, nouns):
        for known, factor in ((names.sure, 1.0), (names.likely, LIKELY / SURE)):
            if worth == ENDING and known is names.likely:
                continue
            if (stem := _stem(form, made)) in (stems := _stems(known, made)):
                best = max(best, worth * factor - stems.index(stem) / 1_000)
    return best


@lru_cache(maxsize=1_000)
def _stems(known: tuple[str, ...], made: str) -> list[str]:
    return [_stem(form, made) for form in known]


def _stem(form: str, made: str) -> str:
    """Of a time, `createdAt` and `datecreated` are `created`; of a flag, `ismfaenabled` and `mfaactive` are `mfa`."""
    before, after = _EMPTY.get(made, (None, None))
    if before is None or after is None:
        return form
    return after.sub("", before.sub("", form)) or form


def of_somebody_else(path: Sequence[str]) -> bool:
    """True for a column inside of an object that describes another one: `manager.email`."""
    around = {word for name in path[:-1] for word in words_of(name)}
    return bool(_SOMEBODY_ELSE & around) and not _OWNER & around


def _forms(path: Sequence[str], nouns: set[str]) -> Iterator[tuple[str, float]]:
    """The texts by which a column may be known, with their worth."""
    whole = [word for name in path for word in words_of(name)]
    last = words_of(path[-1]) if path else []
    nested = len(path) > 1
    yield "".join(whole), SURE
    yield "".join(_bare(whole, nouns)), STRIPPED
    if of_somebody_else(path):
        return
    if nested:
        yield "".join([*words_of(path[-2]), *last]), NESTED + 0.25
    if nested and "".join(last) in _CALLED:
        yield "".join(words_of(path[-2])), NESTED
    for start in range(1, len(last)):
        if not _NOT_BEFORE.intersection(last[:start]) and "".join(last[start:]) not in _GENERAL:
            yield "".join(last[start:]), ENDING
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
