"""The records of a queued delivery as bytes, and back, and their bodies likewise. Small ones are JSON, others
compressed: what a commit costs is mostly the pages that it writes."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import orjson

from proofport import mapping
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
    return pack_json(orjson.dumps(records))


def pack_json(text: bytes) -> bytes:
    """The same of records that are a JSON array already, with their fields in any order."""
    return text if len(text) < SMALL else compress(text, FASTEST)


def unpack(payload: bytes) -> list[Neutral]:
    """What `pack` was given, its fields in the order of the payload. One of plain JSON is read, too."""
    records: list[Neutral] = _unpack(payload)
    return records


def evidence_of(delivery: Delivery) -> list[Neutral]:
    """What a delivery carries, in canonical form: its bytes may have their fields in another order."""
    return list(map(mapping.compile_kind(delivery.kind, delivery.mode), unpack(delivery.payload)))


def pack_bodies(bodies: Sequence[bytes | None]) -> bytes | None:
    """The body of each record, byte by byte; None for one that has none, and for all when none has one."""
    texts = [None if body is None else body.decode() for body in bodies]
    return pack_json(orjson.dumps(texts)) if any(texts) else None


def unpack_bodies(packed: bytes) -> list[bytes | None]:
    """What `pack_bodies` was given."""
    return [None if text is None else text.encode() for text in _unpack(packed)]


def _unpack(packed: bytes) -> Any:
    return orjson.loads(packed if packed.startswith(_JSON) else zlib.decompress(packed))
