"""The exchanges of a run with a vendor, in order: what was asked, and digests of what was sent and answered."""

from __future__ import annotations

import tempfile
from hashlib import sha256
from typing import IO

from proofport.audit.envelope import canonical
from proofport.audit.merkle import Tree, leaf_hash


class ExchangeLog:
    """Writes each exchange as one line of JSON, and works out the root over the lines. Whoever makes it closes it.

    `request` and `response` are hexadecimal SHA-256 of the bodies; `response` is null where no answer came, and both
    are where a token was asked for.
    """

    def __init__(self, lines: IO[bytes] | None = None) -> None:
        """`lines`: where to write them. None: to a temporary file."""
        self._lines = tempfile.TemporaryFile(prefix="proofport-") if lines is None else lines  # noqa: SIM115
        self._tree = Tree()

    def add(self, method: str, path: str, status: int, request: bytes | None, response: bytes | None) -> None:
        row = {
            "method": method,
            "path": path,
            "status": status,
            "request": None if request is None else sha256(request).hexdigest(),
            "response": None if response is None else sha256(response).hexdigest(),
        }
        line = canonical(row)
        self._tree.add(leaf_hash(line))
        self._lines.write(line + b"\n")

    @property
    def count(self) -> int:
        return self._tree.size

    @property
    def root(self) -> str:
        """The RFC 6962 root over the lines, without their line ends. Hexadecimal."""
        return self._tree.root().hex()

    def content(self) -> bytes:
        self._lines.seek(0)
        return self._lines.read()

    def close(self) -> None:
        self._lines.close()
