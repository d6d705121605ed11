"""What a path selects, by jsonpath-ng's `find` alone."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jsonpath_ng import Child, Descendants, JSONPath, Slice, This, Wildcard
from jsonpath_ng.ext.filter import Filter
from jsonpath_ng.ext.parser import ExtendedJsonPathParser

from proofport.mapping.compile.functions import MISSING

parse = lru_cache(maxsize=10_000)(ExtendedJsonPathParser().parse)


class Refusal(Exception):
    """The record is to be rejected."""


def find(path: str, record: Any) -> list[Any]:
    tree: JSONPath = parse(path)
    try:
        return [match.value for match in tree.find(record)]
    except Exception as error:  # some nodes of jsonpath-ng break on data that does not fit
        raise Refusal from error


def one(path: str, record: Any) -> Any:
    found = find(path, record)
    if len(found) > 1:
        raise Refusal
    return found[0] if found else MISSING


def many(path: str, record: Any) -> Any:
    return find(path, record) or ([] if met_empty_array(parse(path), record) else MISSING)


def some(path: str, record: Any) -> bool:
    return bool(find(path, record))


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
