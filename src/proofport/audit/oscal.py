"""Receipts as OSCAL assessment results, for tools that read those: https://pages.nist.gov/OSCAL/"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import orjson

from proofport.audit.envelope import predicate_of
from proofport.journal.contract import ReceiptView

VERSION = "1.1.2"
NAMESPACE = "https://proofport.invalid/ns/oscal"
"""Whose properties they are. The address leads nowhere."""

LISTED = "run", "destination", "object", "kind", "mode"


def assessment_results(receipts: Sequence[ReceiptView], origin: str, at: float) -> bytes:
    """One result with an observation for each receipt of a delivery. The same receipts give the same identifiers.

    It says what was delivered, and judges no control.
    """
    told = [(each, predicate_of(each)) for each in receipts if each.run_id]
    began = min((str(predicate["started"]) for _, predicate in told), default=_moment(at))
    result = {
        "uuid": _uuid(origin, "result", *(each.name for each, _ in told)),
        "title": f"Deliveries of evidence by {origin}",
        "description": "What was delivered to which system, as signed receipts say it.",
        "start": began,
        "reviewed-controls": {"control-selections": [{"include-all": {}}]},
        **({"observations": [_observation(each, predicate, origin) for each, predicate in told]} if told else {}),
    }
    metadata = {
        "title": f"Receipts of {origin}",
        "last-modified": _moment(at),
        "version": str(len(receipts)),
        "oscal-version": VERSION,
    }
    plan = {"href": "#", "remarks": "The evidence was delivered outside of an assessment plan."}
    results = {"uuid": _uuid(origin, str(at)), "metadata": metadata, "import-ap": plan, "results": [result]}
    return orjson.dumps({"assessment-results": results}, option=orjson.OPT_INDENT_2)


def _observation(receipt: ReceiptView, told: dict[str, Any], origin: str) -> dict[str, Any]:
    counts = told["counts"]
    words = ", ".join(f"{count} {name}" for name, count in counts.items() if count) if counts else "not known"
    listed = {name: told[name] for name in LISTED} | {"receipt": receipt.name, **(counts or {})}
    return {
        "uuid": _uuid(origin, "observation", receipt.name),
        "title": f"{told['kind']} to {told['destination']}",
        "description": f"Records of {told['kind']} to {told['destination']}: {words}.",
        "props": [
            {"name": name, "ns": NAMESPACE, "value": text}
            for name, value in listed.items()
            if (text := " ".join(str(value).split()))  # OSCAL takes one line without blanks around it
        ],
        "methods": ["EXAMINE"],
        "collected": told["ended"],
        "relevant-evidence": [
            {
                "href": f"receipts/{receipt.place:08}.json",
                "description": f"The signed receipt. Its SHA-256 is {sha256(receipt.envelope).hexdigest()}.",
            }
        ],
    }


def _uuid(*parts: str) -> str:
    """Named by what it is about. OSCAL takes versions 4 and 5."""
    return str(uuid5(NAMESPACE_URL, "/".join((NAMESPACE, *parts))))


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
