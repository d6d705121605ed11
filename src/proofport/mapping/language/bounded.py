"""Arithmetic and regular expressions of a path, bounded: records come from outside, and mapping files from colleagues.

jsonpath-ng multiplies text (`"ab" * 1024` repeats it), and Python's regular expressions may take exponential time. Here
arithmetic is for numbers only, and a regular expression has a time limit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jsonpath_ng import DatumInContext, JSONPath
from jsonpath_ng.ext.arithmetic import Operation
from jsonpath_ng.ext.filter import Expression
from jsonpath_ng.ext.string import Sub

from proofport.text.wording import describe

MATCH_SECONDS = 0.1
"""The longest that one regular expression may take over one text."""

LONGEST_SUBSTITUTION = 10_000_000
"""The characters that a substitution may have to write: those of the text times those of the replacement."""


class PatternError(ValueError):
    """It is not a regular expression."""


class Unfit(ValueError):
    """A step of a path cannot take the data that it met."""

    def __init__(self, found: str, expected: str, hint: str | None = None) -> None:
        super().__init__(found)
        self.found = found
        self.expected = expected
        self.hint = hint


class Pattern:
    """A regular expression, with the syntax of Python's own."""

    def __init__(self, text: str) -> None:
        import regex  # takes a megabyte, and most mappings have none

        try:
            self._compiled = regex.compile(text, regex.VERSION0)
        except regex.error as error:
            raise PatternError(error.msg) from None

    def search(self, text: str) -> bool:
        """Raises TimeoutError."""
        return self._compiled.search(text, timeout=MATCH_SECONDS) is not None

    def replaced(self, replacement: str, text: str) -> str | None:
        """The text with each match replaced; None where there is none.

        Raises TimeoutError; ValueError where the result might be huge; TypeError for what is no text.
        """
        if (len(text) + 1) * (len(replacement) + 1) > LONGEST_SUBSTITUTION:
            raise ValueError("the text is too long for a substitution")
        made, matches = self._compiled.subn(replacement, text, timeout=MATCH_SECONDS)
        return str(made) if matches else None

    def check(self, replacement: str) -> None:
        """Raise PatternError for a replacement that names a group which is not there."""
        import regex

        try:
            regex.compile(f"{self._compiled.pattern}|", regex.VERSION0).sub(replacement, "")
        except (regex.error, IndexError) as error:
            raise PatternError(str(error)) from None


class Matches(Expression):
    """A filter's `=~`."""

    def __init__(self, target: JSONPath, text: str) -> None:
        super().__init__(target, "=~", text)
        self._pattern = Pattern(text)

    def find(self, datum: Any) -> list[Any]:
        found = self.target.find(DatumInContext.wrap(datum))
        return [each for each in found if isinstance(each.value, str) and self._pattern.search(each.value)]


class Substitution(Sub):
    """A path's `sub(…)`. Text without a match is refused: it must not go missing unseen."""

    def __init__(self, step: Sub) -> None:
        super().__init__(step.method)
        self._pattern = Pattern(self.expr)

    def find(self, datum: Any) -> list[Any]:
        value = DatumInContext.wrap(datum).value
        found = self._pattern.replaced(self.repl, value)
        if found is None:
            hint = "Use the step sub: {pattern: …, with: …, unmatched: keep | omit | reject}, which says so."
            raise Unfit(describe(value), f"text that /{self.expr}/ matches", hint)
        return [DatumInContext.wrap(found)]


def bounded(tree: Any) -> Any:
    """The tree with its arithmetic and regular expressions bounded. Raises PatternError, RecursionError."""
    if type(tree) is Expression and tree.op == "=~":
        return Matches(bounded(tree.target), str(tree.value))
    if type(tree) is Operation:
        tree.op = _of_numbers(tree.op)
    if type(tree) is Sub:
        return Substitution(tree)
    for name in ("left", "right", "target", "value", "child"):
        part = getattr(tree, name, None)
        if isinstance(part, JSONPath):
            setattr(tree, name, bounded(part))
    for name in ("expressions", "operands"):
        if parts := getattr(tree, name, None):
            setattr(tree, name, type(parts)(bounded(part) for part in parts))
    return tree


def _of_numbers(operation: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def checked(left: Any, right: Any) -> Any:
        if any(isinstance(operand, str | bool) for operand in (left, right)):
            raise ValueError("arithmetic is for numbers")
        if any(not isinstance(operand, int | float) for operand in (left, right)):
            raise TypeError  # jsonpath-ng finds nothing then
        return operation(left, right)

    return checked
