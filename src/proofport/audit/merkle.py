"""Merkle trees as RFC 6962 (section 2.1) defines them: https://www.rfc-editor.org/rfc/rfc6962#section-2.1

Leaves and nodes are SHA-256. A leaf is hashed with a zero byte before it, a node with a one byte, so that neither can
pass for the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

EMPTY = sha256(b"").digest()
"""The root of a tree without leaves."""


def leaf_hash(content: bytes) -> bytes:
    return sha256(b"\x00" + content).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


class Tree:
    """Works out a root while leaves are added. It keeps one hash for each level, never the leaves."""

    def __init__(self) -> None:
        self.size = 0
        #: The roots of whole subtrees, the largest first: one for each bit of `size`.
        self._peaks: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """Add the hash of one leaf."""
        self._peaks.append(leaf)
        size = self.size
        while size & 1:
            right, left = self._peaks.pop(), self._peaks.pop()
            self._peaks.append(_node(left, right))
            size >>= 1
        self.size += 1

    def root(self) -> bytes:
        if not self._peaks:
            return EMPTY
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = _node(peak, root)
        return root


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over hashes of leaves."""
    tree = Tree()
    for leaf in leaves:
        tree.add(leaf)
    return tree.root()
