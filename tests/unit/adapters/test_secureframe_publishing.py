"""Publishing to Secureframe: what goes out, what a 202 is worth, and what becomes of what is gone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.adapters.secureframe import CONNECTION, WHOLE, adapter, batch, delivered, entry, resource

from proofport.accounting import ACCEPTED, UNCHANGED, Outcome, Status
from proofport.adapter import (
    Batch,
    Blueprint,
    Ends,
    Job,
    LastDelivered,
    Memory,
    Mode,
    Opens,
    Provisions,
    Replaces,
    Stages,
)
from proofport.errors import Blocked, ConfigError, ProofportError, TooLarge, UnsupportedFeature, UsageError
from proofport.testing.adapter_contract import Vendor, drive, json_reply, recorded
from proofport.wire import Reply

QUEUED = Reply(202)
FIELDS = ("id", "cloud_resource_type", "region")


def job(mode: Mode = "upsert", kind: str = "cloud_resource", **more: Any) -> Job:
    return Job("run-1", "prod", kind, mode, FIELDS, **more)


def send(vendor: Vendor, *records: dict[str, Any], **schema: Any) -> list[Outcome]:
    return drive(resource(**{"defined": True, **schema}).send(job(), {}, batch(*records)), vendor)


def patch(vendor: Vendor, given: Batch, kind: str = "cloud_resource", **schema: Any) -> list[Outcome]:
    return drive(resource(kind, **{"defined": True, **schema}).send(job("patch", kind), {}, given), vendor)


def body(vendor: Vendor) -> Any:
    return json.loads(vendor.calls[-1].body or b"")


def test_a_full_publish_has_no_partial_and_keeps_the_records_bytes() -> None:
    vendor = recorded(QUEUED)
    records = Batch(["a", "b"], [b'{"id": "a",  "n":1}', b'{"id":"b"}'], [1, 2])
    assert drive(resource(defined=True).send(job(), {}, records), vendor) == [ACCEPTED, ACCEPTED]
    (call,) = vendor.calls
    assert (call.method, call.path, call.lost) == ("POST", f"/custom_connections/{CONNECTION}/data", "repeat")
    assert call.body == (
        b'{"schema_slug":"things","vendor_slug":"acme","resource_data":[{"id": "a",  "n":1},{"id":"b"}]}'
    )
    assert not call.destructive


def test_a_patch_is_a_partial_publish() -> None:
    vendor = recorded(QUEUED)
    assert patch(vendor, batch({"id": "a", "region": None}, last=[WHOLE])) == [ACCEPTED]
    assert body(vendor) == {
        "schema_slug": "things",
        "vendor_slug": "acme",
        "partial": True,
        "resource_data": [{"id": "a", "region": None}],
    }


def test_a_snapshot_is_published_as_it_comes_and_deletes_nothing() -> None:
    found = resource(defined=True)
    assert found.limits("snapshot").parallel == 1
    assert not isinstance(found, Opens | Stages | Replaces)


def test_a_request_stays_within_a_mebibyte() -> None:
    found = resource(defined=True)
    limits = found.limits("upsert")
    size = limits.max_bytes // limits.max_records
    given = batch(*({"id": f"{number:03}", "x": "y" * (size - 22)} for number in range(limits.max_records)))
    vendor = recorded(QUEUED)
    drive(found.send(job(), {}, given), vendor)
    assert sum(map(len, given.bodies)) > limits.max_bytes - 1000
    assert len(vendor.calls[0].body or b"") <= 2**20


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


@pytest.mark.parametrize(
    "answer",
    [
        Reply(200),
        Reply(204),
        Reply(201, body=b"{}"),
        Reply(200, body=b"<html>"),
        Reply(202, body=b"<html>Sign in</html>"),
        Reply(202, body=b'{"error":"failed"}'),
    ],
)
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


# ---------------------------------------------------------------------- schemas
def test_a_defined_schema_takes_records_as_they_come() -> None:
    vendor = recorded(QUEUED)
    assert send(vendor, {"id": "a"}) == [ACCEPTED]


@pytest.mark.parametrize("memory", [{}, {"things": entry({"id": "string"})}])
def test_a_patch_needs_a_schema_that_is_known_to_be_defined(memory: Memory) -> None:
    asked = job("patch", lane_memory=memory)
    with pytest.raises(ConfigError, match="a patch needs one"):
        resource().admit(asked, batch({"id": "a"}, last=[WHOLE]))


@pytest.mark.parametrize("mode", ["upsert", "patch"])
def test_a_person_may_have_said_that_it_is_defined(mode: Mode) -> None:
    asked = job(mode, lane_memory={"things": entry({"id": "string"}, defined=5.0)})
    assert drive(resource().send(asked, {}, batch({"id": "a"}, last=[WHOLE])), recorded(QUEUED)) == [ACCEPTED]


def test_a_patch_reaches_what_was_delivered_whole() -> None:
    vendor = recorded(QUEUED)
    last = [WHOLE, LastDelivered(certain=False), None, LastDelivered(removed=True)]
    outcomes = patch(vendor, batch(*({"id": name} for name in ("a", "doubt", "never", "removed")), last=last))
    assert [outcome.status for outcome in outcomes] == [Status.DELIVERED, *[Status.REJECTED] * 3]
    assert "not known to have been delivered whole" in str(outcomes[1].problem)
    assert body(vendor)["resource_data"] == [{"id": "a"}]


def test_a_nested_object_is_patched_only_where_that_is_allowed() -> None:
    kind = "custom:package"
    records = batch({"id": "a", "n": {"x": 1}}, {"id": "b", "n": None}, last=[WHOLE, WHOLE])
    vendor = recorded(QUEUED)
    refused, sent = patch(vendor, records, kind)
    assert (refused.status, sent) == (Status.REJECTED, ACCEPTED)
    assert refused.problem is not None
    assert (refused.problem.field, "allow_nested_patch" in (refused.problem.hint or "")) == ("n", True)
    assert body(vendor)["resource_data"] == [{"id": "b", "n": None}]
    assert patch(recorded(QUEUED), records, kind, allow_nested_patch=True) == [ACCEPTED, ACCEPTED]
    only = batch({"id": "a", "n": {}}, last=[WHOLE])
    assert [outcome.status for outcome in patch(recorded(), only, kind)] == [Status.REJECTED]


def test_a_type_that_was_taken_off_the_list_is_sent_and_said_once() -> None:
    memory: Memory = {}
    old = batch({"id": "a", "cloud_resource_type": "elastictranscoder_pipeline"})
    for expected in (1, 0):
        drive(resource(defined=True).send(job(), memory, old), recorded(QUEUED))
        assert len(memory.pop("notes", [])) == expected  # type: ignore[arg-type]


# ---------------------------------------------------------------------- what is gone
@pytest.mark.parametrize("kind", ["cloud_resource", "training_record", "custom:package"])
def test_what_has_no_word_for_gone_cannot_be_removed_and_the_way_out_is_named(kind: str) -> None:
    found = resource(kind, defined=True)
    for attempt in (
        lambda: found.limits("remove"),
        lambda: drive(found.send(job("remove", kind), {}, batch({"id": "a"}, last=[WHOLE])), recorded()),
    ):
        with pytest.raises(UnsupportedFeature, match="cannot delete") as raised:
            attempt()
        assert "lifecycle_field" in (raised.value.hint or "")
    assert not isinstance(found, Ends)


@pytest.mark.parametrize("kind", ["personnel_account", "device", "person"])
@pytest.mark.parametrize("of_a_snapshot", [True, False])
def test_who_leaves_is_published_once_more_as_not_active(kind: str, of_a_snapshot: bool) -> None:
    vendor, found = recorded(QUEUED), resource(kind, defined=True)
    assert isinstance(found, Ends)
    assert (found.ends, found.keeps_bodies) == ("always", True)
    last = [delivered(id="a", email="ä@example.com", active=True), delivered(id="b")]
    if of_a_snapshot:
        flow = found.end(job("snapshot", kind), {}, Batch(["a", "b"], [b"", b""], [1, 2], last=last))
    else:
        flow = found.send(job("remove", kind), {}, batch({"id": "a"}, {"id": "b"}, last=last))
    assert drive(flow, vendor) == [ACCEPTED, ACCEPTED]
    assert body(vendor) == {
        "schema_slug": "things",
        "vendor_slug": "acme",
        "resource_data": [{"id": "a", "email": "ä@example.com", "active": False}, {"id": "b", "active": False}],
    }
    assert vendor.calls[0].destructive


def test_a_lifecycle_field_goes_with_every_record_and_says_what_is_gone() -> None:
    found, vendor = resource(defined=True, lifecycle_field="state"), recorded(QUEUED, QUEUED, QUEUED)
    drive(found.send(job(), {}, batch({"id": "a"}, {"id": "b", "state": "own"})), vendor)
    assert body(vendor)["resource_data"] == [{"id": "a", "state": "active"}, {"id": "b", "state": "own"}]
    drive(found.send(job("patch"), {}, batch({"id": "a", "region": None}, last=[WHOLE])), vendor)
    assert body(vendor)["resource_data"] == [{"id": "a", "region": None}]
    drive(found.send(job("remove"), {}, batch({"id": "a"}, last=[delivered(id="a")])), vendor)
    assert body(vendor)["resource_data"] == [{"id": "a", "state": "removed"}]


def test_a_lifecycle_field_cannot_join_a_schema_that_is_there() -> None:
    asked = job(lane_memory={"things": entry({"id": "string"})})
    with pytest.raises(ConfigError, match="first published without 'state'") as raised:
        resource(lifecycle_field="state").admit(asked, batch({"id": "a"}))
    assert "new schema_slug" in (raised.value.hint or "")


@pytest.mark.parametrize("of_a_snapshot", [True, False])
def test_what_is_gone_cannot_be_said_under_a_schema_without_a_field_for_it(of_a_snapshot: bool) -> None:
    found = resource("device", defined=True)
    asked = job("snapshot" if of_a_snapshot else "remove", "device", lane_memory={"things": entry({"id": "string"})})
    given = batch({"id": "a"}, last=[delivered(id="a")])
    assert isinstance(found, Ends)

    def attempt() -> object:
        return drive(found.end(asked, {}, given), recorded()) if of_a_snapshot else found.admit(asked, given)

    with pytest.raises(ConfigError, match="first published without 'active'"):
        attempt()


@pytest.mark.parametrize("kind", ["personnel_account", "device", "person"])
def test_without_active_what_is_gone_is_told_by_a_field_of_your_own_or_not_at_all(kind: str) -> None:
    names = ["id", "email"]
    bare = resource(kind, fields=names)
    assert not isinstance(bare, Ends)
    with pytest.raises(UnsupportedFeature, match=f"cannot delete {kind}"):
        bare.limits("remove")
    marked, vendor = resource(kind, fields=names, lifecycle_field="state", defined=True), recorded(QUEUED, QUEUED)
    assert isinstance(marked, Ends)
    assert (bare.body("upsert").only, marked.body("upsert").only) == (("id", "email"), ("id", "email", "state"))
    drive(marked.send(job(kind=kind), {}, batch({"id": "a", "email": "a@example.com"})), vendor)
    drive(marked.end(job("snapshot", kind), {}, Batch(["a"], [b""], [1], last=[delivered(id="a")])), vendor)
    sent = [json.loads(call.body or b"")["resource_data"] for call in vendor.calls]
    assert sent == [[{"id": "a", "email": "a@example.com", "state": "active"}], [{"id": "a", "state": "removed"}]]
    with pytest.raises(ValueError, match="it has `active`, unless `fields` leaves that out"):
        resource(kind, fields=[*names, "active"], lifecycle_field="state")


def test_a_removal_needs_a_last_state_and_happens_once() -> None:
    vendor = recorded(QUEUED, QUEUED)
    last = [delivered(id="here", model="x"), LastDelivered(removed=True), None, LastDelivered()]
    given = Batch(["here", "gone", "never", "bare"], [b"{}"] * 4, range(4), last=last)
    outcomes = drive(resource("device", defined=True).send(job("remove", "device"), {}, given), vendor)
    assert [outcomes[0], outcomes[1], outcomes[3]] == [ACCEPTED, UNCHANGED, ACCEPTED]
    assert (outcomes[2].status, outcomes[2].reason) == (Status.REJECTED, "not_known")
    assert "never delivered from here" in str(outcomes[2].problem)
    whole, mark = (json.loads(call.body or b"") for call in vendor.calls)
    assert (whole["resource_data"], "partial" in whole) == ([{"id": "here", "model": "x", "active": False}], False)
    assert (mark["resource_data"], mark["partial"]) == ([{"id": "bare", "active": False}], True)
    nothing = replace(given, ids=["gone"], bodies=[b"{}"], positions=[1], last=last[1:2])
    assert drive(resource("device").send(job("remove", "device"), {}, nothing), recorded()) == [UNCHANGED]


def test_last_bodies_are_sent_in_as_many_requests_as_their_size_asks_for() -> None:
    vendor = recorded(*[QUEUED] * 3)
    last = [delivered(id=f"{n}", model="x" * 30_000) for n in range(5)]
    given = batch(*({"id": f"{n}"} for n in range(5)), last=last)
    found = resource("device", of={"batch_bytes": 70_000}, defined=True)
    drive(found.send(job("remove", "device"), {}, given), vendor)
    assert [len(json.loads(call.body or b"")["resource_data"]) for call in vendor.calls] == [2, 2, 1]
    assert all(len(call.body or b"") <= 70_000 for call in vendor.calls)


def test_batches_are_as_large_as_configured() -> None:
    limits = resource(of={"batch_records": 7, "batch_bytes": 100_000}).limits("upsert")
    assert (limits.max_records, 99_000 < limits.max_bytes < 100_000) == (7, True)


# ---------------------------------------------------------------------- people and provisioning
def steps(at: Provisions, asked: Blueprint) -> Sequence[str]:
    """Those that a person takes, as the vendor has no API."""
    found = drive(at.provision(asked), recorded())
    assert (found.settings, found.created) == ({}, False)
    return found.notes


def test_a_person_is_published_as_an_account_only_where_that_is_configured() -> None:
    with pytest.raises(UnsupportedFeature, match="makes no people") as raised:
        adapter().resource("person")
    assert "objects.person" in (raised.value.hint or "")
    assert resource("person").body("upsert").name == "personnel_account"


def test_a_kind_without_a_model_is_refused() -> None:
    for attempt in (adapter().resource, adapter().bodies):
        with pytest.raises(UnsupportedFeature, match="no model for cloud") as raised:
            attempt("cloud")
        assert "custom:<type>" in (raised.value.hint or "")


def test_the_steps_name_the_field_that_is_added() -> None:
    asked = Blueprint("cloud_resource", {}, "id", ("id",))
    assert "(id; state is added)" in steps(resource(lifecycle_field="state"), asked)[0]


def test_only_a_person_can_define_a_schema_and_is_told_how() -> None:
    blueprint = Blueprint("training_record", {}, "id", ("id", "user_email"))
    guide = steps(resource("training_record"), blueprint)
    assert [line[:2] for line in guide] == [f"{number}." for number in range(1, 7)]
    for word in ("(id, user_email)", "'things'", "Training record", "schema confirm DEST --kind training_record"):
        assert word in " ".join(guide)


def test_the_steps_can_be_asked_for_before_the_kind_is_configured() -> None:
    guide = steps(adapter().resource("custom:ship"), Blueprint("custom:ship", {}, "id"))
    assert '"custom:ship": {schema_slug: ship}' in guide[0]
    assert "Define Schema for 'ship'" in guide[2]
