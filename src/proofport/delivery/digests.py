"""Digests of what was sent: one per body, for what is unchanged, and one per batch, for what was acknowledged.

64 bits of xxHash: stable between processes and machines, and about 0.1 µs a body. A changed body passes for unchanged
with a chance of 1 in 10^19.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import orjson
from xxhash import xxh3_64_intdigest, xxh3_128_digest

from proofport.adapter import Batch


def bodies_of(batch: Batch) -> list[int]:
    return list(map(xxh3_64_intdigest, batch.items))


def batch_digest(batch: Batch, bodies: Sequence[int]) -> bytes:
    """Over ids and bodies, in their order."""
    return xxh3_128_digest(orjson.dumps(list(batch.ids)) + array("Q", bodies).tobytes())
