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

from proofport.accounting import Assurance, LeftOut, Outcome, Status
from proofport.adapter import Batch
from proofport.errors import JournalError, Problem
from proofport.evidence import Neutral
from proofport.journal.contract import Failure

try:
    from isal.isal_zlib import compress
except ImportError:
    from zlib import compress

SMALL = 1_024
FASTEST = 1
_JSON = (b"[", b"{")


# ------------------------------------------------------------------ records and bodies
def pack(records: Sequence[Neutral], *, fold: bool = False, left: Sequence[LeftOut] = ()) -> bytes:
    """Raises TypeError for values that JSON cannot carry. `fold`: their ids compare without case.

    `left`: records that came with them, and that a source mapping leaves out.
    """
    more = {"fold": True} if fold else {}
    skipped = {"skipped": [[each.record_id, each.reason] for each in left]} if left else {}
    return pack_json(orjson.dumps({**more, **skipped, "records": records} if more or skipped else records))


def pack_json(text: bytes) -> bytes:
    """Pack what is JSON already."""
    return text if len(text) < SMALL else compress(text, FASTEST)


def size_of(packed: bytes, most: int) -> int:
    """The size of the JSON that was packed, at most so many bytes. Of what is damaged, 0."""
    try:
        return len(packed) if packed.startswith(_JSON) else len(zlib.decompressobj().decompress(packed, most))
    except zlib.error:
        return 0


class DamagedPayload(JournalError):
    """One delivery in the journal is not as it was written. Other deliveries can be read."""


def unpack(payload: bytes) -> list[Neutral]:
    """The records that `pack` was given. Raises DamagedPayload."""
    return unpack_all(payload)[0]


def unpack_all(payload: bytes) -> tuple[list[Neutral], bool]:
    """The records that `pack` was given, and whether their ids compare without case. Raises DamagedPayload."""
    found = _unpack(payload)
    fold = isinstance(found, dict) and "fold" in found
    records = found.get("records") if isinstance(found, dict) else found
    if not isinstance(records, list) or not all(map(_is_evidence, records)):
        raise DamagedPayload("its payload holds something else than evidence")
    return records, fold


def left_with(payload: bytes) -> list[LeftOut]:
    """The records that a source mapping left out, of those that came with the packed ones."""
    found = _unpack(payload)
    rows = found.get("skipped", ()) if isinstance(found, dict) else ()
    return [LeftOut(reason, record_id) for record_id, reason in rows]


def _is_evidence(record: object) -> bool:
    return isinstance(record, dict) and isinstance(record.get("id"), str)


def pack_bodies(bodies: Sequence[bytes | None]) -> bytes | None:
    """The body of each record, None for one that has none. None when no record has one."""
    texts = [None if body is None else body.decode() for body in bodies]
    return pack_json(orjson.dumps(texts)) if any(texts) else None


def unpack_bodies(packed: bytes) -> list[bytes | None]:
    """The bodies that `pack_bodies` was given. Raises DamagedPayload."""
    found = _unpack(packed)
    if not isinstance(found, list) or not all(isinstance(text, str | None) for text in found):
        raise DamagedPayload("its bodies are something else than text")
    return [None if text is None else text.encode() for text in found]


def _unpack(packed: bytes) -> Any:
    try:
        return orjson.loads(packed if packed.startswith(_JSON) else zlib.decompress(packed))
    except (zlib.error, orjson.JSONDecodeError) as error:
        raise DamagedPayload(f"its payload cannot be read: {error}") from None


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


def outcomes_in(failure: Failure | None) -> list[Outcome] | None:
    """The outcomes of the records of a dead letter. None where it has a reason as a whole."""
    return decode_outcomes(failure.detail) if failure is not None and failure.detail.startswith("[") else None


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
