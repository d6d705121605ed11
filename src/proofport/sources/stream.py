"""Bytes that are read once, with a look ahead: pipes and standard input cannot be opened twice."""

from __future__ import annotations

import codecs
import difflib
import os
import stat
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from proofport.errors import UsageError

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

PIECE = 3 << 14
"""Bytes at a time. Small enough to stay in the processor's cache with the records decoded from it."""

_NOT_TEXT = {
    codecs.BOM_UTF16_LE: ("UTF-16 text", "Save it as UTF-8; in PowerShell 5: `... | Out-File -Encoding utf8 FILE`."),
    codecs.BOM_UTF16_BE: ("UTF-16 text", "Save it as UTF-8."),
    b"\x1f\x8b": ("gzip", "Unpack it first: `gunzip -c FILE | proofport push - ...`."),
    b"PK\x03\x04": ("a zip archive or an Excel workbook", "Save the sheet as CSV (UTF-8), or unpack the archive."),
    b"PAR1": ("Parquet", "Export it as NDJSON or CSV."),
}


class Stream:
    """One input as bytes."""

    def __init__(self, raw: BinaryIO, name: str, *, owned: bool) -> None:
        self.name = name
        #: The beginning, as far as it was looked at. Every method that reads gives it out first.
        self.head = b""
        self._raw = raw
        self._owned = owned
        self._state = _state_of(raw)
        self._read: Callable[[int], bytes] = getattr(raw, "read1", raw.read)
        self._hash: Hash | None = None
        self._look_at_the_beginning()

    def _look_at_the_beginning(self) -> None:
        while len(self.head) < 4 and self.more():
            pass
        for magic, (what, hint) in _NOT_TEXT.items():
            if self.head.startswith(magic):
                raise UsageError(f"{self.name} is {what}; expected JSON, NDJSON or CSV in UTF-8", hint=hint)
        self._begins = codecs.BOM_UTF8 if self.head.startswith(codecs.BOM_UTF8) else b""
        self.head = self.head.removeprefix(codecs.BOM_UTF8)

    def more(self) -> bool:
        """Look further ahead. False at the end of the input."""
        piece: bytes = self._read(PIECE)
        self.head += piece
        return bool(piece)

    def to_line_end(self) -> None:
        """Look ahead to the end of the line that is being looked at."""
        rest = self._raw.readline()
        self.head += rest
        if self._hash is not None:
            self._hash.update(rest)

    def start_digest(self) -> None:
        """Have what is read hashed, from the beginning. Nothing was given out yet."""
        read, found = self._read, sha256(self._begins + self.head)

        def hashed(size: int) -> bytes:
            piece = read(size)
            found.update(piece)
            return piece

        self._read, self._hash = hashed, found

    @property
    def digest(self) -> str | None:
        """Hexadecimal SHA-256 of what was read so far. None: nobody asked for it."""
        return self._hash.hexdigest() if self._hash is not None else None

    def pieces(self) -> Iterator[bytes]:
        piece, self.head = self.head, b""
        while piece or (piece := self._read(PIECE)):
            yield piece
            piece = b""

    def whole_lines(self) -> Iterator[bytes]:
        """Pieces that end where a line ends; the last one where the input does."""
        begun: list[bytes] = []
        for piece in self.pieces():
            end = piece.rfind(b"\n") + 1
            if end:
                yield b"".join([*begun, memoryview(piece)[:end]])
                begun = []
            begun.append(piece[end:])
        if rest := b"".join(begun):
            yield rest

    def rest(self) -> bytes:
        return b"".join(self.pieces())

    @property
    def changed(self) -> bool:
        """True if the file was written to since it was opened. A file that was put in its place does not count."""
        return _state_of(self._raw) != self._state

    @property
    def modified(self) -> float | None:
        """When the file was last written to before it was opened. None: it is a pipe, or a stream in memory."""
        return None if self._state is None else self._state[1] / 1e9

    @property
    def sizes(self) -> tuple[int, int] | None:
        """Bytes read so far, and bytes in all; None where nobody knows how many there are."""
        if self._state is None:
            return None
        size = self._state[0]
        return (size, size) if self._raw.closed else (min(self._raw.tell(), size), size)

    def close(self) -> None:
        if self._owned:
            self._raw.close()


def _state_of(raw: BinaryIO) -> tuple[int, int] | None:
    """Size and time of the last change of a file. None for what has none: pipes, streams in memory."""
    try:
        found = os.fstat(raw.fileno())
    except (AttributeError, OSError, ValueError):  # in memory; not a file; closed
        return None
    return (found.st_size, found.st_mtime_ns) if stat.S_ISREG(found.st_mode) else None


def open_stream(source: str | Path | BinaryIO) -> Stream:
    """`-` is standard input. Raises UsageError for what is not there, is a folder or may not be read."""
    if not isinstance(source, str | Path):
        name = getattr(source, "name", None)
        return Stream(source, name if isinstance(name, str) else "stream", owned=False)
    if source == "-":
        return Stream(sys.stdin.buffer, "stdin", owned=False)
    raw = _open(Path(source))
    try:
        return Stream(raw, str(source), owned=True)
    except BaseException:
        raw.close()
        raise


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise UsageError(f"there is no file {str(path)!r}", hint=_near(path)) from None
    except IsADirectoryError:
        raise UsageError(f"{str(path)!r} is a folder", hint="Name the files in it, one by one.") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{str(path)!r} cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _near(path: Path) -> str:
    try:
        siblings = [sibling.name for sibling in path.parent.iterdir()]
    except OSError:
        return f"There is no folder {str(path.parent)!r} either."
    close = difflib.get_close_matches(path.name, siblings, n=1)
    return f"Did you mean {str(path.with_name(close[0]))!r}?" if close else "Name a file, or - for standard input."
