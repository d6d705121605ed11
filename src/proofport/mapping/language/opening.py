"""Steps of a path that open what they meet: an object to its members, text to the data that it stands for.

They have the methods of jsonpath-ng's own.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from io import BytesIO
from typing import Any

from jsonpath_ng import DatumInContext, JSONPath

from proofport.errors import UsageError
from proofport.mapping.language.bounded import Unfit
from proofport.mapping.language.values import Nothing
from proofport.sources.csv_rows import CsvReader
from proofport.sources.decoding import decode, problem
from proofport.sources.reader import Malformed
from proofport.sources.stream import Stream
from proofport.text.wording import describe


class Several(JSONPath):
    """A step that makes a list of one value, and selects its items."""

    def __init__(self, nothing: Nothing | None = None) -> None:
        self._nothing = nothing

    def is_nothing(self, value: Any) -> bool:
        """True for null, and for what stands for nothing."""
        return value is None or (self._nothing is not None and self._nothing.holds(value))

    def items(self, value: Any) -> list[Any] | None:
        """None for null and nothing. Raises Unfit."""
        raise NotImplementedError

    def find(self, datum: Any) -> list[DatumInContext]:
        context = DatumInContext.wrap(datum)
        return [DatumInContext(item, self, context) for item in self.items(context.value) or ()]

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))


class Entries(Several):
    """The members of an object, each as `{key, value}`."""

    def items(self, value: Any) -> list[Any] | None:
        if self.is_nothing(value):
            return None
        if not isinstance(value, dict):
            raise Unfit(describe(value), "an object, whose members `entries: true` takes")
        return [{"key": key, "value": member} for key, member in value.items()]


class Rows(Several):
    """The rows of text that is CSV, as a reader of files gives them."""

    def items(self, value: Any) -> list[Any] | None:
        if self.is_nothing(value):
            return None
        content = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
        if not isinstance(content, bytes):
            raise Unfit(describe(value), "text that is CSV")
        try:
            rows = list(CsvReader(Stream(BytesIO(content), "the text", owned=True)))
        except UsageError as error:
            raise Unfit(f"text that is no CSV ({error.message})", "CSV with a header row") from None
        for line, row in rows:
            if isinstance(row, Malformed):
                raise Unfit(f"{row.problem.found} in line {line} of the text", row.problem.expected, row.problem.hint)
        return [row for _, row in rows]


class Decode(JSONPath):
    """The data that text stands for."""

    def __init__(self, form: str, nothing: Nothing | None = None) -> None:
        self.form = form
        self._nothing = nothing

    def find(self, datum: Any) -> list[DatumInContext]:
        context = DatumInContext.wrap(datum)
        value = context.value
        if self._nothing is not None and self._nothing.holds(value):
            return []
        if value is not None:
            if not isinstance(value, str | bytes):
                raise Unfit(describe(value), f"text that is {_SPELLING[self.form]}")
            value = _DECODERS[self.form](value)
        return [DatumInContext(value, self, context)]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Decode) and self.form == other.form

    def __hash__(self) -> int:
        return hash(self.form)


def _of_json(value: str | bytes) -> Any:
    content = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
    try:
        return decode(content)
    except (ValueError, RecursionError) as error:
        wrong = problem(content, error, expected="text that is JSON")
        raise Unfit(wrong.found, wrong.expected) from None


def _of_base64(value: str | bytes) -> bytes:
    try:
        return base64.b64decode("".join(value.split()) if isinstance(value, str) else value, validate=True)
    except (binascii.Error, ValueError):
        raise Unfit(describe(value) if isinstance(value, str) else "data", "text that is base64") from None


def _as_text(value: str | bytes) -> str:
    try:
        return value if isinstance(value, str) else value.decode()
    except UnicodeDecodeError:
        raise Unfit("base64 of what is no UTF-8", "base64 of text") from None


_SPELLING = {"json": "JSON", "base64": "base64", "text": "UTF-8"}
_DECODERS: dict[str, Callable[[str | bytes], Any]] = {"json": _of_json, "base64": _of_base64, "text": _as_text}
