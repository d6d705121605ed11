"""The Secureframe adapter as its tests configure it, and batches for it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from proofport.adapter import Batch, LastDelivered
from proofport_secureframe import SecureframeAdapter, SecureframeSettings
from proofport_secureframe.publishing import PublishedResource

CONNECTION = "5f0c0c0e-0000-4000-8000-000000000001"
WHOLE = LastDelivered()


def adapter(**settings: Any) -> SecureframeAdapter:
    given = {
        "region": "us",
        "api_key": "key",
        "api_secret": "secret",
        "connection_id": CONNECTION,
        "vendor_slug": "acme",
        **settings,
    }
    return SecureframeAdapter(SecureframeSettings.model_validate(given))


def resource(kind: str = "cloud_resource", *, of: Mapping[str, Any] | None = None, **schema: Any) -> PublishedResource:
    """A kind that is published as `things`. `of` are settings of the destination."""
    objects = {kind: {"schema_slug": "things", **schema}}
    return adapter(**{"objects": objects, **(of or {})}).resource(kind)


def batch(*records: Mapping[str, Any], last: Sequence[LastDelivered | None] = (), **more: Any) -> Batch:
    bodies = [json.dumps(each).encode() for each in records]
    return Batch([each["id"] for each in records], bodies, range(len(records)), last=last, **more)


def delivered(**body: Any) -> LastDelivered:
    """A record that was delivered with this body."""
    return LastDelivered(json.dumps(body).encode())


def entry(fields: Mapping[str, str], *, slug: str = "things", kind: str = "cloud_resource", **more: Any) -> Any:
    """An entry of the lane's memory."""
    frozen = {"slug": slug, "kind": kind, "fields": dict(fields), "primary_id": "id", "published": 1.0, "defined": 0.0}
    return {**frozen, **more}
