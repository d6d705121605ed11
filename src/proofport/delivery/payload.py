"""Packs the records of a queued delivery, or their bodies, into bytes, and unpacks them.

Small payloads are plain JSON. Larger ones are compressed, because a commit costs mostly the pages that it writes.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import orjson

from proofport.evidence import Neutral
from proofport.journal.contract import Delivery

try:
    from isal.isal_zlib import compress
except ImportError:
    from zlib import compress

SMALL = 1_024
FASTEST = 1
_JSON = b"["


def pack(records: Sequence[Neutral]) -> bytes:
    """Raises TypeError for what JSON cannot carry."""
    return _pack(orjson.dumps(records))


def unpack(payload: bytes) -> list[Neutral]:
    """The records that `pack` was given. A payload of plain JSON is read, too."""
    records: list[Neutral] = _unpack(payload)
    return records


def evidence_of(delivery: Delivery) -> list[Neutral]:
    """The records of a delivery."""
    return unpack(delivery.payload)


def pack_bodies(bodies: Sequence[bytes | None]) -> bytes | None:
    """Pack the body of each record, byte for byte; None for a record without one. None when no record has one."""
    texts = [None if body is None else body.decode() for body in bodies]
    return _pack(orjson.dumps(texts)) if any(texts) else None


def unpack_bodies(packed: bytes) -> list[bytes | None]:
    """The bodies that `pack_bodies` was given."""
    return [None if text is None else text.encode() for text in _unpack(packed)]


def _pack(text: bytes) -> bytes:
    return text if len(text) < SMALL else compress(text, FASTEST)


def _unpack(packed: bytes) -> Any:
    return orjson.loads(packed if packed.startswith(_JSON) else zlib.decompress(packed))
