"""Signed statements: an in-toto Statement v1 in a DSSE envelope, signed with Ed25519.

https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from proofport.audit.keys import SigningKey
from proofport.errors import ProofportError
from proofport.journal.contract import ReceiptView

STATEMENT = "https://in-toto.io/Statement/v1"
PAYLOAD = "application/vnd.in-toto+json"
LARGEST = 64 * 1024
"""Bytes of an envelope."""


def canonical(value: object) -> bytes:
    """JSON in the one form that is signed: sorted keys, no blanks, UTF-8. There are no fractions in it."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def statement(predicate_type: str, subjects: Sequence[tuple[str, str]], predicate: Mapping[str, Any]) -> bytes:
    """A statement about `subjects`: `(name, hexadecimal SHA-256), …`."""
    return canonical(
        {
            "_type": STATEMENT,
            "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in subjects],
            "predicateType": predicate_type,
            "predicate": predicate,
        }
    )


def signed(payload: bytes, key: SigningKey, *, largest: int | None = LARGEST) -> bytes:
    """The envelope around a statement. Raises ProofportError when it would not be smaller than `largest`."""
    signature = {"keyid": key.public.fingerprint, "sig": b64encode(key.sign(_encoded(payload))).decode()}
    envelope = {"payload": b64encode(payload).decode(), "payloadType": PAYLOAD, "signatures": [signature]}
    found = canonical(envelope)
    if largest is not None and len(found) >= largest:
        raise ProofportError(f"the receipt has {len(found):,} bytes, and may have {largest:,}")
    return found


def _encoded(payload: bytes) -> bytes:
    """The bytes that are signed: the pre-authentication encoding of DSSE."""
    return b"DSSEv1 %d %b %d %b" % (len(PAYLOAD), PAYLOAD.encode(), len(payload), payload)


def statement_of(receipt: ReceiptView) -> dict[str, Any]:
    """The statement of a receipt, unchecked: the journal is ours."""
    found: dict[str, Any] = orjson.loads(b64decode(orjson.loads(receipt.envelope)["payload"]))
    return found


def predicate_of(receipt: ReceiptView) -> dict[str, Any]:
    """All that a receipt says: see docs/audit.md."""
    found: dict[str, Any] = statement_of(receipt)["predicate"]
    return found


def subjects_of(receipt: ReceiptView) -> dict[str, str]:
    """The SHA-256 of each thing that a receipt is about, by its name."""
    return {each["name"]: each["digest"]["sha256"] for each in statement_of(receipt)["subject"]}
