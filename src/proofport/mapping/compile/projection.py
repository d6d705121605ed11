"""Decodes only those members of a record that a mapping reads.

Decoding costs more than anything else that happens to a record, and a mapping reads about a tenth of it. The decoder
makes objects that have only the members which a rule reads; of the rest it checks only that it is JSON. A record of
another form than the rules expect is not an error here: it is declined. The caller decodes and maps it whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Optional

import msgspec
from jsonpath_ng import Fields, Index, Slice, Wildcard
from jsonpath_ng.ext.filter import And, Filter, Or

from proofport.mapping.language.nodes import Rule, Select, selects
from proofport.mapping.language.paths import Key, Path, Step, filter_keys, key_of

MAX_LOOPS = 12
"""Loops inside one another. With more of them a path may be left to jsonpath-ng, which needs the whole record."""


@dataclass(slots=True)
class Part:
    """An object of which some members are read, or an array of which the items are; else a value taken as it is."""

    members: dict[str, Part] = field(default_factory=dict)
    items: Part | None = None
    #: True when a rule reads the value as it is, too.
    whole: bool = False
    #: True when it is decoded as it is: several members are read at once, or one by a name that JSON has to escape.
    plain: bool = False
    #: The class that the decoder makes of such an object, with the members as its attributes m0, m1, …
    struct: type[msgspec.Struct] | None = None

    def below(self, key: Key) -> Part | None:
        """The part that a name or an index leads to; None if it is a value that is taken as it is."""
        part = self.members.get(key) if isinstance(key, str) else self.items
        return part if part is not None and (part.members or part.items is not None) else None

    def attribute(self, name: str) -> str:
        return f"m{list(self.members).index(name)}"

    def add(self, steps: Sequence[Step | Key]) -> None:
        """Add what these steps read."""
        step, rest = (steps[0], steps[1:]) if steps else (None, ())
        key = step if isinstance(step, Key) else key_of(step)
        if names := [key] if isinstance(key, str) else step.fields if type(step) is Fields else ():
            self.plain = self.plain or len(names) > 1 or not _may_be_read(names[0])
            for name in names:
                self.members.setdefault(name, Part()).add(rest)
        elif isinstance(key, int) or type(step) in (Index, Slice, Wildcard, Filter):
            self.items = self.items or Part()
            for each in (*_tested(step), rest):
                self.items.add(each)
        else:
            self.whole = True

    def decoded_as(self, missing: object) -> Any:
        """Choose the type of this part and of all below. A value that is read in several ways is taken as it is.

        Where an object or a list of them is absent, its attribute is None; any other is `missing`.
        """
        items = Any if self.items is None else self.items.decoded_as(missing)
        if self.members and self.items is None and not (self.whole or self.plain):
            made = {self.attribute(name): part.decoded_as(missing) for name, part in self.members.items()}
            types = [(name, form, missing if form is Any else None) for name, form in made.items()]
            names = dict(zip(made, self.members, strict=True))
            self.struct = msgspec.defstruct("Object", types, rename=names, gc=False)
            return Optional[self.struct]  # noqa: UP045 - made at run time
        if items is not Any and not self.members and not self.whole:
            return Optional[list[items]]  # type: ignore[valid-type]  # noqa: UP045
        self.members, self.items = {}, None
        return Any


_DECLINED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Projection:
    """The part of a record that some rules read, and the decoder that makes it."""

    part: Part
    decode: Callable[[bytes], Any]

    def of_lines(self, text: bytes) -> list[Any]:
        """Decode each line. None stands for a line that is not JSON, is blank, or is a record of another form."""
        lines = BytesIO(text).readlines()
        try:
            text.isascii() or text.decode()  # the decoder does not check the text that it skips
            return list(map(self.decode, lines))
        except _DECLINED:
            return list(map(self._or_none, lines))

    def _or_none(self, line: bytes) -> Any:
        try:
            line.isascii() or line.decode()
            return self.decode(line)
        except _DECLINED:
            return None


def part_of(rules: Iterable[Rule]) -> Part:
    """The part of a record that some rules read, as their paths say it. What nobody can tell from a path is whole."""
    root = Part()
    for rule in rules:
        for paths in _reads(rule):
            root.add([step for path in paths for step in path.steps])
    return root


def project(rules: Iterable[Rule], missing: object) -> Projection | None:
    """The projection of some rules; None if they need the record whole. `missing`: see `Part.decoded_as`."""
    root = Part()
    for paths in (paths for rule in rules for paths in _reads(rule)):
        if not all(path.compiled for path in paths) or sum(path.loops for path in paths) > MAX_LOOPS:
            return None
        steps: list[Step] = []
        for path in paths:
            if steps and key_of(steps[-1]) is not None:
                root.add(steps)  # `each` takes null, and not what is missing: as a decoded part both would be None
            steps += path.steps
        root.add(steps)
    root.decoded_as(missing)
    return Projection(root, msgspec.json.Decoder(root.struct).decode) if root.struct is not None else None


def _reads(rule: Rule) -> Iterator[tuple[Path, ...]]:
    """Every path of a rule, those inside `each` with the paths that lead there."""
    for select in selects(rule):
        if isinstance(select, Select) and select.each is not None:
            inner = [(select.path, *paths) for paths in _reads(select.each)]
            yield from inner or [(select.path,)]
        else:
            yield (select.path,)


def _may_be_read(name: str) -> bool:
    """True unless JSON has to escape the name: the decoder does not know such names."""
    return name.isprintable() and '"' not in name and "\\" not in name


def _tested(step: Step) -> Iterator[Sequence[Key]]:
    """The keys that a filter reads of each item."""
    tests = list(getattr(step, "expressions", ()))
    while tests:
        test = tests.pop()
        if type(test) in (And, Or):
            tests += test.operands
        else:
            yield filter_keys(test.target) or ()
