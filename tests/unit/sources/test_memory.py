"""An input of any length is read in the same memory."""

from __future__ import annotations

import io
import tracemalloc

import pytest

from proofport.sources import Format, open_source

PIECE = 1 << 16


class Endless(io.BytesIO):
    """A beginning, then the same piece many times, then an end; never all of it at once."""

    def __init__(self, beginning: bytes, piece: bytes, times: int, end: bytes) -> None:
        super().__init__()
        self._pieces = iter([beginning, *[piece] * times, end])

    def read1(self, size: int | None = -1, /) -> bytes:
        return next(self._pieces, b"")

    def readline(self, size: int | None = -1, /) -> bytes:
        return b""


def peak(data: Endless, format_: Format) -> tuple[int, int]:
    """Records read, and the most memory in use at a time, in bytes."""
    tracemalloc.start()
    try:
        read = sum(1 for _ in open_source(data, format=format_))
        return read, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("format_", "beginning", "record", "end"),
    [
        ("ndjson", b"", b'{"id": "x", "name": "%s"}\n', b""),
        ("json", b"[", b'{"id": "x", "name": "%s"},', b'{"id": "last"}]'),
        ("csv", b"id,name\n", b"x,%s\n", b""),
    ],
)
def test_memory_does_not_grow_with_the_input(format_: Format, beginning: bytes, record: bytes, end: bytes) -> None:
    record = record % (b"y" * 900)
    piece = record * (PIECE // len(record))
    few, small = peak(Endless(beginning, piece, 10, end), format_)
    many, large = peak(Endless(beginning, piece, 200, end), format_)
    assert many > 19 * few * 0.9
    assert large < small * 1.2 + 10_000
