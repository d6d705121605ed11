"""Publishing to Secureframe: what goes out, what a 202 is worth, and the first object of a schema."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proofport.accounting import ACCEPTED, Outcome, Status, Tally
from proofport.adapter import Batch, Blueprint, Job, Memory, Mode
from proofport.errors import (
    Blocked,
    ConfigError,
    ProofportError,
    Retryable,
    TooLarge,
    UnsupportedFeature,
    UsageError,
)
from proofport.testing.adapter_contract import Vendor, drive, json_reply, recorded
from proofport.wire import Reply
from proofport_secureframe import SecureframeAdapter, SecureframeSettings

CONNECTION = "5f0c0c0e-0000-4000-8000-000000000001"
QUEUED = Reply(202)
FIELDS = ("id", "cloud_resource_type", "region")


def adapter(*, defined: bool = True, kind: str = "cloud_resource", **settings: Any) -> SecureframeAdapter:
    given = {
        "region": "us",
        "api_key": "key",
        "api_secret": "secret",
        "connection_id": CONNECTION,
        "vendor_slug": "acme",
        "objects": {kind: {"schema_slug": "things", "defined": defined}},
        **settings,
    }
    return SecureframeAdapter(SecureframeSettings.model_validate(given))


def job(mode: Mode = "upsert", kind: str = "cloud_resource", fields: tuple[str, ...] = FIELDS) -> Job:
    return Job("run-1", "prod", kind, mode, fields)


def batch(*records: dict[str, Any]) -> Batch:
    return Batch([each["id"] for each in records], [json.dumps(each).encode() for each in records], range(len(records)))


def send(vendor: Vendor, *records: dict[str, Any], **settings: Any) -> list[Outcome]:
    return drive(adapter(**settings).send(job(), {}, batch(*records)), vendor)


def body(vendor: Vendor) -> Any:
    return json.loads(vendor.calls[-1].body or b"")


def test_a_full_publish_has_no_partial_and_keeps_the_records_bytes() -> None:
    vendor = recorded(QUEUED)
    records = Batch(["a", "b"], [b'{"id": "a",  "n":1}', b'{"id":"b"}'], [1, 2])
    assert drive(adapter().send(job(), {}, records), vendor) == [ACCEPTED, ACCEPTED]
    (call,) = vendor.calls
    assert (call.method, call.path, call.lost) == ("POST", f"/custom_connections/{CONNECTION}/data", "repeat")
    assert call.body == (
        b'{"schema_slug":"things","vendor_slug":"acme","resource_data":[{"id": "a",  "n":1},{"id":"b"}]}'
    )
    assert not call.destructive


def test_a_patch_is_a_partial_publish() -> None:
    vendor = recorded(QUEUED)
    drive(adapter().send(job("patch"), {}, batch({"id": "a", "region": None})), vendor)
    assert body(vendor) == {
        "schema_slug": "things",
        "vendor_slug": "acme",
        "partial": True,
        "resource_data": [{"id": "a", "region": None}],
    }


def test_a_snapshot_is_published_as_it_comes_and_deletes_nothing() -> None:
    capability = adapter().capability("cloud_resource", "snapshot")
    assert (capability.staged, capability.replaces, capability.parallel) == (False, False, 1)
    vendor = recorded()
    drive(adapter().close(job("snapshot"), {}, Tally()), vendor)
    drive(adapter().abort(job("snapshot"), {}), vendor)
    assert vendor.calls == []


def test_a_request_stays_within_a_mebibyte() -> None:
    capability = adapter().capability("cloud_resource", "upsert")
    size = capability.max_bytes // capability.max_records
    records = [{"id": f"{number:03}", "x": "y" * (size - 22)} for number in range(capability.max_records)]
    vendor = recorded(QUEUED)
    drive(adapter().send(job(), {}, batch(*records)), vendor)
    assert sum(len(item) for item in batch(*records).items) > capability.max_bytes - 1000
    assert len(vendor.calls[0].body or b"") <= 2**20


def test_an_id_twice_in_a_request_is_sent_once_and_the_second_is_rejected() -> None:
    vendor = recorded(QUEUED)
    outcomes = send(vendor, {"id": "a", "n": 1}, {"id": "b"}, {"id": "a", "n": 2})
    assert [outcome.status for outcome in outcomes] == [Status.DELIVERED, Status.DELIVERED, Status.REJECTED]
    assert body(vendor)["resource_data"] == [{"id": "a", "n": 1}, {"id": "b"}]


# ---------------------------------------------------------------------- what a 202 is worth
def test_a_202_for_an_undefined_schema_is_unknown_and_says_what_to_do() -> None:
    (outcome,) = send(recorded(QUEUED), {"id": "a", "cloud_resource_type": "vpc", "region": "eu"}, defined=False)
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, "schema_not_defined")
    assert outcome.problem is not None
    for step in ("Define Schema", "`id` as primary ID", "`defined: true`", "push again"):
        assert step in (outcome.problem.hint or "")


@pytest.mark.parametrize("answer", [Reply(200), Reply(204), Reply(201, body=b"{}")])
def test_any_other_success_promises_nothing(answer: Reply) -> None:
    (outcome,) = send(recorded(answer), {"id": "a"})
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, "unexpected_answer")


def test_a_malformed_request_rejects_its_records() -> None:
    outcomes = send(recorded(json_reply({"message": "vendor_slug does not match"}, 400)), {"id": "a"}, {"id": "b"})
    assert [outcome.status for outcome in outcomes] == [Status.REJECTED] * 2
    assert outcomes[0].problem is not None
    assert outcomes[0].problem.vendor_message == "vendor_slug does not match (HTTP 400)"
    assert "vendor_slug" in (outcomes[0].problem.hint or "")


@pytest.mark.parametrize(
    ("status", "expected", "hint"),
    [
        (401, Blocked, "api_secret"),
        (403, Blocked, "Early Access"),
        (404, ConfigError, "connection_id"),
        (307, ConfigError, "base_url"),
        (413, TooLarge, None),
        (429, Retryable, None),
        (500, Retryable, None),
        (418, UsageError, None),
    ],
)
@pytest.mark.parametrize("content", [b'{"message":"the words"}', b"", b"<html>", b'{"message":""}', b"[]"])
def test_each_status_says_what_to_do_whatever_its_body(
    status: int, expected: type[ProofportError], hint: str | None, content: bytes
) -> None:
    with pytest.raises(expected) as raised:
        send(recorded(Reply(status, body=content)), {"id": "a"})
    assert ("the words" in raised.value.message) == (b"words" in content)
    assert str(status) in raised.value.message
    assert hint is None or hint in (raised.value.hint or "")


def test_a_wait_that_the_vendor_asks_for_is_kept() -> None:
    with pytest.raises(Retryable) as raised:
        send(recorded(Reply(429, {"retry-after": "12"})), {"id": "a"})
    assert raised.value.after == 12


# ---------------------------------------------------------------------- the first object of a schema
WHOLE = {"id": "b", "cloud_resource_type": "vpc", "region": "eu"}


@pytest.mark.parametrize(
    "poor",
    [
        {"id": "a", "cloud_resource_type": "vpc"},
        {"id": "a", "cloud_resource_type": "vpc", "region": None},
        {"id": "a", "cloud_resource_type": "vpc", "region": []},
    ],
)
def test_a_schema_is_made_from_a_complete_object(poor: dict[str, Any]) -> None:
    vendor = recorded(QUEUED)
    last = {"id": "c", "cloud_resource_type": "vpc"}
    outcomes = send(vendor, poor, WHOLE, last, defined=False)
    assert body(vendor)["resource_data"] == [WHOLE, poor, last]
    assert len(outcomes) == 3


def test_false_is_a_value() -> None:
    vendor = recorded(QUEUED)
    records = batch({"id": "a"}, {"id": "b", "admin": False})
    flow = adapter(defined=False).send(job(fields=("id", "admin")), {}, records)
    drive(flow, vendor)
    assert [record["id"] for record in body(vendor)["resource_data"]] == ["b", "a"]


def test_a_repeated_id_does_not_become_the_first_object() -> None:
    vendor = recorded(QUEUED, QUEUED)
    poor = {"id": "b", "cloud_resource_type": "vpc"}
    outcomes = send(vendor, {**poor, "id": "a"}, WHOLE, {**WHOLE, "region": "us"}, defined=False)
    assert [record["id"] for record in body(vendor)["resource_data"]] == ["b", "a"]
    assert outcomes[2].status is Status.REJECTED


def test_without_a_complete_object_no_schema_is_made() -> None:
    vendor = recorded()
    with pytest.raises(UsageError, match="no record has a value for region") as raised:
        send(vendor, {"id": "a", "cloud_resource_type": "vpc"}, defined=False)
    assert "`defined: true`" in (raised.value.hint or "")
    with pytest.raises(UsageError, match="the fullest one lacks cloud_resource_type"):
        send(vendor, {"id": "a", "region": "eu"}, {"id": "b", "cloud_resource_type": "vpc"}, defined=False)
    assert vendor.calls == []


def test_only_the_first_publish_of_a_run_makes_a_schema() -> None:
    vendor, memory = recorded(QUEUED, QUEUED), Memory()
    undefined, poor = adapter(defined=False), {"id": "a"}
    drive(undefined.send(job(), memory, batch(WHOLE)), vendor)
    drive(undefined.send(job(), memory, batch(poor)), vendor)
    assert body(vendor)["resource_data"] == [poor]


def test_a_first_publish_that_failed_is_still_to_come() -> None:
    memory: Memory = {}
    with pytest.raises(Retryable):
        drive(adapter(defined=False).send(job(), memory, batch(WHOLE)), recorded(Reply(500)))
    with pytest.raises(UsageError):
        drive(adapter(defined=False).send(job(), memory, batch({"id": "a"})), recorded())


def test_fields_that_pass_through_are_those_of_the_batch() -> None:
    kind, vendor = "custom:package", recorded(QUEUED)
    passing = job(kind=kind, fields=())
    records = batch({"id": "a", "x": 1}, {"id": "b", "x": 1, "y": 2})
    drive(adapter(defined=False, kind=kind).send(passing, {}, records), vendor)
    assert [record["id"] for record in body(vendor)["resource_data"]] == ["b", "a"]
    uneven = batch({"id": "a", "x": 1}, {"id": "b", "y": 2})
    with pytest.raises(UsageError):
        drive(adapter(defined=False, kind=kind).send(passing, {}, uneven), vendor)


def test_a_defined_schema_takes_records_as_they_come() -> None:
    vendor = recorded(QUEUED)
    assert send(vendor, {"id": "a"}) == [ACCEPTED]


def test_the_first_publish_is_never_partial() -> None:
    with pytest.raises(ConfigError, match="a patch needs one"):
        adapter(defined=False).capability("cloud_resource", "patch")


# ---------------------------------------------------------------------- what cannot be done
@pytest.mark.parametrize(
    ("kind", "way_out"),
    [
        ("cloud_resource", "lifecycle_state"),
        ("training_record", "field of your own"),
        ("custom:package", "field of your own"),
        ("personnel_account", "active: false"),
    ],
)
def test_nothing_can_be_removed_and_the_way_out_is_named(kind: str, way_out: str) -> None:
    with pytest.raises(UnsupportedFeature, match="cannot delete") as raised:
        adapter(kind=kind).capability(kind, "remove")
    assert way_out in (raised.value.hint or "")


@pytest.mark.parametrize("kind", ["device", "person"])
def test_what_is_not_built_yet_says_so(kind: str) -> None:
    with pytest.raises(UnsupportedFeature, match="yet"):
        adapter().capability(kind, "upsert")
    with pytest.raises(UnsupportedFeature, match="yet"):
        adapter().body(kind, "upsert")


def test_only_a_person_can_define_a_schema_and_is_told_how() -> None:
    blueprint = Blueprint("training_record", {"properties": {"id": {}, "user_email": {}}}, "id")
    with pytest.raises(UnsupportedFeature) as raised:
        drive(adapter(kind="training_record").provision(blueprint), recorded())
    guide = raised.value.hint or ""
    assert [line[:2] for line in guide.splitlines()] == [f"{number}." for number in range(1, 7)]
    for word in ("id, user_email", "'things'", "Training record", "defined: true"):
        assert word in guide
