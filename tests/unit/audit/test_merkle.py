"""The tree of the log, held against RFC 6962 written out the slow way."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofport.audit.merkle import EMPTY, Tree, leaf_hash, root_of

leaves = st.lists(st.binary(max_size=8).map(leaf_hash), max_size=70)


def slow_root(hashes: list[bytes]) -> bytes:
    if not hashes:
        return sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    middle = 1
    while middle * 2 < len(hashes):
        middle *= 2
    return sha256(b"\x01" + slow_root(hashes[:middle]) + slow_root(hashes[middle:])).digest()


@given(leaves)
def test_the_root_is_that_of_the_rfc(hashes: list[bytes]) -> None:
    assert root_of(hashes) == slow_root(hashes)


@pytest.mark.parametrize(
    ("count", "root"),
    [
        (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
        (2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
        (3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
        (8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
    ],
)
def test_known_roots(count: int, root: str) -> None:
    """Of the inputs that implementations of certificate transparency test with:
    https://github.com/google/certificate-transparency/blob/master/python/ct/crypto/merkle_test.py"""
    inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    tree = Tree()
    assert tree.root() == EMPTY
    for text in inputs[:count]:
        tree.add(leaf_hash(bytes.fromhex(text)))
    assert tree.root().hex() == root
