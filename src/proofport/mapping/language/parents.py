"""`parent:`, the fields that come from around a record: a path, or a rule over the elements that enclose it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import takewhile

from jsonpath_ng import Index, Slice, Wildcard
from jsonpath_ng.ext.filter import Filter

from proofport.mapping.language.nodes import Combined, FirstOf, Nested, Parent, Rule, Select, Source, Template, When
from proofport.mapping.language.paths import TRANSFORMS, Path, Step, common, key_of, made_of
from proofport.text.yaml_nodes import Mark

Move = Callable[[Path, Mark, bool], Path]
"""From a path of the document to one of a list of enclosing elements. The flag: it may have several matches."""


def parent_of(field: str, rule: Rule, records: Path) -> Parent:
    """Raises MappingError for a path that does not follow `records`."""
    if (plain := _plain(field, rule, records)) is not None:
        return plain
    depths: list[int] = []

    def move(path: Path, at: Mark, several: bool) -> Path:
        depth = common(records.steps, path.steps) if several else _along(records, path)
        rest = path.steps[depth:]
        if not several and not all(map(_is_single, rest)):
            expected = f"a path that follows records ({records.text}) to the enclosing element, then names only"
            raise at.error(repr(path.text), expected)
        if depth not in depths:
            depths.append(depth)
        return made_of(path.text, (Index(depths.index(depth)), *rest))

    moved = _moved(rule, move)
    return Parent(field, max(depths, default=0), (), moved, tuple(depths))


def _plain(field: str, rule: Rule, records: Path) -> Parent | None:
    """A parent that is taken as it is, by names alone."""
    if not isinstance(rule.source, Select) or rule != Rule(at=rule.at, source=Select(rule.source.path, rule.source.at)):
        return None
    steps = rule.source.path.steps
    depth = _along(records, rule.source.path)
    keys = [key for key in map(key_of, steps[depth:]) if key is not None]
    return Parent(field, depth, tuple(keys)) if len(keys) == len(steps) - depth else None


def _along(records: Path, path: Path) -> int:
    """How many leading steps of `records` a path follows. `[*]` follows a filter and a slice, too."""
    pairs = zip(records.steps, path.steps, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1] or _covers(*pair), pairs))


def _covers(step: Step, follower: Step) -> bool:
    return type(step) in (Filter, Slice) and type(follower) is Wildcard


def _is_single(step: Step) -> bool:
    return key_of(step) is not None or type(step) in (*TRANSFORMS, Filter)


def _moved(rule: Rule, move: Move) -> Rule:
    when = _condition(rule.when, move) if rule.when is not None else None
    return replace(rule, when=when, source=_source(rule.source, move))


def _source(source: Source, move: Move) -> Source:
    match source:
        case Select():
            return _select(source, move)
        case Template(parts):
            return Template(tuple(part if isinstance(part, str) else _select(part, move) for part in parts))
        case FirstOf(rules):
            return FirstOf(tuple(_moved(inner, move) for inner in rules))
        case Nested(fields):
            return Nested({name: _moved(inner, move) for name, inner in fields.items()})
        case _:
            return source


def _select(select: Select, move: Move) -> Select:
    return replace(select, path=move(select.path, select.at, select.all))


def _condition(condition: When, move: Move) -> When:
    if isinstance(condition, Combined):
        return replace(condition, conditions=tuple(_condition(inner, move) for inner in condition.conditions))
    return replace(condition, path=move(condition.path, condition.at, condition.test == "present"))
