"""Publishing to Secureframe: what goes out, what a 202 is worth, and what becomes of what is gone."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from proofport.accounting import ACCEPTED, Outcome, Status, Tally
from proofport.adapter import Batch, Blueprint, Job, Memory, Mode, Schema
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
    for step in (
        "Define Schema",
        "`id` as primary ID",
        "schema confirm DEST --kind cloud_resource",
        "`defined: true`",
        "push everything again",
    ):
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


# ---------------------------------------------------------------------- schemas
def test_a_defined_schema_takes_records_as_they_come() -> None:
    vendor = recorded(QUEUED)
    assert send(vendor, {"id": "a"}) == [ACCEPTED]


@pytest.mark.parametrize("known", [None, Schema("things", "cloud_resource", {"id": "string"})])
def test_a_patch_needs_a_schema_that_is_known_to_be_defined(known: Schema | None) -> None:
    patch = replace(job("patch"), schema=known)
    with pytest.raises(ConfigError, match="a patch needs one"):
        drive(adapter(defined=False).send(patch, {}, batch({"id": "a"})), recorded())


def test_a_person_may_have_said_that_it_is_defined() -> None:
    confirmed = Schema("things", "cloud_resource", {"id": "string"}, defined=5.0)
    modes: tuple[Mode, ...] = ("upsert", "patch")
    for mode in modes:
        asked = replace(job(), mode=mode, schema=confirmed)
        assert drive(adapter(defined=False).send(asked, {}, batch({"id": "a"})), recorded(QUEUED)) == [ACCEPTED]


def test_a_nested_object_is_patched_only_where_that_is_allowed() -> None:
    kind = "custom:package"
    records = batch({"id": "a", "n": {"x": 1}}, {"id": "b", "n": None})
    vendor = recorded(QUEUED)
    refused, sent = drive(adapter(kind=kind).send(job("patch", kind), {}, records), vendor)
    assert (refused.status, sent) == (Status.REJECTED, ACCEPTED)
    assert refused.problem is not None
    assert (refused.problem.field, "allow_nested_patch" in (refused.problem.hint or "")) == ("n", True)
    assert body(vendor)["resource_data"] == [{"id": "b", "n": None}]
    objects = {kind: {"schema_slug": "things", "defined": True, "allow_nested_patch": True}}
    allowing = adapter(objects=objects)
    assert drive(allowing.send(job("patch", kind), {}, records), recorded(QUEUED)) == [ACCEPTED, ACCEPTED]
    only = batch({"id": "a", "n": {}})
    assert [end.status for end in drive(adapter(kind=kind).send(job("patch", kind), {}, only), recorded())] == [
        Status.REJECTED
    ]


def test_a_type_that_was_taken_off_the_list_is_sent_and_said_once() -> None:
    memory: Memory = {}
    old = batch({"id": "a", "cloud_resource_type": "elastictranscoder_pipeline"})
    for expected in (1, 0):
        drive(adapter().send(job(), memory, old), recorded(QUEUED))
        assert len(memory.pop("notes", [])) == expected  # type: ignore[arg-type]


# ---------------------------------------------------------------------- what is gone
@pytest.mark.parametrize("kind", ["cloud_resource", "training_record", "custom:package"])
def test_what_has_no_word_for_gone_cannot_be_removed_and_the_way_out_is_named(kind: str) -> None:
    with pytest.raises(UnsupportedFeature, match="cannot delete") as raised:
        adapter(kind=kind).capability(kind, "remove")
    assert "lifecycle_field" in (raised.value.hint or "")
    assert adapter(kind=kind).capability(kind, "snapshot").gone == "kept"


@pytest.mark.parametrize("kind", ["personnel_account", "device", "person"])
@pytest.mark.parametrize("bury", [True, False])
def test_who_leaves_is_published_once_more_as_not_active(kind: str, bury: bool) -> None:
    vendor, leaving = recorded(QUEUED), adapter(kind=kind)
    records = batch({"id": "a", "email": "ä@example.com", "active": True}, {"id": "b"})
    flow = leaving.bury(job("snapshot", kind), {}, records) if bury else leaving.send(job("remove", kind), {}, records)
    assert drive(flow, vendor) == [ACCEPTED, ACCEPTED]
    assert body(vendor) == {
        "schema_slug": "things",
        "vendor_slug": "acme",
        "resource_data": [{"id": "a", "email": "ä@example.com", "active": False}, {"id": "b", "active": False}],
    }
    assert vendor.calls[0].destructive
    assert leaving.capability(kind, "snapshot").gone == "ended"


def test_a_lifecycle_field_goes_with_every_record_and_says_what_is_gone() -> None:
    objects = {"cloud_resource": {"schema_slug": "things", "defined": True, "lifecycle_field": "state"}}
    lasting, vendor = adapter(objects=objects), recorded(QUEUED, QUEUED, QUEUED)
    drive(lasting.send(job(), {}, batch({"id": "a"}, {"id": "b", "state": "own"})), vendor)
    assert body(vendor)["resource_data"] == [{"id": "a", "state": "active"}, {"id": "b", "state": "own"}]
    drive(lasting.send(job("patch"), {}, batch({"id": "a", "region": None})), vendor)
    assert body(vendor)["resource_data"] == [{"id": "a", "region": None}]
    drive(lasting.send(job("remove"), {}, batch({"id": "a"})), vendor)
    assert body(vendor)["resource_data"] == [{"id": "a", "state": "removed"}]


def test_a_lifecycle_field_cannot_join_a_schema_that_is_there() -> None:
    objects = {"cloud_resource": {"schema_slug": "things", "lifecycle_field": "state"}}
    asked = replace(job(), schema=Schema("things", "cloud_resource", {"id": "string"}))
    with pytest.raises(ConfigError, match="first published without 'state'") as raised:
        drive(adapter(objects=objects).send(asked, {}, batch({"id": "a"})), recorded())
    assert "new schema_slug" in (raised.value.hint or "")


def test_without_its_last_state_nothing_can_be_marked_as_gone() -> None:
    vendor = recorded(QUEUED)
    records = Batch(["a", "b"], [b"", b'{"id":"b"}'], [1, 2])
    ends = drive(adapter(kind="device").send(job("remove", "device"), {}, records), vendor)
    assert [end.status for end in ends] == [Status.REJECTED, Status.DELIVERED]
    assert body(vendor)["resource_data"] == [{"id": "b", "active": False}]


def test_last_bodies_are_sent_in_as_many_requests_as_their_size_asks_for() -> None:
    vendor = recorded(*[QUEUED] * 3)
    records = batch(*({"id": f"{n}", "model": "x" * 30_000} for n in range(5)))
    drive(adapter(kind="device", batch_bytes=70_000).send(job("remove", "device"), {}, records), vendor)
    assert [len(json.loads(call.body or b"")["resource_data"]) for call in vendor.calls] == [2, 2, 1]
    assert all(len(call.body or b"") <= 70_000 for call in vendor.calls)


def test_batches_are_as_large_as_configured() -> None:
    capability = adapter(batch_records=7, batch_bytes=100_000).capability("cloud_resource", "upsert")
    assert (capability.max_records, 99_000 < capability.max_bytes < 100_000) == (7, True)


def test_a_person_is_published_as_an_account_only_where_that_is_configured() -> None:
    for refused in (lambda: adapter().capability("person", "upsert"), lambda: adapter().body("person", "upsert")):
        with pytest.raises(UnsupportedFeature, match="makes no people") as raised:
            refused()
        assert "objects.person" in (raised.value.hint or "")
    assert adapter(kind="person").body("person", "upsert").name == "personnel_account"


def test_the_steps_name_the_field_that_is_added() -> None:
    objects = {"cloud_resource": {"schema_slug": "things", "lifecycle_field": "state"}}
    with pytest.raises(UnsupportedFeature) as raised:
        drive(adapter(objects=objects).provision(Blueprint("cloud_resource", {}, "id", ("id",))), recorded())
    assert "(id; state is added)" in (raised.value.hint or "")


def test_only_a_person_can_define_a_schema_and_is_told_how() -> None:
    blueprint = Blueprint("training_record", {}, "id", ("id", "user_email"))
    with pytest.raises(UnsupportedFeature) as raised:
        drive(adapter(kind="training_record").provision(blueprint), recorded())
    guide = raised.value.hint or ""
    assert [line[:2] for line in guide.splitlines()] == [f"{number}." for number in range(1, 7)]
    for word in ("(id, user_email)", "'things'", "Training record", "schema confirm DEST --kind training_record"):
        assert word in guide
