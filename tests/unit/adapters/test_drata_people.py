"""People of an HRIS connection: verdicts by place, and a separation date that is written once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proofport.accounting import CONFIRMED, NOT_HELD, UNCHANGED, Outcome, Status
from proofport.adapter import Batch, Job, Mode
from proofport.errors import Retryable, UnsupportedFeature
from proofport.testing.adapter_contract import Vendor, drive, json_reply, recorded
from proofport.wire import Call, Reply
from proofport_drata import DrataAdapter, DrataSettings
from proofport_drata.hris import FEW, HrisPeople
from proofport_drata.identity_provider import IdentityProvider

PEOPLE = "/public/v2/custom-connections/6/hris-user-identities"
OLD, NEW = "2026-01-01T00:00:00.000Z", "2026-02-02T00:00:00Z"
OF_THE_RUN = "2026-02-02T02:40:00Z"
"""The day of a run, as `job` begins it."""


def people() -> HrisPeople:
    found = adapter().resource("person")
    assert isinstance(found, HrisPeople)
    return found


def provider() -> IdentityProvider:
    found = adapter(idp_connection_id=9).resource("person")
    assert isinstance(found, IdentityProvider)
    return found


def adapter(**person: Any) -> DrataAdapter:
    settings = {"region": "us", "api_key": "key", "objects": {"person": person or {"connection_id": 6}}}
    return DrataAdapter(DrataSettings.model_validate(settings))


def job(mode: Mode = "upsert") -> Job:
    return Job("run-1", "prod", "person", mode, started=1_770_000_000.0)


def batch(*people: tuple[str, str | None], observed: tuple[float, ...] = ()) -> Batch:
    items = [
        json.dumps({"identityId": key, "separatedAt": date}, separators=(",", ":")).encode() for key, date in people
    ]
    return Batch([key for key, _ in people], items, range(len(people)), observed)


def send(vendor: Vendor, given: Batch, mode: Mode = "upsert") -> list[Outcome]:
    return drive(people().send(job(mode), {}, given), vendor)


def row(person: str, date: str | None) -> dict[str, Any]:
    return {"statusCode": 200, "data": {"identityId": person, "separatedAt": date}}


def held(person: str, date: str | None) -> Reply:
    return json_reply({"id": 1, "identityId": person, "separatedAt": date})


NOTHING_CHANGED = {"statusCode": 200, "data": None}
REFUSED = {"statusCode": 400, "data": None, "error": {"message": "email must be an email"}}


def bodies(vendor: Vendor) -> list[Any]:
    return [json.loads(call.body) for call in vendor.calls if call.body]


def test_a_batch_is_one_bare_array() -> None:
    vendor = recorded(json_reply([row("a", None), row("b", None)], 201))
    assert send(vendor, batch(("a", None), ("b", None))) == [CONFIRMED, CONFIRMED]
    (call,) = vendor.calls
    assert (call.method, call.path, call.destructive) == ("POST", PEOPLE, False)
    assert [each["identityId"] for each in bodies(vendor)[0]] == ["a", "b"]


def test_each_item_has_its_own_verdict_by_place() -> None:
    vendor = recorded(json_reply([row("a", None), REFUSED, NOTHING_CHANGED], 207))
    good, bad, same = send(vendor, batch(("a", None), ("b", None), ("c", None)))
    assert (good, same) == (CONFIRMED, UNCHANGED)
    assert bad.status is Status.REJECTED
    assert bad.problem is not None
    assert bad.problem.vendor_message == "email must be an email"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param([row("b", None), row("a", None)], id="in another order"),
        pytest.param([row("a", None), REFUSED, row("b", None)], id="of another length"),
    ],
)
def test_an_answer_that_is_not_in_order_is_read_by_id_alone(answer: list[Any]) -> None:
    assert send(recorded(json_reply(answer, 207)), batch(("a", None), ("b", None))) == [CONFIRMED, CONFIRMED]


def test_what_the_answer_does_not_name_is_unknown() -> None:
    found = send(recorded(json_reply([row("b", None), REFUSED], 207)), batch(("a", None), ("b", None)))
    assert [outcome.status for outcome in found] == [Status.UNKNOWN, Status.DELIVERED]


@pytest.mark.parametrize(
    "result", [{"statusCode": 200}, {"data": None}, {"statusCode": 202, "data": None}, {"ok": True}, None]
)
def test_a_result_that_says_nothing_about_a_person_is_no_success(result: object) -> None:
    (outcome,) = send(recorded(json_reply([result])), batch(("a", None)))
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, "no_verdict")


class TestSeparation:
    """Drata ignores another date silently; null, then the date, in two requests changes it."""

    def test_a_date_that_was_ignored_is_cleared_and_set(self) -> None:
        vendor = recorded(
            json_reply([row("a", OLD)]),
            json_reply([row("a", None)]),
            json_reply([row("a", "2026-02-02T00:00:00.000Z")]),
        )
        assert send(vendor, batch(("a", NEW))) == [CONFIRMED]
        assert bodies(vendor)[1:] == [
            [{"identityId": "a", "separatedAt": None}],
            [{"identityId": "a", "separatedAt": NEW}],
        ]

    def test_nothing_changed_may_mean_that_the_date_was_ignored(self) -> None:
        vendor = recorded(
            json_reply([NOTHING_CHANGED]), held("a", OLD), json_reply([row("a", None)]), json_reply([row("a", NEW)])
        )
        assert send(vendor, batch(("a", NEW))) == [CONFIRMED]
        assert vendor.calls[1].path == PEOPLE + "/identity-id:a"

    def test_the_same_moment_is_not_corrected_however_it_is_spelled(self) -> None:
        vendor = recorded(json_reply([NOTHING_CHANGED]), held("a", "2026-02-02T01:00:00.000+01:00"))
        assert send(vendor, batch(("a", NEW))) == [UNCHANGED]

    def test_only_those_whose_date_differs_are_corrected(self) -> None:
        first = json_reply([row("a", NEW), row("b", OLD), row("c", None), REFUSED], 207)
        vendor = recorded(first, json_reply([row("b", None)]), json_reply([row("b", NEW)]))
        found = send(vendor, batch(("a", NEW), ("b", NEW), ("c", None), ("d", NEW)))
        assert [outcome.status.value for outcome in found] == ["delivered", "delivered", "delivered", "rejected"]
        assert [[each["identityId"] for each in body] for body in bodies(vendor)[1:]] == [["b"], ["b"]]

    def test_a_date_that_still_is_not_stored_is_unknown(self) -> None:
        vendor = recorded(json_reply([row("a", OLD)]), json_reply([row("a", None)]), json_reply([row("a", OLD)]))
        (outcome,) = send(vendor, batch(("a", NEW)))
        assert (outcome.status, outcome.reason) == (Status.UNKNOWN, "separation_date")

    def test_who_could_not_be_cleared_is_not_set(self) -> None:
        vendor = recorded(json_reply([row("a", OLD)]), json_reply([REFUSED], 207))
        (outcome,) = send(vendor, batch(("a", NEW)))
        assert outcome.status is Status.REJECTED
        assert len(vendor.calls) == 2

    def test_many_are_read_back_through_the_list(self) -> None:
        people = [f"p{number}" for number in range(FEW + 1)]

        def answer(call: Call) -> Reply:
            if call.method == "GET":
                rows = [{"identityId": each, "separatedAt": NEW} for each in people]
                return json_reply({"data": rows, "pagination": {"cursor": None}})
            return json_reply([NOTHING_CHANGED] * len(people))

        vendor = Vendor(answer)
        assert send(vendor, batch(*((each, NEW) for each in people))) == [UNCHANGED] * len(people)
        assert [call.operation for call in vendor.calls] == ["upsert_hris_identities", "list_hris_identities"]

    def test_a_person_without_a_date_costs_no_further_request(self) -> None:
        assert send(recorded(json_reply([row("a", OLD)])), batch(("a", None))) == [CONFIRMED]


def removals(*people: tuple[str, Any], observed: tuple[float, ...] = ()) -> Batch:
    """Removals as the source gave them. A date of "" stands for none."""
    bodies = [json.dumps({"id": key} | ({} if date == "" else {"separated_at": date})).encode() for key, date in people]
    return Batch([key for key, _ in people], bodies, range(len(people)), observed)


class TestRemoval:
    def test_who_works_here_gets_the_date_and_nobody_is_deleted(self) -> None:
        vendor = recorded(
            held("here", None),
            held("left", OLD),
            json_reply({"message": "Identity not found", "code": 4}, 404),
            json_reply([row("here", OF_THE_RUN)]),
        )
        found = send(vendor, removals(("here", ""), ("left", ""), ("nobody", "")), "remove")
        assert found == [CONFIRMED, UNCHANGED, NOT_HELD]
        assert bodies(vendor) == [[{"identityId": "here", "separatedAt": OF_THE_RUN}]]
        assert [call.destructive for call in vendor.calls] == [False, False, False, True]

    def test_the_day_is_when_the_source_had_looked_where_that_is_known(self) -> None:
        vendor = recorded(held("a", None), json_reply([row("a", "2025-10-09T08:53:20Z")]))
        send(vendor, removals(("a", ""), observed=(1_760_000_000.0,)), "remove")
        assert bodies(vendor)[0][0]["separatedAt"] == "2025-10-09T08:53:20Z"

    def test_the_day_that_a_removal_names_goes_first(self) -> None:
        vendor = recorded(held("a", None), json_reply([row("a", NEW)]))
        send(vendor, removals(("a", NEW), observed=(1_760_000_000.0,)), "remove")
        assert bodies(vendor)[0][0]["separatedAt"] == NEW

    @pytest.mark.parametrize("date", [None, ""])
    def test_an_empty_day_is_none(self, date: str | None) -> None:
        vendor = recorded(held("a", None), json_reply([row("a", OF_THE_RUN)]))
        send(vendor, Batch(["a"], [json.dumps({"id": "a", "separated_at": date}).encode()], [0]), "remove")
        assert bodies(vendor)[0][0]["separatedAt"] == OF_THE_RUN

    def test_another_day_than_the_stored_one_is_cleared_and_set(self) -> None:
        vendor = recorded(held("a", OLD), json_reply([row("a", None)]), json_reply([row("a", NEW)]))
        assert send(vendor, removals(("a", NEW)), "remove") == [CONFIRMED]
        assert [body[0]["separatedAt"] for body in bodies(vendor)] == [None, NEW]

    def test_who_is_gone_from_a_set_gets_the_day_of_the_run(self) -> None:
        vendor = recorded(held("a", None), json_reply([row("a", OF_THE_RUN)]))
        assert drive(people().end(job("snapshot"), {}, Batch(["a"], [b""], [0])), vendor) == [CONFIRMED]
        assert people().ends == "always"
        assert bodies(vendor)[0][0]["separatedAt"] == OF_THE_RUN
        assert vendor.calls[-1].destructive

    def test_nobody_to_separate_means_nothing_is_written(self) -> None:
        vendor = recorded(held("a", OLD))
        assert send(vendor, removals(("a", "")), "remove") == [UNCHANGED]

    @pytest.mark.parametrize("answer", [NOTHING_CHANGED, row("a", None), row("a", OLD)])
    def test_who_is_not_shown_with_the_date_is_not_said_to_have_left(self, answer: dict[str, Any]) -> None:
        (outcome,) = send(recorded(held("a", None), json_reply([answer])), removals(("a", "")), "remove")
        assert (outcome.status, outcome.reason) == (Status.UNKNOWN, "separation_date")

    def test_an_answer_about_somebody_else_is_not_believed(self) -> None:
        with pytest.raises(Retryable, match="another person"):
            send(recorded(held("b", OLD)), removals(("a", "")), "remove")

    def test_whom_a_list_lacks_is_asked_for_before_nobody_is_said_to_be_there(self) -> None:
        people = [f"p{number}" for number in range(FEW + 1)]

        def answer(call: Call) -> Reply:
            if call.operation == "list_hris_identities":
                rows = [{"identityId": each, "separatedAt": OLD} for each in people[1:]]
                return json_reply({"data": rows, "pagination": {"cursor": None}})
            return held("p0", OLD)

        assert send(Vendor(answer), removals(*((each, "") for each in people)), "remove") == [UNCHANGED] * len(people)

    def test_an_id_keeps_to_its_segment_of_the_path(self) -> None:
        vendor = recorded(json_reply({}, 404))
        send(vendor, removals(("a/../b c:%", "")), "remove")
        assert vendor.calls[0].path == PEOPLE + "/identity-id:a%2F..%2Fb%20c%3A%25"


def test_what_is_held_is_read_with_those_who_left_marked() -> None:
    rows = [{"id": 1, "identityId": "a", "separatedAt": OLD, "email": None}, {"identityId": "b", "separatedAt": None}]
    page = drive(people().page(None), recorded(json_reply({"data": rows, "pagination": {"cursor": "x"}})))
    assert [(each.id, each.ended) for each in page.records] == [("a", True), ("b", False)]
    assert page.records[0].fields == {"identityId": "a", "separatedAt": "2026-01-01T00:00:00Z", "email": None}
    assert page.cursor == "x"


def test_a_person_without_an_id_in_the_list_cannot_be_relied_on() -> None:
    with pytest.raises(Retryable, match="without identityId"):
        drive(people().page(None), recorded(json_reply({"data": [{}], "pagination": {"cursor": None}})))


class TestIdentityProvider:
    def test_the_list_is_one_request_and_nobody_is_confirmed(self) -> None:
        vendor = recorded(json_reply({}))
        found = drive(provider().replace(job("snapshot"), {}, batch(("a", None)), ()), vendor)
        assert [(each.status.value, each.assurance) for each in found] == [("delivered", "accepted")]
        (call,) = vendor.calls
        assert (call.method, call.path, call.destructive) == ("PUT", "/public/connections/9/upload/json", True)
        assert list(json.loads(call.body or b"")) == ["personnelData"]

    @pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b'{"error":"failed"}'])
    def test_only_an_empty_object_says_that_it_was_taken(self, body: bytes) -> None:
        vendor = recorded(Reply(200, body=body))
        (outcome,) = drive(provider().replace(job("snapshot"), {}, batch(("a", None)), ()), vendor)
        assert (outcome.status, outcome.reason) == (Status.UNKNOWN, "no_verdict")

    @pytest.mark.parametrize("mode", ["upsert", "patch", "remove"])
    def test_it_is_a_whole_list_or_nothing(self, mode: Mode) -> None:
        with pytest.raises(UnsupportedFeature, match="only as a whole list"):
            provider().limits(mode)
        with pytest.raises(UnsupportedFeature, match="only as a whole set"):
            drive(provider().send(job(mode), {}, batch(("a", None))), recorded())
        assert provider().limits("snapshot").max_records > 1000
        assert provider().keeps_gone == 0

    def test_it_is_found_in_the_list_of_the_first_version(self) -> None:
        pages = [{"data": [{"id": 1}], "total": 2}, {"data": [{"id": 9, "clientType": "CSV_IDP"}], "total": 2}]
        empty = json_reply({"data": [], "pagination": {"cursor": None}})
        findings = drive(adapter(idp_connection_id=9).check(), recorded(empty, *map(json_reply, pages)))
        assert [each.ok for each in findings] == [True, True]
        assert "CSV_IDP" in findings[1].detail

    def test_settings_take_one_of_the_two(self) -> None:
        for person in ({"connection_id": 6, "idp_connection_id": 9}, {"mapping": "x"}):
            with pytest.raises(ValueError, match="either connection_id or"):
                adapter(**person)
        with pytest.raises(ValueError, match=r"objects\.device"):
            DrataSettings.model_validate(
                {"region": "us", "api_key": "k", "objects": {"device": {"idp_connection_id": 9}}}
            )
