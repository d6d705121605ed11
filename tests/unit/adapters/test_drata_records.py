"""Uploads to Drata: the answer is read item by item, and what it does not say is not delivered."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proofport.accounting import CONFIRMED, NOT_HELD, Outcome, Status
from proofport.adapter import Batch, Job, Mode
from proofport.errors import Blocked, ConfigError, ProofportError, Retryable, TooLarge, UnsupportedFeature
from proofport.testing.adapter_contract import Vendor, drive, json_reply, recorded
from proofport.wire import Reply
from proofport_drata import DrataAdapter, DrataSettings
from proofport_drata.custom import CustomRecords

RECORDS = "/public/v2/custom-connections/42/resources/7/records"
REFUSED = 'Schema validation failed for data: [{"":"must have required property \'name\'"}]'


def adapter(**settings: Any) -> DrataAdapter:
    objects = {"cloud_resource": {"connection_id": 42, "resource_id": 7}}
    given = {"region": "us", "api_key": "key", "objects": objects, **settings}
    return DrataAdapter(DrataSettings.model_validate(given))


def resource(**settings: Any) -> CustomRecords:
    found = adapter(**settings).resource("cloud_resource")
    assert isinstance(found, CustomRecords)
    return found


def job(mode: Mode = "upsert") -> Job:
    return Job("run-1", "prod", "cloud_resource", mode)


def batch(*ids: str) -> Batch:
    return Batch(ids, [json.dumps({"id": each}).encode() for each in ids], range(len(ids)))


def send(vendor: Vendor, *ids: str, mode: Mode = "upsert") -> list[Outcome]:
    return drive(resource(allow_assumed=["put_merge"]).send(job(mode), {}, batch(*ids)), vendor)


def statuses(outcomes: list[Outcome]) -> list[str]:
    return [outcome.status.value for outcome in outcomes]


def test_an_upsert_is_one_post_of_an_array() -> None:
    vendor = recorded(json_reply([{"id": "i-1"}, {"id": "i-2"}]))
    assert send(vendor, "i-1", "i-2") == [CONFIRMED, CONFIRMED]
    (call,) = vendor.calls
    assert (call.method, call.path, call.lost, call.destructive) == ("POST", RECORDS, "repeat", False)
    assert call.body == b'{"data":[{"id": "i-1"},{"id": "i-2"}]}'


@pytest.mark.parametrize(
    "error",
    [
        pytest.param({"message": REFUSED, "code": 28022}, id="as the schema says"),
        pytest.param({"error": {"message": REFUSED, "code": 28022}}, id="as the vendor's example nests it"),
    ],
)
def test_an_item_with_an_error_is_rejected_whatever_its_status_code_says(error: dict[str, Any]) -> None:
    bad = {"statusCode": 201, "data": {"id": "i-1"}, "error": error}
    outcomes = send(recorded(json_reply([bad, {"id": "i-2", "statusCode": 201}])), "i-1", "i-2")
    assert statuses(outcomes) == ["rejected", "delivered"]
    problem = outcomes[0].problem
    assert problem is not None
    assert problem.vendor_message == f"{REFUSED} (code 28022)"
    assert problem.expected == "must have required property 'name'"


def test_the_field_that_a_schema_refuses_is_named() -> None:
    message = 'Schema validation failed for data: [{"/owner/email":"must be string"}]'
    (outcome,) = send(recorded(json_reply([{"id": "a", "error": {"message": message, "code": 28022}}])), "a")
    assert outcome.problem is not None
    assert outcome.problem.field == "owner.email"


@pytest.mark.parametrize(
    "error", [{}, "no", [], False, {"error": None}, {"message": 5, "code": 28022}, {"code": 28022}]
)
def test_an_error_of_any_shape_is_a_rejection(error: object) -> None:
    assert statuses(send(recorded(json_reply([{"id": "a", "error": error}])), "a")) == ["rejected"]


def test_items_in_another_order_reach_their_records() -> None:
    answer = [{"id": "b"}, {"data": {"id": "a"}, "error": {"message": "no", "code": 1}}]
    assert statuses(send(recorded(json_reply(answer)), "a", "b")) == ["rejected", "delivered"]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(json_reply([{"id": "a"}]), id="too short"),
        pytest.param(json_reply([{"id": "a"}, {"id": "c"}]), id="another record's"),
        pytest.param(json_reply([{"id": "a"}, {}]), id="an empty item"),
        pytest.param(json_reply([{"id": "a"}, None]), id="no item"),
        pytest.param(json_reply({"id": "a"}), id="a single result"),
        pytest.param(json_reply([{"id": "a"}, {"statusCode": 201}, {"statusCode": 201}]), id="too long to go by place"),
    ],
)
def test_a_record_without_a_result_is_unknown(answer: Reply) -> None:
    outcomes = send(recorded(answer), "a", "b")
    assert statuses(outcomes) == ["delivered", "unknown"]
    assert outcomes[1].reason == "no_verdict"


@pytest.mark.parametrize("body", [b"", b"<html>", b"null", b"7", b"[]"])
def test_a_success_without_results_delivers_nothing(body: bytes) -> None:
    assert statuses(send(recorded(Reply(201, body=body)), "a", "b")) == ["unknown", "unknown"]


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "maintenance"},
        {"statusCode": 500, "message": "internal failure"},
        {"id": "a", "statusCode": 500, "message": "internal failure"},
        {"id": "z", "statusCode": 201},
        [{"statusCode": 201}],
        [{"ok": False, "statusCode": 500}],
    ],
)
def test_only_a_result_that_names_the_record_is_about_it(answer: object) -> None:
    """As long an answer as the upload, too: any JSON object would look like a result without an id."""
    (outcome,) = send(recorded(json_reply(answer)), "a")
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, "no_verdict")


def test_an_error_that_names_no_record_is_told_and_rejects_nobody() -> None:
    results = [{"id": "b"}, {"statusCode": 400, "error": {"message": "no", "code": 7}}]
    good, other = send(recorded(json_reply(results)), "b", "a")
    assert (good.status, other.status) == (Status.DELIVERED, Status.UNKNOWN)
    assert other.problem is not None
    assert other.problem.vendor_message == "no (code 7)"


def test_an_id_that_comes_back_as_a_number_names_its_record() -> None:
    results = [{"id": 2, "error": {"message": "no"}}, {"id": 1}]
    assert statuses(send(recorded(json_reply(results)), "1", "2")) == ["delivered", "rejected"]


ITEM = st.fixed_dictionaries(
    {},
    optional={"id": st.sampled_from("abcx"), "data": st.none() | st.just({"id": "b"}), "error": st.just({"code": 1})},
)


@example([{"id": "a", "error": {"code": 1}}, {"id": "a"}])
@given(st.lists(st.none() | st.integers() | ITEM, max_size=5))
def test_any_answer_gives_one_outcome_a_record_and_an_error_is_never_a_delivery(answer: list[Any]) -> None:
    outcomes = send(recorded(json_reply(answer)), "a", "b", "c")
    assert len(outcomes) == 3
    refused = {item.get("id") for item in answer if isinstance(item, dict) and "error" in item}
    for record, outcome in zip("abc", outcomes, strict=True):
        assert record not in refused or outcome.status is Status.REJECTED


def test_a_malformed_upload_rejects_its_records_with_the_vendors_words() -> None:
    answer = json_reply({"name": "BadRequest", "statusCode": 400, "message": "id must be a string", "code": 12}, 400)
    outcomes = send(recorded(answer), "a", "b")
    assert statuses(outcomes) == ["rejected", "rejected"]
    assert outcomes[0].problem is not None
    assert outcomes[0].problem.vendor_message == "id must be a string (HTTP 400, code 12)"


@pytest.mark.parametrize(
    ("status", "expected", "hint"),
    [
        (401, Blocked, "api_key"),
        (402, Blocked, "Custom Connections and Tests"),
        (403, Blocked, "Custom Connections Data: Create Custom Connection Data"),
        (412, Blocked, "terms"),
        (404, ConfigError, "connection_id"),
        (302, ConfigError, "base_url"),
        (413, TooLarge, None),
    ],
)
def test_each_status_says_what_to_do(status: int, expected: type[ProofportError], hint: str | None) -> None:
    answer = json_reply(
        {"statusCode": status, "message": "the vendor's words", "code": 12300, "debugInfo": None}, status
    )
    with pytest.raises(expected) as raised:
        send(recorded(answer), "a")
    assert "the vendor's words" in raised.value.message
    assert "12300" in raised.value.message
    assert hint is None or hint in (raised.value.hint or "")


# ---------------------------------------------------------------------- one by one
@pytest.mark.parametrize(
    ("record", "segment"),
    [("i-1", "i-1"), ("arn:aws:s3:::a/b", "arn%3Aaws%3As3%3A%3A%3Aa%2Fb"), ("é ?#%", "%C3%A9%20%3F%23%25")],
)
def test_a_removal_addresses_the_record_and_nothing_else(record: str, segment: str) -> None:
    vendor = recorded(Reply(204))
    assert send(vendor, record, mode="remove") == [CONFIRMED]
    (call,) = vendor.calls
    assert (call.method, call.path, call.destructive) == ("DELETE", f"{RECORDS}/{segment}", True)


@pytest.mark.parametrize("record", [".", "..", "\ud800"])
def test_an_id_that_would_address_something_else_is_not_sent(record: str) -> None:
    vendor = recorded()
    (outcome,) = send(vendor, record, mode="remove")
    assert outcome.status is Status.REJECTED
    assert vendor.calls == []


def test_what_drata_does_not_hold_is_not_said_to_be_removed() -> None:
    assert send(recorded(json_reply({"message": "not found"}, 404)), "a", mode="remove") == [NOT_HELD]


def test_a_patch_puts_one_record_and_an_unknown_one_is_rejected() -> None:
    vendor = recorded(json_reply({"id": "a"}))
    assert send(vendor, "a", mode="patch") == [CONFIRMED]
    assert (vendor.calls[0].method, vendor.calls[0].path) == ("PUT", f"{RECORDS}/a")
    assert vendor.calls[0].body == b'{"data":{"id": "a"}}'
    (outcome,) = send(recorded(json_reply({"message": "not found", "code": 3}, 404)), "b", mode="patch")
    assert outcome.status is Status.REJECTED


@pytest.mark.parametrize("mode", ["remove", "patch"])
@pytest.mark.parametrize(
    "answer", [Reply(200, body=b"<html>"), Reply(200), json_reply({}), json_reply({"statusCode": 500, "error": {}})]
)
def test_a_success_that_is_not_the_documented_answer_is_unknown(mode: Mode, answer: Reply) -> None:
    (outcome,) = send(recorded(answer), "a", mode=mode)
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, "no_verdict")


def test_a_patch_needs_the_assumption_to_be_allowed() -> None:
    with pytest.raises(UnsupportedFeature) as raised:
        resource().limits("patch")
    assert "allow_assumed: [put_merge]" in (raised.value.hint or "")
    assert resource(allow_assumed=["put_merge"]).limits("patch").max_records == 1


# ---------------------------------------------------------------------- reading back
def test_live_records_come_page_by_page() -> None:
    rows = [{"id": "a", "attributes": {"id": "a", "region": None}, "sessionId": None}]
    vendor = recorded(json_reply({"data": rows, "pagination": {"cursor": "next"}}))
    page = drive(resource().page(None), vendor)
    assert [(record.id, record.fields) for record in page.records] == [("a", {"id": "a", "region": None})]
    assert page.cursor == "next"
    assert vendor.calls[0].query == (("size", "500"), ("includeTotalCount", "true"))

    last = recorded(json_reply({"data": [], "pagination": {"cursor": None}}))
    page = drive(resource().page("next"), last)
    assert page.cursor is None
    assert last.calls[0].query == (("size", "500"), ("cursor", "next"))


@pytest.mark.parametrize(
    "answer",
    [
        {"data": []},
        {"data": [], "pagination": {}},
        {"data": [], "pagination": {"cursor": ""}},
        {"data": [], "pagination": {"cursor": "here"}},
        {"data": [], "pagination": {"cursor": 7}},
        {"data": {}, "pagination": {"cursor": None}},
        {"data": [1], "pagination": {"cursor": None}},
        {"data": [{"attributes": {}}], "pagination": {"cursor": None}},
        {"statusCode": 500, "message": "failed"},
        [],
    ],
)
def test_a_list_that_cannot_be_followed_is_an_error_not_the_end(answer: object) -> None:
    with pytest.raises(Retryable):
        drive(resource().page("here"), recorded(json_reply(answer)))
