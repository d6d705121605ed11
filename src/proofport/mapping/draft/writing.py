"""YAML for people: short things on one line, text in quotes only where YAML needs them."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator
from typing import Any

WIDTH = 110
_PLAIN = re.compile(r"[A-Za-z$][\w$./+@-]*( [\w$./+@-]+)*")
"""Text that is the same without quotes, in a list or an object, too."""
_NOT_TEXT = re.compile(r"(?i)true|false|yes|no|on|off|null|y|n|nan")


def scalar(value: Any) -> str:
    """One value."""
    if not isinstance(value, str):
        return json.dumps(value)
    if _PLAIN.fullmatch(value) and not _NOT_TEXT.fullmatch(value):
        return value
    return '"' + "".join(map(_in_quotes, value)) + '"'


def _in_quotes(each: str) -> str:
    if each in '"\\':
        return f"\\{each}"
    if each.isprintable():
        return each
    return f"\\u{ord(each):04x}" if ord(each) < 0x1_0000 else f"\\U{ord(each):08x}"


def flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key, value)}: {flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    return scalar(value)


def _key(key: Any, holder: dict[Any, Any]) -> str:
    """A key. In a rule with `as:`, the lists `true:` and `false:` are written without quotes."""
    return key if key in ("true", "false") and "as" in holder else scalar(key)


def entry(key: Any, value: Any, indent: str) -> Iterator[str]:
    """`key: value`, over several lines where one is too long."""
    return _entry(scalar(key), value, indent)


def _entry(key: str, value: Any, indent: str) -> Iterator[str]:
    line = f"{indent}{key}: {flow(value)}"
    if len(line) <= WIDTH or not isinstance(value, dict | list) or not value:
        yield line
        return
    yield f"{indent}{key}:"
    yield from block(value, f"{indent}  ")


def block(value: dict[Any, Any] | list[Any], indent: str) -> Iterator[str]:
    """An object or a list over several lines."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _entry(_key(key, value), inner, indent)
        return
    for item in value:
        line = f"{indent}- {flow(item)}"
        if len(line) <= WIDTH or not isinstance(item, dict | list) or not item:
            yield line
        else:
            first, *others = block(item, f"{indent}  ")
            yield f"{indent}- {first.lstrip()}"
            yield from others


def comment(text: str, indent: str = "") -> Iterator[str]:
    """Text as comment lines. Control characters of a sample's names are shown, not written."""
    seen = "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in text)
    start = f"{indent}# "
    yield from textwrap.wrap(
        seen, WIDTH, initial_indent=start, subsequent_indent=start, break_on_hyphens=False, break_long_words=False
    )
