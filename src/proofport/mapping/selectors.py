"""Paths to Python: shared prefixes are read once, single steps are lookups, the rest loops or goes to jsonpath-ng."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from jsonpath_ng import Fields, Index, Slice, Wildcard
from jsonpath_ng.ext.filter import And, Expression, Filter, Or

from proofport.mapping import functions
from proofport.mapping.code import MAX_BLOCKS, Code
from proofport.mapping.paths import DESCEND, Key, Path, Step, filter_keys, key_of

Trie: TypeAlias = dict[Key, "Trie"]


def lookup(holder: str, key: Key, *, value: str | None = None) -> str:
    """An expression for a member or item of the variable `holder`, which is set to `value` first; M for none."""
    held = f"{holder} := {value}" if value else holder
    if isinstance(key, str):
        return f"({holder}.get({key!r}, M) if isinstance({held}, dict) else M)"
    inside = f"len({holder}) > {key}" if key >= 0 else f"len({holder}) >= {-key}"
    return f"({holder}[{key}] if isinstance({held}, list) and {inside} else M)"


def chain(code: Code, start: str, keys: Sequence[Key]) -> str:
    """An expression for what the keys lead to from the variable `start`."""
    expression = start
    for key in keys:
        expression = lookup(start, key) if expression == start else lookup(code.name("s"), key, value=expression)
    return expression


class Scope:
    """The values that the rules read from one record (the variable `root`), or from one item of it."""

    def __init__(self, code: Code, root: str, paths: Iterable[Path]) -> None:
        self.code = code
        self.root = root
        self._known: dict[tuple[Key, ...], str] = {(): root}
        trie: Trie = {}
        for path in paths:
            if not path.compiled:
                continue
            node = trie
            for key in path.prefix:
                node = node.setdefault(key, {})
        self._read((), trie)

    def _read(self, at: tuple[Key, ...], trie: Trie) -> None:
        """Read the members of one object under one check, then those of each member."""
        holder = self._known[at]
        names = [key for key in trie if isinstance(key, str)]
        self._known.update({(*at, key): self.code.name() for key in trie})
        if names:
            variables = [self._known[(*at, name)] for name in names]
            with self.code.block(f"if isinstance({holder}, dict):"):
                for name, variable in zip(names, variables, strict=True):
                    self.code.line(f"{variable} = {holder}.get({name!r}, M)")
            with self.code.block("else:"):
                self.code.line(" = ".join([*variables, "M"]))
        for key in trie:
            if not isinstance(key, str):
                self.code.line(f"{self._known[(*at, key)]} = {lookup(holder, key)}")
        for key, below in trie.items():
            self._read((*at, key), below)

    def one(self, path: Path, field: str) -> str:
        """A variable with the only match, or M. Code that rejects the record when there are two."""
        code = self.code
        if path.singular:
            return self._known[path.prefix]
        twice = f"{code.use(functions.twice)}({code.constant(field)}, {code.constant(path.text)})"
        result = code.name("v")
        if self._needs_find(path):
            found = self._find(path, field)
            code.line(
                f"{result} = {code.use(functions.only)}({found}, {code.constant(field)}, {code.constant(path.text)})"
            )
            return result

        def store(value: str) -> None:
            with code.block(f"if {result} is not M:"):
                code.line(twice)
            code.line(f"{result} = {value}")

        code.line(f"{result} = M")
        self._loop(path, store, None)
        return result

    def many(self, path: Path, field: str, keep: Callable[[str, str], None]) -> str:
        """A variable with the list of all matches: M where there is none, [] where an array was empty.

        `keep(match, list)` writes the code that puts one match into the list.
        """
        code = self.code
        result, met = code.name("v"), code.name("e")

        def store(value: str) -> None:
            code.line(f"{met} = True")
            keep(value, result)

        code.line(f"{result} = []")
        if self._needs_find(path):
            item, found = code.name("i"), self._find(path, field)
            code.line(f"{met} = {code.use(functions.met_empty_array)}({code.bind('p', path)}, {self.root})")
            with code.block(f"for {item} in {found}:"):
                store(item)
        else:
            code.line(f"{met} = False")
            self._loop(path, store, met)
        with code.block(f"if not {met}:"):
            code.line(f"{result} = M")
        return result

    def _needs_find(self, path: Path) -> bool:
        loops = sum(key_of(step) is None for step in path.steps)
        return not path.compiled or self.code.loops + loops > MAX_BLOCKS

    def _find(self, path: Path, field: str) -> str:
        code = self.code
        return f"{code.use(functions.find)}({code.bind('p', path)}, {self.root}, {code.constant(field)})"

    def _loop(self, path: Path, store: Callable[[str], None], met: str | None) -> None:
        """Write loops around `store`, which gets the name of one match. `met` becomes True at an empty array."""
        prefix = path.prefix
        walk(self.code, self._known[prefix], path.steps[len(prefix) :], store, met)


def walk(code: Code, holder: str, steps: Sequence[Step], store: Callable[[str], None], met: str | None = None) -> None:
    """Write code that reaches all that `steps` select from the variable `holder`."""
    if not steps:
        store(holder)
        return
    step, rest = steps[0], steps[1:]
    item = code.name("i")
    key = key_of(step)
    if key is not None:
        code.line(f"{item} = {lookup(holder, key)}")
        if rest:
            walk(code, item, rest, store, met)
        else:
            with code.block(f"if {item} is not M:"):
                store(item)
        return
    if met is not None and type(step) in (Wildcard, Slice, Filter):
        with code.block(f"if {holder} == []:"):
            code.line(f"{met} = True")
    with code.block(f"for {item} in {_items(code, holder, step)}:"):
        if type(step) is Filter:
            with code.block(f"if {' and '.join(_test(code, item, test) for test in step.expressions)}:"):
                walk(code, item, rest, store, met)
        else:
            walk(code, item, rest, store, met)


def _items(code: Code, holder: str, step: Step) -> str:
    """An expression for what one step selects from `holder`, to be looped over."""
    if step is DESCEND:
        return f"{code.use(functions.descend)}({holder})"
    if type(step) is Fields:
        return f"([{holder}[k] for k in {step.fields!r} if k in {holder}] if isinstance({holder}, dict) else ())"
    if type(step) is Index:
        inside = f"-len({holder}) <= k < len({holder})"
        return f"([{holder}[k] for k in {step.indices!r} if {inside}] if isinstance({holder}, list) else ())"
    if type(step) is Slice:
        bounds = ":".join("" if part is None else str(part) for part in (step.start, step.end, step.step))
        return f"({holder}[{bounds}] if isinstance({holder}, list) else ())"
    return f"({holder} if isinstance({holder}, list) else {holder}.values() if isinstance({holder}, dict) else ())"


def _test(code: Code, item: str, test: Any) -> str:
    """A filter's test of one element, as an expression."""
    if type(test) in (And, Or):
        word = " and " if type(test) is And else " or "
        return f"({word.join(_test(code, item, operand) for operand in test.operands)})"
    keys = filter_keys(test.target) or ()
    value = chain(code, item, keys)
    if test.op is None:
        return f"({value}) is not M"
    if test.op == "!":
        return f"({value}) is M"
    return _comparison(code, value, test)


def _comparison(code: Code, value: str, test: Expression) -> str:
    """RFC 9535: only two numbers or two strings are ordered; other values are equal or not."""
    literal, operator = test.value, "==" if test.op == "=" else test.op
    if operator == "!=":
        return f"not {_equality(code, value, literal)}"
    if operator == "==" or literal is None or isinstance(literal, bool):
        return _equality(code, value, literal) if "=" in operator else "False"
    held = code.name("s")
    kind = "(str,)" if isinstance(literal, str) else "(int, float)"
    return f"(({held} := {value}).__class__ in {kind} and {held} {operator} {code.constant(literal)})"


def _equality(code: Code, value: str, literal: Any) -> str:
    if literal is None or isinstance(literal, bool):
        return f"(({value}) is {literal!r})"
    if isinstance(literal, str):
        return f"(({value}) == {code.constant(literal)})"
    held = code.name("s")
    return f"(({held} := {value}).__class__ is not bool and {held} == {code.constant(literal)})"
