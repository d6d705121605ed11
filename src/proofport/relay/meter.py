"""Measures JSON as it comes in, before anything is made of it: how deep it is, and how many records it holds."""

from __future__ import annotations

from proofport.config.relay import Limits

STRUCTURE = b'"[]{},'
_REST = bytes(set(range(256)) - set(STRUCTURE))
_BUT_BRACKETS = bytes(set(range(256)) - set(b'"[]{}'))
_BUT_COMMAS = bytes(set(range(256)) - set(b","))
_ALIKE = bytes.maketrans(b"[]", b"{}")
_COMMA = ord(",")
_OPENING = frozenset(b"[{")
_ARRAY = ord("[")


class Meter:
    """Feed it the chunks of a body; `depth` (the deepest) and `records` grow.

    Records are the items of a top-level array, else the values at the top. Linear, of constant memory for a chunk, and
    with no opinion: what is no JSON at all is left to the parser, which is never deeper in it than this has measured.
    """

    def __init__(self) -> None:
        self.depth = 0
        self.records = 0
        self._here = 0
        self._in_array = False
        self._in_text = False
        self._cut = b""

    def feed(self, chunk: bytes) -> None:
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
            elif here:  # one closing bracket too many makes no room for openings that the parser would count
                here -= 1
        self._here, self.depth = here, deepest

    def _structure(self, chunk: bytes) -> bytes:
        """Brackets and commas, without those inside text."""
        chunk = self._cut + chunk
        self._cut = b""
        if (len(chunk) - len(chunk.rstrip(b"\\"))) % 2:
            chunk, self._cut = chunk[:-1], b"\\"  # what it escapes is in the next chunk
        # Two quotes in a row begin and end, or end and begin: without them, all others do what they did.
        parts = _without_escapes(chunk).translate(None, _REST).replace(b'""', b"").split(b'"')
        outside = parts[self._in_text :: 2]
        self._in_text ^= len(parts) % 2 == 0
        return b"".join(outside)


def surely_within(body: bytes, limits: Limits) -> bool:
    """Whether a Meter that is fed a whole body surely finds no more. False says nothing: feed one.

    It takes a few steps over the whole body, where a Meter takes one for each bracket.
    """
    # Without the quotes that stand in pairs, and if no others are left, no bracket stands in a text.
    brackets = _without_escapes(body).translate(_ALIKE, _BUT_BRACKETS).replace(b'""', b"")
    if len(body) > limits.records < len(body.translate(None, _BUT_COMMAS)) + len(brackets) // 2:
        return False
    for _ in range(limits.depth):
        if not brackets:
            break
        brackets = brackets.replace(b"{}", b"")
    return not brackets


def _without_escapes(text: bytes) -> bytes:
    """Without what might be taken for the end of a text, and is none."""
    return text.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in text else text
