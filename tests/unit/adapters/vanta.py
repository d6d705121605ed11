"""The Vanta adapter without a network: its resources, and batches for them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from tests.support.vanta import user_account

from proofport.accounting import Outcome
from proofport.adapter import Batch, Job, Tombstone
from proofport.testing.adapter_contract import Vendor, drive, json_reply
from proofport.wire import Call
from proofport_vanta import VantaAdapter, VantaSettings
from proofport_vanta.whole_set import VantaSet

TIME = "2026-01-31T08:00:00Z"
OK = json_reply({"success": True})
NONE = json_reply({"resources": []})
HTML = b"<!DOCTYPE html><html><body><pre>Cannot PUT /v1</pre></body></html>"
DEFINITION = {"properties": {"size": {"type": "int32"}, "since": {"type": "timestamp"}}}


def adapter(**changes: Any) -> VantaAdapter:
    objects = {
        "personnel_account": {"resource_id": "acc"},
        "device": {"macos_resource_id": "mac", "windows_resource_id": "win"},
        "custom:thing": {"resource_id": "things", "properties": DEFINITION},
    }
    settings = {"client_id": "vci_1", "client_secret": "secret-of-app", "objects": objects, **changes}
    return VantaAdapter(VantaSettings.model_validate(settings))


def of(kind: str, **changes: Any) -> VantaSet:
    return adapter(**changes).resource(kind)


def batch(*records: dict[str, Any]) -> Batch:
    return Batch(
        [each["uniqueId"] for each in records], [json.dumps(each).encode() for each in records], range(len(records))
    )


def replaced(kind: str, records: Batch, answer: Vendor, tombstones: tuple[Tombstone, ...] = ()) -> list[Outcome]:
    job = Job("r", "i", kind, "snapshot", started=datetime(2026, 3, 1, tzinfo=UTC).timestamp())
    return drive(of(kind).replace(job, {}, records, tombstones), answer)


def accounts(*keys: str) -> Batch:
    return batch(*(user_account(key, createdTimestamp=TIME) for key in keys))


def body_of(call: Call) -> Any:
    return json.loads(call.body or b"")
