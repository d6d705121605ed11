"""What a mapping reads of a record, as types for a decoder that skips everything else.

Decoding is the dearest thing that happens to a record, and a mapping reads a tenth of what a tool prints. The decoder
makes objects with nothing but the members that a rule reads; of the rest it sees only that it is JSON. A record of
another form than the rules expect is no mistake here: it is declined, decoded whole, and mapped as if there were no
projection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Optional

import msgspec
from jsonpath_ng import Index, Slice, Wildcard
from jsonpath_ng.ext.filter import And, Filter, Or

from proofport.mapping.language.nodes import Rule, Select, selects
from proofport.mapping.language.paths import Key, Path, Step, filter_keys, key_of
from proofport.sources.structs import may_be_read, struct_of

MAX_LOOPS = 12
"""Loops inside one another. With more of them a path may be left to jsonpath-ng, which needs the whole record."""


@dataclass(slots=True)
class Part:
    """An object of which the `members` are read, or an array of which the `items` are; else a value taken as it is.

    `struct`: the class that the decoder makes of such an object, with the members as its attributes m0, m1, …
    """

    members: dict[str, Part] = field(default_factory=dict)
    items: Part | None = None
    whole: bool = False
    struct: type[msgspec.Struct] | None = None

    def below(self, key: Key) -> Part | None:
        """What a name or an index leads to; None for nothing that the decoder made otherwise than a value."""
        return self.members.get(key) if isinstance(key, str) else self.items

    @property
    def is_value(self) -> bool:
        return not self.members and self.items is None

    def attribute(self, name: str) -> str:
        return f"m{list(self.members).index(name)}"

    def add(self, steps: Sequence[Step | Key]) -> None:
        """Take up what these steps read."""
        step, rest = (steps[0], steps[1:]) if steps else (None, ())
        key = step if isinstance(step, Key) else key_of(step)
        if isinstance(key, str) and may_be_read(key):
            self.members.setdefault(key, Part()).add(rest)
        elif isinstance(key, int) or type(step) in (Index, Slice, Wildcard, Filter):
            self.items = self.items or Part()
            for each in (*_tested(step), rest):
                self.items.add(each)
        else:
            self.whole = True

    def settle(self, missing: object) -> Any:
        """The type of this part, and the structs of all below. What is read in several ways is taken as it is."""
        items = Any if self.items is None else self.items.settle(missing)
        if self.members and self.items is None and not self.whole:
            self.struct = struct_of({name: part.settle(missing) for name, part in self.members.items()}, missing)
            return Optional[self.struct]  # noqa: UP045 - made at run time
        if items is not Any and not self.members and not self.whole:
            return Optional[list[items]]  # type: ignore[valid-type]  # noqa: UP045
        self.members, self.items = {}, None
        return Any


_DECLINED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Projection:
    """What some rules read of their record, and the decoder that makes just that of its JSON."""

    part: Part
    decode: Callable[[bytes], Any]

    def of_lines(self, text: bytes) -> list[Any]:
        """What each line holds; None for a line that is no record of this form, or not JSON, or blank."""
        lines = BytesIO(text).readlines()
        try:
            text.isascii() or text.decode()  # the decoder does not look at the letters of what it skips
            return list(map(self.decode, lines))
        except _DECLINED:
            return list(map(self._or_none, lines))

    def _or_none(self, line: bytes) -> Any:
        try:
            line.isascii() or line.decode()
            return self.decode(line)
        except _DECLINED:
            return None


def project(rules: Iterable[Rule], missing: object) -> Projection | None:
    """None if the rules need the record whole. `missing` stands for what is not there."""
    root = Part()
    for paths in (paths for rule in rules for paths in _reads(rule)):
        if not all(path.compiled for path in paths) or sum(path.loops for path in paths) > MAX_LOOPS:
            return None
        root.add([step for path in paths for step in path.steps])
    root.settle(missing)
    return Projection(root, msgspec.json.Decoder(root.struct).decode) if root.struct is not None else None


def _reads(rule: Rule) -> Iterator[tuple[Path, ...]]:
    """Every path of a rule, those inside `each` with the paths that lead there."""
    for select in selects(rule):
        if isinstance(select, Select) and select.each is not None:
            inner = [(select.path, *paths) for paths in _reads(select.each)]
            yield from inner or [(select.path,)]
        else:
            yield (select.path,)


def _tested(step: Step) -> Iterator[Sequence[Key]]:
    """What a filter reads of each item."""
    tests = list(getattr(step, "expressions", ()))
    while tests:
        test = tests.pop()
        if type(test) in (And, Or):
            tests += test.operands
        else:
            yield filter_keys(test.target) or ()
