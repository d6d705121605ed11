"""The bytes that a journal keeps of a delivery: its records, their bodies, the outcomes, and digests of the bodies.

Small payloads are JSON, others are compressed: most of the cost of a commit is the pages that it writes.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import orjson
from xxhash import xxh3_64_intdigest, xxh3_128_digest

from proofport.accounting import Assurance, Outcome, Status
from proofport.adapter import Batch
from proofport.errors import Problem
from proofport.evidence import Neutral

try:
    from isal.isal_zlib import compress
except ImportError:
    from zlib import compress

SMALL = 1_024
FASTEST = 1
_JSON = b"["


# ------------------------------------------------------------------ records and bodies
def pack(records: Sequence[Neutral]) -> bytes:
    """Raises TypeError for values that JSON cannot carry."""
    return pack_json(orjson.dumps(records))


def pack_json(text: bytes) -> bytes:
    """Pack records that are a JSON array already."""
    return text if len(text) < SMALL else compress(text, FASTEST)


def unpack(payload: bytes) -> list[Neutral]:
    """The records that `pack` was given. A payload of plain JSON is read, too."""
    records: list[Neutral] = _unpack(payload)
    return records


def pack_bodies(bodies: Sequence[bytes | None]) -> bytes | None:
    """The body of each record, None for one that has none. None when no record has one."""
    texts = [None if body is None else body.decode() for body in bodies]
    return pack_json(orjson.dumps(texts)) if any(texts) else None


def unpack_bodies(packed: bytes) -> list[bytes | None]:
    """The bodies that `pack_bodies` was given."""
    return [None if text is None else text.encode() for text in _unpack(packed)]


def _unpack(packed: bytes) -> Any:
    return orjson.loads(packed if packed.startswith(_JSON) else zlib.decompress(packed))


# ------------------------------------------------------------------ outcomes
def encode_outcomes(outcomes: Sequence[Outcome]) -> str:
    """JSON: `[[count, status, assurance, reason, problem], …]` in the order of the records.

    A vendor's id of the record follows the problem, where there is one.
    """
    return orjson.dumps([[len(list(group)), *_row(outcome)] for outcome, group in groupby(outcomes)]).decode()


def _row(outcome: Outcome) -> list[Any]:
    problem = outcome.problem.as_dict() if outcome.problem else None
    row = [outcome.status, outcome.assurance, outcome.reason, problem]
    return row if outcome.vendor_id is None else [*row, outcome.vendor_id]


def decode_outcomes(text: str) -> list[Outcome]:
    """The outcomes that `encode_outcomes` was given."""
    outcomes: list[Outcome] = []
    for count, *parts in orjson.loads(text):
        outcomes += [_outcome(*parts)] * count
    return outcomes


def _outcome(
    status: str,
    assurance: str | None,
    reason: str | None,
    problem: dict[str, Any] | None,
    vendor_id: str | None = None,
) -> Outcome:
    level = Assurance(assurance) if assurance else None
    return Outcome(Status(status), level, reason, Problem(**problem) if problem else None, vendor_id)


# ------------------------------------------------------------------ digests
def digests_of(batch: Batch) -> list[int]:
    """64 bits of xxHash for each body, the same in every process and on every machine.

    A changed body passes for unchanged with a chance of 1 in 10^19.
    """
    return list(map(xxh3_64_intdigest, batch.bodies))


def batch_digest(batch: Batch, digests: Sequence[int]) -> bytes:
    """A digest of the ids and bodies, in their order."""
    return xxh3_128_digest(orjson.dumps(list(batch.ids)) + array("Q", digests).tobytes())
