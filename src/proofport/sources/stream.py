"""Bytes that are read once, with a look ahead: pipes and standard input cannot be opened twice."""

from __future__ import annotations

import codecs
import difflib
import os
import shlex
import stat
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from proofport.errors import UsageError

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

PIECE = 3 << 14
"""Bytes at a time. Small enough to stay in the processor's cache with the records decoded from it."""

ZIP, PARQUET = b"PK\x03\x04", b"PAR1"
"""How an .xlsx file begins, and how a Parquet file does."""

_UTF_16 = (
    "UTF-16 text",
    "In Excel choose 'CSV UTF-8' when saving; in PowerShell 5: `... | Out-File -Encoding utf8 FILE`",
)
_NOT_TEXT = {
    codecs.BOM_UTF16_LE: _UTF_16,
    codecs.BOM_UTF16_BE: _UTF_16,
    b"\x1f\x8b": ("gzip", "Unpack it first: `gunzip -c FILE | proofport push - ...`."),
    b"\xd0\xcf\x11\xe0": ("an old Excel workbook, or one with a password", "Save it as .xlsx, without a password."),
    ZIP: ("a zip archive or an Excel workbook", "Save the sheet as CSV (UTF-8), or unpack the archive."),
    PARQUET: ("Parquet", "Say --format parquet."),
}


class Stream:
    """One input as bytes."""

    def __init__(self, raw: BinaryIO, name: str, *, owned: bool, hashed: bool = False) -> None:
        """`hashed`: what is read gets a digest."""
        self.name = name
        #: The beginning, as far as it was looked at. Every method that reads gives it out first.
        self.head = b""
        self._raw = raw
        self._owned = owned
        self._state = _state_of(raw)
        self._hash: Hash | None = sha256() if hashed else None
        self._read = self._reading()
        self._look_at_the_beginning()

    def _reading(self) -> Callable[[int], bytes]:
        read: Callable[[int], bytes] = getattr(self._raw, "read1", self._raw.read)
        found = self._hash
        if found is None:
            return read

        def hashed(size: int) -> bytes:
            piece = read(size)
            found.update(piece)
            return piece

        return hashed

    def _look_at_the_beginning(self) -> None:
        while len(self.head) < 4 and self.more():
            pass
        self.head = self.head.removeprefix(codecs.BOM_UTF8)

    def require_text(self) -> None:
        """Raises UsageError for what begins as no text in UTF-8 does."""
        beginning = codecs.BOM_UTF16_LE if self.head[1:2] == b"\0" else self.head
        for magic, (what, hint) in _NOT_TEXT.items():
            if beginning.startswith(magic):
                hint += f"; or: {_iconv('utf-16', self.name)}" if what == _UTF_16[0] else ""
                raise UsageError(f"{self.name} is {what}; expected JSON, NDJSON or CSV in UTF-8", hint=hint)

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

    @property
    def digest(self) -> str | None:
        """Hexadecimal SHA-256 of what was read so far. None: nobody asked for it."""
        return self._hash.hexdigest() if self._hash is not None else None

    def pieces(self) -> Iterator[bytes]:
        piece, self.head = self.head, b""
        while piece or (piece := self._read(PIECE)):
            yield piece
            piece = b""

    def lines(self) -> Iterator[bytes]:
        """Lines with their ends. Where the first ends with a CR alone, as on an old Mac, all do."""
        while b"\n" not in self.head and len(self.head) < PIECE and self.more():
            pass
        if b"\r" in self.head and b"\n" not in self.head:
            return (line for piece in self.whole_lines(b"\r") for line in piece.splitlines(keepends=True))
        return (line for piece in self.whole_lines() for line in BytesIO(piece))

    def whole_lines(self, line_end: bytes = b"\n") -> Iterator[bytes]:
        """Pieces that end where a line ends; the last one where the input does."""
        begun: list[bytes] = []
        for piece in self.pieces():
            end = piece.rfind(line_end) + 1
            if end:
                yield b"".join([*begun, memoryview(piece)[:end]])
                begun = []
            begun.append(piece[end:])
        if rest := b"".join(begun):
            yield rest

    def rest(self) -> bytes:
        return b"".join(self.pieces())

    def seekable(self) -> BinaryIO:
        """The input from its beginning on, for who reads here and there. What is no file is held in memory."""
        if self._state is None:
            return BytesIO(self.rest())
        self._raw.seek(0)
        if self._hash is not None:
            self._hash = sha256()
            while piece := self._raw.read(PIECE):
                self._hash.update(piece)
            self._raw.seek(0)
        return self._raw

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


def to_utf_8(name: str) -> str:
    """How to mend a file of which text is not UTF-8."""
    return f"In Excel choose 'CSV UTF-8' when saving, or convert it: {_iconv('cp1252', name)}"


def _iconv(encoding: str, name: str) -> str:
    return f"iconv -f {encoding} -t utf-8 {shlex.quote(name)} > NEW_FILE"


def _state_of(raw: BinaryIO) -> tuple[int, int] | None:
    """Size and time of the last change of a file. None for what has none: pipes, streams in memory."""
    try:
        found = os.fstat(raw.fileno())
    except (AttributeError, OSError, ValueError):  # in memory; not a file; closed
        return None
    return (found.st_size, found.st_mtime_ns) if stat.S_ISREG(found.st_mode) else None


def open_stream(source: str | Path | BinaryIO, *, hashed: bool = False) -> Stream:
    """`-` is standard input. Raises UsageError for what is not there, is a folder or may not be read."""
    if not isinstance(source, str | Path):
        name = getattr(source, "name", None)
        return Stream(source, name if isinstance(name, str) else "stream", owned=False, hashed=hashed)
    if source == "-":
        return Stream(sys.stdin.buffer, "stdin", owned=False, hashed=hashed)
    raw = _open(Path(source))
    try:
        return Stream(raw, str(source), owned=True, hashed=hashed)
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
