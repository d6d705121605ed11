"""Sessions: the only way of a snapshot, and the only one that deletes."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from proofport.accounting import CONFIRMED, NOT_HELD, Tally
from proofport.adapter import Batch, Job, Memory, Mode
from proofport.errors import Blocked, ConfigError, OutcomeUnknown, Retryable, UnsupportedFeature, UsageError
from proofport.testing.adapter_contract import Vendor, drive, json_reply, recorded
from proofport.wire import Call, Reply
from proofport_drata import DrataAdapter, DrataSettings
from proofport_drata.custom import CustomRecords

RESOURCE = "/public/v2/custom-connections/42/resources/7"
OWN = f"pp-{hashlib.sha256(b'prod').hexdigest()[:8]}-"
SESSION = OWN + "run-1"
LOST = OutcomeUnknown("lost")
DONE = json_reply({"sessionId": SESSION, "status": "ACTIVE", "action": "complete"})
CANCELED = json_reply({"sessionId": SESSION, "status": "CANCELLED", "action": "cancel"})
UNKNOWN = json_reply({"message": "Session not found", "code": 4}, 404)
LIES = [
    LOST,
    Reply(200, body=b"<html>Sign in</html>"),
    Reply(200),
    Reply(201, body=b"{}"),
    json_reply({"status": "queued"}, 202),
    json_reply({"statusCode": 500, "error": {"message": "failed"}}),
    json_reply({"sessionId": SESSION, "status": "IN_PROGRESS"}),
    json_reply({"sessionId": "another", "status": "ACTIVE"}),
    json_reply({"sessionId": "another", "status": "CANCELED"}),
]
"""Answers to an action that read as success, and do not say that it was done."""
MEMORY: Memory = {"session": SESSION}


def records(empty_set: str = "refuse") -> CustomRecords:
    objects = {"cloud_resource": {"connection_id": 42, "resource_id": 7, "empty_set": empty_set}}
    settings = DrataSettings.model_validate({"region": "us", "api_key": "key", "objects": objects})
    found = DrataAdapter(settings).resource("cloud_resource")
    assert isinstance(found, CustomRecords)
    return found


RECORDS = records()


def job(mode: Mode = "snapshot", run: str = "run-1") -> Job:
    return Job(run, "prod", "cloud_resource", mode)


def listing(*sessions: tuple[str, str], cursor: str | None = None) -> Reply:
    """Rows carry a short numeric `id`, too, which is no session id."""
    rows = [{"id": 900 + n, "sessionId": session, "status": status} for n, (session, status) in enumerate(sessions)]
    return json_reply({"data": rows, "pagination": {"cursor": cursor}})


def ended(session: str) -> Reply:
    return json_reply({"sessionId": OWN + session, "status": "CANCELED", "action": "cancel"})


def asked(vendor: Vendor) -> list[tuple[str, str]]:
    return [(call.method, call.path.removeprefix(RESOURCE)) for call in vendor.calls]


def action(call: Call) -> Any:
    return json.loads(call.body or b"null")


def tally(delivered: int) -> Tally:
    counts = Tally()
    counts.add([CONFIRMED] * delivered)
    return counts


# ---------------------------------------------------------------------- open
def test_opening_chooses_an_id_and_sends_nothing_but_the_look_around() -> None:
    vendor = recorded(listing((OWN + "old", "ACTIVE"), ("someone", "CANCELED"), ("nightly", "ARCHIVED")))
    assert drive(RECORDS.open(job(), {}), vendor) == {"session": SESSION}
    assert asked(vendor) == [("GET", "/sessions")]
    assert vendor.calls[0].query == (("size", "500"), ("includeTotalCount", "true")), (
        "the vendor ignores its own status filter"
    )


def test_a_session_that_an_earlier_run_left_open_is_cancelled_by_its_session_id() -> None:
    vendor = recorded(listing((OWN + "a", "CANCELED"), cursor="2"), listing((OWN + "b", "IN_PROGRESS")), ended("b"))
    drive(RECORDS.open(job(), {}), vendor)
    assert asked(vendor) == [("GET", "/sessions"), ("GET", "/sessions"), ("POST", f"/sessions/{OWN}b/actions")]
    assert vendor.calls[1].query == (("size", "500"), ("cursor", "2"))
    cancel = vendor.calls[2]
    assert (action(cancel), cancel.lost, cancel.destructive) == ({"action": "cancel"}, "ask", False)


@pytest.mark.parametrize("mode", ["snapshot", "upsert", "remove", "patch"])
def test_anothers_open_session_is_reported_and_not_touched(mode: Mode) -> None:
    vendor = recorded(listing((OWN + "mine", "IN_PROGRESS"), ("nightly-import", "IN_PROGRESS")))
    with pytest.raises(Blocked, match="nightly-import") as raised:
        drive(RECORDS.open(job(mode), {}), vendor)
    assert "cancel that session" in (raised.value.hint or "")
    assert asked(vendor) == [("GET", "/sessions")]


def test_a_prefix_of_another_instance_is_anothers() -> None:
    other = f"pp-{hashlib.sha256(b'staging').hexdigest()[:8]}-run-9"
    with pytest.raises(Blocked, match=other):
        drive(RECORDS.open(job(), {}), recorded(listing((other, "IN_PROGRESS"))))


def test_a_resumed_run_keeps_its_own_session() -> None:
    vendor = recorded(listing((SESSION, "IN_PROGRESS")))
    assert drive(RECORDS.open(job(), dict(MEMORY)), vendor) == MEMORY
    assert len(vendor.calls) == 1


def test_a_resumed_run_whose_session_was_cancelled_meanwhile_stages_in_another() -> None:
    vendor = recorded(listing((SESSION, "CANCELED")))
    assert drive(RECORDS.open(job(), dict(MEMORY)), vendor) == {"session": f"{SESSION}-2"}
    vendor = recorded(listing((SESSION, "CANCELED"), (f"{SESSION}-2", "CANCELED")))
    assert drive(RECORDS.open(job(), {"session": f"{SESSION}-2"}), vendor) == {"session": f"{SESSION}-3"}


def test_a_resumed_run_whose_session_is_not_listed_stages_everything_in_another() -> None:
    """Drata would open an unknown one anew with the rest of the set alone, or the list is cut short and it is open."""
    vendor = recorded(listing((OWN + "old", "ACTIVE")), UNKNOWN, listing())
    assert drive(RECORDS.open(job(), dict(MEMORY)), vendor) == {"session": f"{SESSION}-2"}
    assert asked(vendor)[1] == ("POST", f"/sessions/{SESSION}/actions")
    vendor = recorded(listing(), CANCELED)
    assert drive(RECORDS.open(job(), dict(MEMORY)), vendor) == {"session": f"{SESSION}-2"}
    vendor = recorded(listing(), *[Reply(200, body=b"<html>"), listing((SESSION, "IN_PROGRESS"))] * 3)
    with pytest.raises(Retryable, match="the next push cancels it first"):
        drive(RECORDS.open(job(), dict(MEMORY)), vendor)


def test_a_list_that_is_shorter_than_it_says_is_an_error() -> None:
    rows = [{"id": 1, "sessionId": OWN + "a", "status": "CANCELED"}]
    short = json_reply({"data": rows, "pagination": {"cursor": None, "totalCount": 2}})
    with pytest.raises(Retryable, match="1 of 2"):
        drive(RECORDS.open(job(), {}), recorded(short))


def test_a_list_that_repeats_its_pages_under_new_cursors_is_an_error() -> None:
    pages = [listing((OWN + "a", "CANCELED"), cursor=str(number)) for number in range(3)]
    with pytest.raises(Retryable, match="goes round, and repeats a page"):
        drive(RECORDS.open(job(), {}), recorded(*pages))


def test_direct_writes_wait_for_no_open_session_of_ours() -> None:
    vendor = recorded(listing((OWN + "stale", "IN_PROGRESS")), ended("stale"))
    assert drive(RECORDS.open(job("upsert"), {}), vendor) == {}
    assert action(vendor.calls[1]) == {"action": "cancel"}


@pytest.mark.parametrize("mode", ["snapshot", "upsert", "remove"])
def test_a_resource_that_is_not_there_stops_a_run_before_it_begins(mode: Mode) -> None:
    """A removal takes 404 for "gone already". With a wrong resource, everything would seem to be gone."""
    with pytest.raises(ConfigError, match="no such resource"):
        drive(RECORDS.open(job(mode), {}), recorded(json_reply({"message": "no such resource", "code": 5}, 404)))


def test_a_cursor_that_goes_round_is_an_error() -> None:
    with pytest.raises(Retryable, match="repeats"):
        drive(RECORDS.open(job(), {}), recorded(listing(cursor="a"), listing(cursor="b"), listing(cursor="a")))


@pytest.mark.parametrize("run", ["run 1", "x" * 60, "läuft"])
def test_a_run_id_that_cannot_name_a_session_is_refused_before_any_call(run: str) -> None:
    with pytest.raises(UsageError):
        drive(RECORDS.open(job(run=run), {}), recorded())


# ---------------------------------------------------------------------- stage
def test_records_are_staged_under_the_session() -> None:
    vendor = recorded(json_reply([{"id": "a"}], 201))
    assert drive(RECORDS.send(job(), MEMORY, Batch(["a"], [b'{"id":"a"}'], [1])), vendor) == [CONFIRMED]
    assert asked(vendor) == [("POST", f"/sessions/{SESSION}")]
    assert vendor.calls[0].body == b'{"data":[{"id":"a"}]}'
    assert not vendor.calls[0].destructive


@pytest.mark.parametrize("status", [409, 422])
def test_a_session_that_another_program_crossed_stops_the_run(status: int) -> None:
    answer = json_reply({"name": "Conflict", "message": "session not open", "code": 9}, status)
    with pytest.raises(Blocked, match="session not open"):
        drive(RECORDS.send(job(), MEMORY, Batch(["a"], [b'{"id":"a"}'], [1])), recorded(answer))


# ---------------------------------------------------------------------- complete
def test_completing_is_one_destructive_call() -> None:
    vendor = recorded(DONE)
    drive(RECORDS.complete(job(), MEMORY, tally(3)), vendor)
    (call,) = vendor.calls
    assert (call.path, action(call)) == (f"{RESOURCE}/sessions/{SESSION}/actions", {"action": "complete"})
    assert (call.lost, call.destructive) == ("ask", True)


def test_an_empty_session_is_never_completed() -> None:
    vendor = recorded()
    with pytest.raises(UnsupportedFeature) as raised:
        drive(RECORDS.complete(job(), MEMORY, tally(0)), vendor)
    assert "--mode remove" in (raised.value.hint or "")
    assert vendor.calls == []


@pytest.mark.parametrize(
    "lost", [LOST, json_reply({"message": "?", "code": 1}, 409), json_reply({"message": "?", "code": 1}, 422)]
)
def test_after_a_lost_answer_an_active_session_is_done(lost: Reply | OutcomeUnknown) -> None:
    vendor = recorded(lost, listing(("other", "ARCHIVED"), (SESSION, "ACTIVE")))
    drive(RECORDS.complete(job(), MEMORY, tally(3)), vendor)
    assert [call.operation for call in vendor.calls] == ["complete_session", "list_sessions"]


def test_after_a_lost_answer_an_open_session_is_completed_again() -> None:
    vendor = recorded(LOST, listing((SESSION, "IN_PROGRESS")), DONE)
    drive(RECORDS.complete(job(), MEMORY, tally(3)), vendor)
    assert [call.operation for call in vendor.calls] == ["complete_session", "list_sessions", "complete_session"]


@pytest.mark.parametrize("lie", LIES)
def test_a_completion_that_is_not_said_to_be_done_is_looked_up(lie: Reply | OutcomeUnknown) -> None:
    vendor = recorded(lie, listing((SESSION, "IN_PROGRESS")), lie, listing((SESSION, "ACTIVE")))
    drive(RECORDS.complete(job(), MEMORY, tally(3)), vendor)
    assert [call.operation for call in vendor.calls] == ["complete_session", "list_sessions"] * 2


@pytest.mark.parametrize("lie", LIES)
def test_completing_is_not_repeated_for_ever(lie: Reply | OutcomeUnknown) -> None:
    still_open = listing((SESSION, "IN_PROGRESS"))
    with pytest.raises(Retryable, match="still open"):
        drive(RECORDS.complete(job(), MEMORY, tally(3)), recorded(*[lie, still_open] * 3))


@pytest.mark.parametrize("status", ["CANCELED", "CANCELLED", "ARCHIVED", None])
def test_a_session_that_somebody_ended_is_not_reported_as_completed(status: str | None) -> None:
    found = listing((SESSION, status)) if status else listing()
    with pytest.raises(Blocked, match="CANCELED" if status == "CANCELLED" else status or "not listed"):
        drive(RECORDS.complete(job(), MEMORY, tally(3)), recorded(LOST, found))


def test_a_refusal_to_complete_an_open_session_keeps_the_vendors_words() -> None:
    refusal = json_reply({"name": "X", "message": "Cannot complete a session with no data records", "code": 4}, 422)
    with pytest.raises(Blocked, match="no data records"):
        drive(RECORDS.complete(job(), MEMORY, tally(1)), recorded(refusal, listing((SESSION, "IN_PROGRESS"))))


def test_an_empty_set_is_refused_unless_the_configuration_means_it() -> None:
    assert records().empty_set == "refuse"
    assert records("delete_all").empty_set == "end"


def test_the_records_of_an_empty_set_are_deleted_one_by_one() -> None:
    vendor = recorded(Reply(204), json_reply({"message": "gone"}, 404))
    batch = Batch(["a", "b"], [b"", b""], [0, 1])
    assert drive(records("delete_all").end(job(), MEMORY, batch), vendor) == [CONFIRMED, NOT_HELD]
    assert asked(vendor) == [("DELETE", "/records/a"), ("DELETE", "/records/b")]
    assert all(call.destructive for call in vendor.calls)


# ---------------------------------------------------------------------- cancel
def test_aborting_looks_first_and_cancels_what_is_open() -> None:
    vendor = recorded(listing((SESSION, "IN_PROGRESS")), CANCELED)
    drive(RECORDS.cancel(job(), MEMORY), vendor)
    assert asked(vendor) == [("GET", "/sessions"), ("POST", f"/sessions/{SESSION}/actions")]
    assert action(vendor.calls[1]) == {"action": "cancel"}


@pytest.mark.parametrize("status", ["CANCELED", "ACTIVE", "ARCHIVED"])
def test_there_is_nothing_to_cancel_in_a_session_that_is_not_open(status: str) -> None:
    vendor = recorded(listing((SESSION, status)))
    drive(RECORDS.cancel(job(), MEMORY), vendor)
    assert asked(vendor) == [("GET", "/sessions")]


@pytest.mark.parametrize("found", [listing(), listing((OWN + "other", "IN_PROGRESS"))])
def test_a_session_that_the_list_lacks_is_cancelled_all_the_same(found: Reply) -> None:
    """The list may be cut short. It is believed beside Drata's refusal, and not beside a page."""
    vendor = recorded(found, CANCELED)
    drive(RECORDS.cancel(job(), MEMORY), vendor)
    assert vendor.calls[-1].operation == "cancel_session"
    drive(RECORDS.cancel(job(), MEMORY), recorded(found, UNKNOWN, found))
    with pytest.raises(Retryable):
        drive(RECORDS.cancel(job(), MEMORY), recorded(found, *[Reply(200, body=b"<html>"), found] * 3))


def test_a_run_that_never_opened_has_nothing_to_abort() -> None:
    drive(RECORDS.cancel(job(), {}), recorded())


@pytest.mark.parametrize("lost", [*LIES, UNKNOWN, json_reply({}, 409), json_reply({}, 422)])
def test_after_a_lost_answer_cancelling_looks_before_it_repeats(lost: Reply | OutcomeUnknown) -> None:
    is_open = listing((SESSION, "IN_PROGRESS"))
    vendor = recorded(is_open, lost, is_open, CANCELED)
    drive(RECORDS.cancel(job(), MEMORY), vendor)
    assert [call.operation for call in vendor.calls] == ["list_sessions", "cancel_session"] * 2
    vendor = recorded(is_open, lost, listing((SESSION, "CANCELED")))
    drive(RECORDS.cancel(job(), MEMORY), vendor)
    assert vendor.calls[-1].operation == "list_sessions"


def test_cancelling_is_not_repeated_for_ever() -> None:
    is_open = listing((SESSION, "IN_PROGRESS"))
    with pytest.raises(Retryable, match="the next push cancels it first"):
        drive(RECORDS.cancel(job(), MEMORY), recorded(is_open, LOST, is_open, LOST, is_open, LOST, is_open))
