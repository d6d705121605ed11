"""Turns changes of a value to Python: steps on text, tables, conversions, and what stands in for null or nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from proofport.mapping.compile import functions, steps
from proofport.mapping.compile.checks import timestamp
from proofport.mapping.compile.code import Code
from proofport.mapping.compile.times import as_date, as_datetime
from proofport.mapping.language.nodes import Change, Convert, Default, IfNull, Lookup, Lower, Split, Substitute, Trim

_OF_TIMES = {"date": as_date, "datetime": as_datetime}
_READY = {"bool": "bool", "int": "int", "string": "str"}
"""The types that a conversion leaves as they are."""


class Changes:
    """Writes the code of the changes of a rule. `partial`: no default stands in for what a record does not say."""

    def __init__(self, code: Code, *, partial: bool) -> None:
        self.code = code
        self._partial = partial

    def write(self, changes: Sequence[Change], value: str, field: str) -> str:
        """Write the changes of the variable `value`. Returns the variable with the result."""
        for number, change in enumerate(changes):
            if isinstance(change, Split):
                rest = changes[number + 1 :]
                of_items = [each for each in rest if isinstance(each, Lookup | Convert)]
                value = self._split(change, of_items, value, field)
                return self.write([each for each in rest if each not in of_items], value, field)
            value = self._change(change, value, field)
        return value

    def _split(self, split: Split, of_items: Sequence[Change], value: str, field: str) -> str:
        """The items of text, each changed; missing where none is left."""
        code, result, item = self.code, self.code.copy(value), self.code.name("i")
        items = f"{code.use(steps.split)}({value}, {code.constant(split.separator)}, {code.constant(field)})"
        with code.block(f"if {value} is not M and {value} is not None:"):
            code.line(f"{result} = []")
            with code.block(f"for {item} in {items}:"), code.unless_nothing(item):
                made = self.write(of_items, item, field)
                with code.block(f"if {made} is not M:"):
                    code.line(f"{result}.append({made})")
            with code.block(f"if not {result}:"):
                code.line(f"{result} = M")
        return result

    def _change(self, change: Change, value: str, field: str) -> str:
        match change:
            case Lookup():
                return self._look_up(change, value, field)
            case Convert():
                return self._convert(change, value, field)
            case IfNull(constant):
                return self._replace(value, "None", constant)
            case Trim():
                return self._text("strip", value, field)
            case Split():
                return self._split(change, (), value, field)
            case Lower():
                return self._text("lower", value, field)
            case Substitute():
                return self._substitute(change, value, field)
            case Default(constant):
                return value if self._partial else self._replace(value, "M", constant)

    def _text(self, method: str, value: str, field: str) -> str:
        """Text by a method of its own."""
        code = self.code
        slow = f"{code.use(steps.single)}({value}, {code.constant(field)})"
        return code.copy(f"{value}.{method}() if {value}.__class__ is str else {value} if {value} is M else {slow}")

    def _substitute(self, step: Substitute, value: str, field: str) -> str:
        code, result = self.code, self.code.copy(value)
        given = f"{value}, {code.bind('c', step)}, {code.constant(field)}"
        with code.block(f"if {value} is not M and {value} is not None:"):
            code.line(f"{result} = {code.use(steps.substitute)}({given})")
        return result

    def _replace(self, value: str, what: str, constant: Any) -> str:
        copy = self.code.copy(value)
        with self.code.block(f"if {copy} is {what}:"):
            self.code.line(f"{copy} = {self.code.constant(constant)}")
        return copy

    def _look_up(self, table: Lookup, value: str, field: str) -> str:
        """Text is looked up at once; other scalars, and what the table must reject, by `look_up`."""
        code, entries = self.code, self.code.bind("c", table.entries)
        slow = f"{code.use(functions.look_up)}({code.bind('c', table)}, {value}, {code.constant(field)})"
        key = f"{value}.casefold()" if table.fold else value
        if table.unknown.action == "reject":
            quick = f"{entries}[{key}] if {value}.__class__ is str and {key} in {entries}"
        else:
            unknown = {"omit": "M", "keep": value}.get(table.unknown.action) or code.constant(table.unknown.value)
            quick = f"{entries}.get({key}, {unknown}) if {value}.__class__ is str"
        return self.code.copy(f"{quick} else {value} if {value} is M or {value} is None else {slow}")

    def _convert(self, change: Convert, value: str, field: str) -> str:
        result, to = self.code.copy(value), change.to
        function = self.code.bind("f", _function(change))
        quick = f"{self.code.use(timestamp)}({value}) or " if to == "datetime" and "iso" in change.times.forms else ""
        ready = f" and {value}.__class__ is not {_READY[to]}" if to in _READY else ""
        with self.code.block(f"if {value} is not M and {value} is not None{ready}:"):
            self.code.line(f"{result} = {quick}{function}({value}, {self.code.constant(field)})")
        return result


def _function(change: Convert) -> Callable[[Any, str], Any]:
    """The function of a conversion, from a value and its field."""
    if change.to in _OF_TIMES:
        return partial(_OF_TIMES[change.to], change.times)
    return functions.CONVERSIONS[change.to]
