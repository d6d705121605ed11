"""The records of a queued delivery as bytes, and back. Small ones are JSON, others compressed: what a commit costs is
mostly the pages that it writes."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import orjson

from proofport.evidence import Neutral

try:
    from isal.isal_zlib import compress
except ImportError:
    from zlib import compress

SMALL = 1_024
FASTEST = 1
_JSON = b"["


def pack(records: Sequence[Neutral]) -> bytes:
    """Raises TypeError for what JSON cannot carry."""
    text = orjson.dumps(records)
    return text if len(text) < SMALL else compress(text, FASTEST)


def unpack(payload: bytes) -> list[Neutral]:
    """What `pack` was given. A payload of plain JSON is read, too."""
    records: list[Neutral] = orjson.loads(payload if payload.startswith(_JSON) else zlib.decompress(payload))
    return records
