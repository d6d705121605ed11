"""JSON text to plain data, with nothing lost on the way and nothing let in that cannot be written again."""

from __future__ import annotations

import json

import orjson

from proofport.errors import Problem

_DIGITS = bytes(ord("0") if byte in b"0123456789" else ord(" ") for byte in range(256))
_NINETEEN = b"0" * 19
_EXCERPT = 30


def holds_huge_integers(text: bytes) -> bool:
    """True if nineteen digits stand in a row: such an integer may not fit 64 bits, and orjson would make it a float."""
    return _NINETEEN in text.translate(_DIGITS)


def decode(text: bytes) -> object:
    """One JSON document. Raises ValueError (orjson's, in its words) or RecursionError."""
    document = orjson.loads(text)
    return json.loads(text) if holds_huge_integers(text) else document


def lenient(text: bytes) -> object:
    """One document whose values cannot all be sent: bytes that are not UTF-8 become lone surrogates, NaN is a number.

    None for what is no JSON all the same.
    """
    try:
        return json.loads(text.decode(errors="surrogateescape"))
    except (ValueError, RecursionError):
        return None


def is_object(text: bytes) -> bool:
    """True if a text is one JSON object, from its first byte on."""
    try:
        return text.startswith(b"{") and isinstance(decode(text), dict)
    except (ValueError, RecursionError):
        return False


CONVERT = "Convert it, for example: iconv -f cp1252 -t utf-8 FILE"


def problem(text: bytes, error: Exception, expected: str) -> Problem:
    """Words for a document that cannot be decoded, with the text around the place."""
    if isinstance(error, RecursionError):
        return Problem(found="JSON nested too deeply", expected=expected)
    try:
        characters = text.decode()
    except UnicodeDecodeError as wrong:
        found = f"a byte that is not UTF-8 ({text[wrong.start]:#04x} at byte {wrong.start + 1})"
        return Problem(found=found, expected=f"{expected} in UTF-8", hint=CONVERT)
    if not isinstance(error, json.JSONDecodeError):
        return Problem(found=str(error).partition("; use sys.")[0], expected=expected)
    start = max(0, error.pos - _EXCERPT)
    excerpt = characters[start : error.pos + _EXCERPT].strip()
    return Problem(found=f"{'…' * bool(start)}{excerpt!r} ({error.msg}{_place(characters, error)})", expected=expected)


def _place(text: str, error: json.JSONDecodeError) -> str:
    if error.pos >= len(text.rstrip()):
        return ""
    return f" at line {error.lineno} column {error.colno}" if error.lineno > 1 else f" at column {error.colno}"
