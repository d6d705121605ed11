"""Measures the JSON of a body before it is parsed: how deep it is, and how many records it holds."""

from __future__ import annotations

_STRUCTURE = b'"[]{},:'
_REST = bytes(set(range(256)) - set(_STRUCTURE))
_COMMA = ord(",")
_OPENING = frozenset(b"[{")
_ARRAY = ord("[")


class Meter:
    """Measures a body in chunks of any size: `depth` (the deepest level) and `records` grow with each chunk.

    Records are the items of an array at the top, else the values at the top. The time is linear in the size. Text that
    is not JSON is measured too: the parser refuses it, and never goes deeper into it than `depth`.
    """

    def __init__(self) -> None:
        self.depth = 0
        self.records = 0
        self._here = 0
        self._in_array = False
        self._in_text = False
        self._cut = b""

    def feed(self, chunk: bytes) -> None:
        """Measure the next chunk."""
        here, deepest = self._here, self.depth
        for code in self._structure(chunk):
            if code == _COMMA:
                if here == 1 and self._in_array:
                    self.records += 1
            elif code in _OPENING:
                if here == 0:
                    self._in_array = code == _ARRAY
                    self.records += 1
                here += 1
                if here > deepest:
                    deepest = here
            elif here:  # a closing bracket too many does not make room for a deeper level
                here -= 1
        self._here, self.depth = here, deepest

    def _structure(self, chunk: bytes) -> bytes:
        """Brackets and the commas of arrays, without those inside text."""
        chunk = self._cut + chunk
        self._cut = b""
        if (len(chunk) - len(chunk.rstrip(b"\\"))) % 2:
            chunk, self._cut = chunk[:-1], b"\\"  # the character that it escapes is in the next chunk
        if b"\\" in chunk:
            chunk = chunk.replace(b"\\\\", b"").replace(b'\\"', b"")
        # Two quotes in a row change nothing: removing them first leaves few pieces to split.
        parts = chunk.translate(None, _REST).replace(b'""', b"").split(b'"')
        outside = b"".join(parts[self._in_text :: 2])
        self._in_text ^= len(parts) % 2 == 0
        # A comma before a colon is one of an object. They are most of all commas, and none of them ends a record.
        return outside.replace(b",:", b"").replace(b":", b"")
