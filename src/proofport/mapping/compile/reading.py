"""Paths to Python: shared prefixes are read once, single steps are lookups, the rest loops or goes to jsonpath-ng."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

from jsonpath_ng import Fields, Index, Slice, Wildcard
from jsonpath_ng.ext.filter import And, Expression, Filter, Or

from proofport.mapping.compile import functions
from proofport.mapping.compile.code import MAX_BLOCKS, Code
from proofport.mapping.language.nodes import Combined, When
from proofport.mapping.language.opening import Several
from proofport.mapping.language.paths import DESCEND, TRANSFORMS, Key, Path, Step, filter_keys, key_of
from proofport.mapping.language.values import json_key

Trie: TypeAlias = dict[Key, "Trie"]
Store: TypeAlias = Callable[[str], None]


def lookup(code: Code, holder: str, key: Key, value: str | None = None) -> str:
    """An expression for a member or item of the variable `holder`, or `absent`. `value`: it is set to that first."""
    held, none = f"({holder} := {value})" if value else holder, absent(code, holder, key)
    if isinstance(key, str):
        return f"({_member(code, holder, key)} if {is_object(code, holder, held)} else {none})"
    inside = f"len({holder}) > {key}" if key >= 0 else f"len({holder}) >= {-key}"
    is_list = f"{held} is not None" if holder in code.parts else f"isinstance({held}, list)"
    return f"({holder}[{key}] if {is_list} and {inside} else {none})"


def absent(code: Code, holder: str, key: Key) -> str:
    """None for an object or a list of them that the decoder would have made; M for any other value."""
    part = code.parts.get(holder)
    return "M" if part is None or part.below(key) is None else "None"


def is_object(code: Code, holder: str, held: str | None = None) -> str:
    """An expression for whether a variable, or `held` that sets it, is an object.

    What the decoder makes is one or None here: a list has no members that a path could name.
    """
    return f"{held or holder} is not None" if holder in code.parts else f"isinstance({held or holder}, dict)"


def _member(code: Code, holder: str, name: str) -> str:
    part = code.parts.get(holder)
    return f"{holder}.get({name!r}, M)" if part is None else f"{holder}.{part.attribute(name)}"


def derive(code: Code, variable: str, holder: str, key: Key) -> str:
    """Note what the decoder makes of the value that a variable takes from another one. Returns the variable."""
    part = code.parts.get(holder)
    below = part.below(key) if part is not None else None
    if below is not None:
        code.parts[variable] = below
    return variable


def chain(code: Code, start: str, keys: Sequence[Key]) -> str:
    """An expression for what the keys lead to from the variable `start`."""
    if not keys:
        return start
    holder, expression = start, lookup(code, start, keys[0])
    for above, key in pairwise(keys):
        holder = derive(code, code.name("s"), holder, above)
        expression = lookup(code, holder, key, expression)
    return expression


class Scope:
    """The values that the rules read from one record (the variable `root`), or from one item of it."""

    def __init__(self, code: Code, root: str, paths: Iterable[Path]) -> None:
        self.code = code
        self.root = root
        self._known: dict[tuple[Key, ...], str] = {(): root}
        #: Where a path ends, so that what stands for nothing is missing there.
        self._ends: set[tuple[Key, ...]] = set()
        trie: Trie = {}
        for path in paths:
            if not path.compiled:
                continue
            if path.singular:
                self._ends.add(path.prefix)
            node = trie
            for key in path.prefix:
                node = node.setdefault(key, {})
        self._read((), trie)

    def _read(self, at: tuple[Key, ...], trie: Trie) -> None:
        """Read the members of one object under one check, then those of each member."""
        holder = self._known[at]
        names = [key for key in trie if isinstance(key, str)]
        self._known.update({(*at, key): derive(self.code, self.code.name(), holder, key) for key in trie})
        if names:
            variables = [self._known[(*at, name)] for name in names]
            with self.code.block(f"if {is_object(self.code, holder)}:"):
                for name, variable in zip(names, variables, strict=True):
                    self.code.line(f"{variable} = {_member(self.code, holder, name)}")
            with self.code.block("else:"):
                for name, variable in zip(names, variables, strict=True):
                    self.code.line(f"{variable} = {absent(self.code, holder, name)}")
        for key in trie:
            if not isinstance(key, str):
                self.code.line(f"{self._known[(*at, key)]} = {lookup(self.code, holder, key)}")
        for key in trie:
            if (*at, key) in self._ends:
                self.code.drop_nothing(self._known[(*at, key)])
        for key, below in trie.items():
            self._read((*at, key), below)

    def one(self, path: Path, field: str) -> str:
        """A variable with the only match, or M. Code that rejects the record when there are two."""
        code = self.code
        if path.singular:
            return self._known[path.prefix]
        twice = f"{code.use(functions.twice)}({code.constant(field)}, {code.constant(path.text)})"
        result = code.name("v")

        def store(value: str) -> None:
            with code.block(f"if {result} is not M:"):
                code.line(twice)
            code.line(f"{result} = {value}")

        code.line(f"{result} = M")
        self._each(path, field, store)
        return result

    def some(self, path: Path, field: str) -> str:
        """An expression that is true if a path matches at all."""
        if path.singular:
            return f"{self._known[path.prefix]} is not M"
        found = self.code.name("e")
        self.code.line(f"{found} = False")
        self._each(path, field, lambda value: self.code.line(f"{found} = True"))
        return found

    def holds(self, condition: When, field: str) -> str:
        """An expression that is true if a condition holds. The code before it reads what is tested."""
        if isinstance(condition, Combined):
            tests = [f"({self.holds(inner, field)})" for inner in condition.conditions]
            test = (" and " if condition.word == "all" else " or ").join(tests)
            return f"not ({test})" if condition.negated else test
        match condition.test:
            case "present":
                test = self.some(condition.path, field)
            case "null":
                test = f"{self.one(condition.path, field)} is None"
            case "above" | "below" | "at_least" | "at_most":
                value, bound = self.one(condition.path, field), self.code.bind("c", condition.values[0])
                test = f"{self.code.use(functions.compares)}({value}, {condition.test!r}, {bound})"
            case _:
                given, values = self.one(condition.path, field), condition.values
                for asked, change in ((condition.trim, functions.trimmed), (condition.fold, functions.folded)):
                    if asked:
                        given, values = f"{self.code.use(change)}({given})", tuple(map(change, values))
                keys = self.code.bind("c", frozenset(map(json_key, values)))
                test = f"{self.code.use(functions.is_one_of)}({given}, {keys})"
        return f"not ({test})" if condition.negated else test

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
        code.line(f"{met} = False")
        self._each(path, field, store, met)
        with code.block(f"if not {met}:"):
            code.line(f"{result} = M")
        return result

    def _each(self, path: Path, field: str, store: Store, met: str | None = None) -> None:
        """Write what `store` does with each match. `met`: the variable that becomes True at an empty array."""
        code, prefix = self.code, path.prefix

        def keep(value: str) -> None:
            with code.unless_nothing(value):
                store(value)

        if not path.compiled or code.loops + path.loops > MAX_BLOCKS:
            item, given = code.name("i"), f"{code.bind('p', path)}, {self.root}"
            with code.block(f"for {item} in {code.use(functions.find)}({given}, {code.constant(field)}):"):
                keep(item)
            if met is not None:
                code.line(f"{met} = {met} or {code.use(functions.met_empty_array)}({given})")
        elif len(prefix) < len(path.steps):
            where = f"{code.constant(field)}, {code.constant(path.text)}"
            Walk(code, keep, where, met).write(self._known[prefix], path.steps[len(prefix) :])
        else:
            with code.block(f"if {self._known[prefix]} is not M:"):
                store(self._known[prefix])


@dataclass(frozen=True, slots=True)
class Walk:
    """Writes the code that reaches what some steps select."""

    code: Code
    #: Writes what is done with one match, given its variable.
    store: Store
    #: Field and path, for messages.
    where: str
    #: The variable that becomes True at an empty array.
    met: str | None = None

    def write(self, holder: str, steps: Sequence[Step]) -> None:
        if not steps:
            self.store(holder)
            return
        step, rest = steps[0], steps[1:]
        key = key_of(step)
        if key is not None:
            item = derive(self.code, self.code.name("i"), holder, key)
            self._single(item, lookup(self.code, holder, key), rest)
        elif type(step) in TRANSFORMS:
            made = f"{self.code.use(functions.transform)}({self.code.bind('p', step)}, {holder}, {self.where})"
            self._single(self.code.name("i"), made, rest)
        else:
            self._several(holder, step, rest)

    def _single(self, item: str, value: str, rest: Sequence[Step]) -> None:
        self.code.line(f"{item} = {value}")
        if rest:
            self.write(item, rest)
        else:
            with self.code.block(f"if {item} is not M:"):
                self.store(item)

    def _several(self, holder: str, step: Step, rest: Sequence[Step]) -> None:
        if isinstance(step, Several):
            self._opened(holder, step, rest)
            return
        code, item = self.code, derive(self.code, self.code.name("i"), holder, 0)
        if self.met is not None and type(step) in (Wildcard, Slice, Filter):
            with code.block(f"if not {holder} and isinstance({holder}, list):"):
                code.line(f"{self.met} = True")
        with code.block(f"for {item} in {_items(code, holder, step)}:"):
            if type(step) is Filter:
                with code.block(f"if {' and '.join(_test(code, item, test) for test in step.expressions)}:"):
                    self.write(item, rest)
            else:
                self.write(item, rest)

    def _opened(self, holder: str, step: Several, rest: Sequence[Step]) -> None:
        code, items, item = self.code, self.code.name("v"), self.code.name("i")
        code.line(f"{items} = {code.use(functions.items_of)}({code.bind('p', step)}, {holder}, {self.where})")
        if self.met is not None:
            with code.block(f"if {items} == []:"):
                code.line(f"{self.met} = True")
        with code.block(f"for {item} in {items} or ():"):
            self.write(item, rest)


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
    if holder in code.parts:
        return f"{holder} or ()"
    return f"({holder} if isinstance({holder}, list) else {holder}.values() if isinstance({holder}, dict) else ())"


def _test(code: Code, item: str, test: Any) -> str:
    """A filter's test of one element, as an expression."""
    if type(test) in (And, Or):
        word = " and " if type(test) is And else " or "
        return f"({word.join(_test(code, item, operand) for operand in test.operands)})"
    value = chain(code, item, filter_keys(test.target) or ())
    if test.op is None:
        return f"({value} is not M)"
    if test.op == "!":
        return f"({value} is M)"
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
        return f"({value} is {literal!r})"
    if isinstance(literal, str):
        return f"({value} == {code.constant(literal)})"
    held = code.name("s")
    return f"(({held} := {value}).__class__ is not bool and {held} == {code.constant(literal)})"
