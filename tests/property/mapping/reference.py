"""What a path selects, by jsonpath-ng's `find` alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from jsonpath_ng import Child, DatumInContext, Descendants, JSONPath, Slice, This, Wildcard
from jsonpath_ng.ext.filter import Filter
from jsonpath_ng.ext.parser import ExtendedJsonPathParser
from jsonpath_ng.ext.string import Sub

from proofport.mapping.compile.functions import MISSING


@lru_cache(maxsize=10_000)
def parse(path: str) -> Any:
    return strict(ExtendedJsonPathParser().parse(path))


def strict(tree: Any) -> Any:
    """The tree, whose `sub(…)` refuses text that it does not match, where jsonpath-ng finds nothing."""
    if type(tree) is Sub:
        pattern, find_some = tree.regex, tree.find

        def find_or_refuse(datum: Any) -> Any:
            if not pattern.search(DatumInContext.wrap(datum).value):
                raise Refusal
            found = find_some(datum)
            return found or [DatumInContext.wrap(datum)]

        tree.find = find_or_refuse
    for name in ("left", "right", "target", "child"):
        if isinstance(getattr(tree, name, None), JSONPath):
            strict(getattr(tree, name))
    return tree


class Refusal(Exception):
    """The record is to be rejected."""


def find(path: str, record: Any) -> list[Any]:
    tree: JSONPath = parse(path)
    try:
        return [match.value for match in tree.find(record)]
    except Exception as error:  # some nodes of jsonpath-ng break on data that does not fit
        raise Refusal from error


NOTHING: ContextVar[list[Any]] = ContextVar("nothing", default=[])  # noqa: B039  # never changed in place
"""The values that are missing wherever a path reads them."""


@contextmanager
def nothing(words: list[Any]) -> Iterator[None]:
    token = NOTHING.set(words)
    yield
    NOTHING.reset(token)


def is_nothing(value: Any) -> bool:
    for word in NOTHING.get():
        if isinstance(word, dict):
            if isinstance(value, str) and value.strip().startswith(word["starts"]):
                return True
        elif isinstance(word, bool) or isinstance(value, bool):
            if word is value:
                return True
        elif (value.strip() if isinstance(value, str) else value) == word:
            return True
    return False


def without_nothing(values: list[Any]) -> list[Any]:
    return [value for value in values if not is_nothing(value)]


def one(path: str, record: Any) -> Any:
    found = without_nothing(find(path, record))
    if len(found) > 1:
        raise Refusal
    return found[0] if found else MISSING


def many(path: str, record: Any) -> Any:
    return without_nothing(find(path, record)) or ([] if met_empty_array(parse(path), record) else MISSING)


def some(path: str, record: Any) -> bool:
    return bool(without_nothing(find(path, record)))


def met_empty_array(tree: Any, record: Any) -> bool:
    """Whether a wildcard, slice or filter came upon an empty array."""
    if type(tree) not in (Child, Descendants):
        return False
    left, right = tree.left, tree.right
    if type(tree) is Descendants and type(right) in (Child, Descendants):
        return met_empty_array(type(right)(Descendants(left, right.left), right.right), record)
    if type(tree) is Child and type(right) is Child:
        return met_empty_array(Child(Child(left, right.left), right.right), record)
    holders = left if type(tree) is Child else Descendants(left, This())
    several = type(right) in (Wildcard, Slice, Filter)
    return (several and any(match.value == [] for match in holders.find(record))) or met_empty_array(left, record)
