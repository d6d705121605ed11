"""Finds a key that stands twice in one JSON object. Parsers keep one of the two values, and say nothing."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

_TOKEN = re.compile(r'("(?:[^"\\]|\\.)*+")([ \t\n\r]*:)?|[{}\[\]]', re.DOTALL)


class RepeatedKey(json.JSONDecodeError):
    """A key stands twice in one object, and nobody knows which value is right."""


def require_keys_once(text: bytes, document: object) -> None:
    """Raise RepeatedKey if a key stands twice in one object of a document.

    What was decoded is written again: as long as no key was lost, there are as many colons in it. That costs about half
    as much as to decode.
    """
    try:
        same = text.count(b":") == orjson.dumps(document).count(b":")
    except TypeError:  # too deep, or an integer of more than 64 bits
        same = False
    if not same or b"\\u003a" in text or b"\\u003A" in text:
        _look_at_each(text.decode(errors="replace"))


def _look_at_each(text: str) -> None:
    above: list[set[str] | None] = []
    for token in _TOKEN.finditer(text):
        written, colon = token.groups()
        if written is None:
            if token[0] in "{[":
                above.append(set() if token[0] == "{" else None)
            else:
                above.pop()
        elif colon and above and (keys := above[-1]) is not None:
            key = json.loads(written, strict=False)
            if key in keys:
                raise RepeatedKey(f"the key {key!r} stands twice in one object", text, token.start())
            keys.add(key)


def without_repeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object without the keys that stand in it twice: which value is right, nobody knows."""
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                found.pop(key, None)
            seen.add(key)
    return found
