"""The Vanta adapter, by recorded replies: what it asks, and what it makes of each answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.support.vanta import macos, user_account, windows
from tests.unit.adapters.vanta import HTML, NONE, OK, TIME, accounts, adapter, batch, body_of, of, replaced

from proofport.accounting import ACCEPTED, CONFIRMED, Status
from proofport.adapter import Batch, Job, TokenFlow, Tombstone
from proofport.errors import Blocked, ConfigError, OutcomeUnknown, ProofportError, Retryable, UsageError
from proofport.testing.adapter_contract import drive, json_reply, recorded
from proofport.wire import Reply
from proofport_vanta.answers import vendor_words


# ------------------------------------------------------------------ tokens
def test_a_token_is_asked_for_in_json() -> None:
    auth = adapter().auth
    assert isinstance(auth, TokenFlow)
    vendor = recorded(json_reply({"access_token": "t0ken", "expires_in": 3600, "token_type": "Bearer"}))
    token = drive(auth.mint(), vendor)
    [call] = vendor.calls
    assert (call.method, call.path, call.content_type) == ("POST", "/oauth/token", "application/json")
    assert body_of(call) == {
        "client_id": "vci_1",
        "client_secret": "secret-of-app",
        "scope": "connectors.self:write-resource connectors.self:read-resource",
        "grant_type": "client_credentials",
    }
    assert (dict(token.headers), token.lifetime) == ({"Authorization": "Bearer t0ken"}, 3600.0)


def test_the_owner_of_a_token_is_the_application_at_its_host() -> None:
    scopes = [each.auth.scope for each in (adapter(), adapter(objects={}), adapter(client_id="b"), adapter(gov=True))]
    assert scopes[0] == scopes[1]
    assert len(set(scopes)) == 3
    assert adapter().auth.exclusive


@pytest.mark.parametrize(
    ("changes", "mints"),
    [
        ({}, 5),
        ({"requests_per_minute": 0}, 5),
        ({"requests_per_minute": 0, "base_url": "https://proxy.example.com"}, 5),
        ({"base_url": "http://127.0.0.1:8080"}, 5),
        ({"requests_per_minute": 0, "base_url": "http://127.0.0.1:8080"}, 0),
    ],
)
def test_the_budget_of_tokens_is_off_at_an_emulator_alone(changes: dict[str, Any], mints: int) -> None:
    assert adapter(**changes).auth.mints_per_minute == mints


# ------------------------------------------------------------------ answers to a set
@pytest.mark.parametrize(
    "reply", [OK, json_reply({"results": {"accepted": 2, "rejected": 0}}), json_reply({"results": {"accepted": 2}})]
)
def test_both_answers_accept_a_set(reply: Reply) -> None:
    vendor = recorded(reply, NONE, NONE, NONE)
    assert replaced("personnel_account", accounts("a", "b"), vendor) == [ACCEPTED, ACCEPTED]
    put = vendor.calls[0]
    assert (put.method, put.path, put.destructive) == ("PUT", "/v1/resources/user_account", True)
    assert (put.body or b"").startswith(b'{"resourceId":"acc","resources":[{')
    assert [each.lost for each in vendor.calls] == ["repeat", "skip", "skip", "skip"]


@pytest.mark.parametrize(
    "reply",
    [
        json_reply({"success": False}),
        json_reply({"success": "true"}),
        json_reply({"results": {"accepted": 1, "rejected": 1}}),
        json_reply({"results": {"accepted": 3, "rejected": 0}}),
        json_reply({"results": {"accepted": True, "rejected": 0}}),
        json_reply({"success": True, "results": {"accepted": 0, "rejected": 2}}),
        json_reply({}),
        json_reply([]),
        Reply(200, {"content-type": "text/html"}, HTML),
        Reply(204),
    ],
)
def test_a_success_that_does_not_promise_the_set_is_unknown(reply: Reply) -> None:
    outcomes = replaced("personnel_account", accounts("a", "b"), recorded(reply))
    assert [each.status for each in outcomes] == [Status.UNKNOWN] * 2


def test_a_record_is_confirmed_when_it_is_shown_as_it_was_sent() -> None:
    shown = {**user_account("a", createdTimestamp="2026-01-31T08:00:00.000Z"), "createdAt": TIME, "deletedAt": None}
    other = {**user_account("b", createdTimestamp=TIME, mfaEnabled=False), "deletedAt": None}
    gone = {**user_account("c", createdTimestamp=TIME), "deletedAt": TIME}
    lists = [json_reply({"resources": [shown, other, gone]})] * 3
    outcomes = replaced("personnel_account", accounts("a", "b", "c"), recorded(OK, *lists))
    assert outcomes == [CONFIRMED, ACCEPTED, ACCEPTED]


@pytest.mark.parametrize("look", [OutcomeUnknown("no answer"), Reply(401), Reply(403, body=HTML), json_reply({})])
def test_a_look_that_fails_leaves_the_set_accepted(look: Reply | OutcomeUnknown) -> None:
    vendor = recorded(OK, look)
    assert replaced("personnel_account", accounts("a"), vendor) == [ACCEPTED]
    assert len(vendor.calls) == 2


# ------------------------------------------------------------------ refusals
@pytest.mark.parametrize(
    ("words", "place", "field"),
    [
        ("/1: must have property 'fullName'", 1, "fullName"),
        ("/2/mfaEnabled: must be boolean", 2, "mfaEnabled"),
        ("/0/status: must be equal to one of the allowed values", 0, "status"),
        ("/1/drives/0: must have property 'encrypted'", 1, "drives.0.encrypted"),
        ("Too many fields on resource with uniqueId b (element 1). Extra keys: shoe, hat", 1, "shoe"),
        ("Too many fields on resource with uniqueId c (element 0). Extra keys: shoe", 2, "shoe"),
        ("Duplicate uniqueId b (element 2)", 1, None),
    ],
)
def test_the_record_that_a_refusal_names_is_rejected(words: str, place: int, field: str | None) -> None:
    refusal = json_reply({"error": words}, 400)
    outcomes = replaced("personnel_account", accounts("a", "b", "c"), recorded(refusal))
    assert [each.status for each in outcomes] == [
        Status.REJECTED if index == place else Status.WITHHELD for index in range(3)
    ]
    problem = outcomes[place].problem
    assert problem is not None
    assert (problem.field, problem.vendor_message) == (field, f"{words} (HTTP 400)")
    assert {each.reason for index, each in enumerate(outcomes) if index != place} == {"set_refused"}


@pytest.mark.parametrize(
    "reply",
    [
        json_reply({"error": "no"}, 400),
        json_reply({"error": "/7: must have property 'x'"}, 400),
        json_reply({"error": {"nested": 1}}, 400),
        Reply(400),
    ],
)
def test_a_refusal_that_names_no_record_withholds_all_with_the_words_of_the_vendor(reply: Reply) -> None:
    job, memory = Job("r", "i", "personnel_account", "snapshot"), dict[str, Any]()
    outcomes = drive(of("personnel_account").replace(job, memory, accounts("a", "b"), ()), recorded(reply))
    assert [(each.status, each.reason) for each in outcomes] == [(Status.WITHHELD, "set_refused")] * 2
    [said] = memory["notes"]
    assert said.startswith("Vanta refused the set of user_account acc: found a set of which Vanta does not say")
    assert vendor_words(reply) in said


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(401), Blocked),
        (json_reply({"error": "unauthorized"}, 403), Blocked),
        (Reply(400, {"content-type": "text/html"}, b"<pre>/0: must have property 'fullName'</pre>"), Retryable),
        (Reply(403, {"content-type": "text/html"}, HTML), Retryable),
        (json_reply({"error": "Resource not found"}, 404), ConfigError),
        (Reply(404, {"content-type": "text/html"}, HTML), ConfigError),
        (Reply(308, {"location": "https://api.vanta.com"}), ConfigError),
        (Reply(422), UsageError),
    ],
)
def test_other_answers_are_about_the_destination(reply: Reply, error: type[ProofportError]) -> None:
    with pytest.raises(error) as raised:
        replaced("personnel_account", accounts("a"), recorded(reply))
    assert "Cannot PUT" not in str(raised.value), "a page in HTML is nobody's word"


# ------------------------------------------------------------------ who has left
def test_who_has_left_follows_the_set() -> None:
    tombstone = Tombstone("x", json.dumps(user_account("x", createdTimestamp=TIME)).encode(), 1_769_850_000.7)
    vendor = recorded(OK, NONE, NONE, NONE)
    assert replaced("personnel_account", accounts("a"), vendor, (tombstone,)) == [ACCEPTED]
    kept, left = body_of(vendor.calls[0])["resources"]
    assert kept["status"] == "ACTIVE"
    assert (left["status"], left["deactivatedTimestamp"]) == ("DEACTIVATED", "2026-01-31T09:00:00Z")


@pytest.mark.parametrize("time", ["2026-02-30T00:00:00Z", "0001-01-01T00:00:00+14:00", "soon", None])
def test_one_that_vanta_lists_with_a_date_that_is_none_has_left_at_an_unknown_time(time: str | None) -> None:
    row = user_account("x", status="DEACTIVATED", deactivatedTimestamp=time)
    [found] = drive(of("personnel_account").page(None), recorded(json_reply({"resources": [row]}))).records
    assert found.ended
    assert found.gone_at is not None
    assert found.gone_at <= 0


def test_a_refusal_of_one_that_has_left_rejects_nobody_who_is_here() -> None:
    tombstone = Tombstone("x", json.dumps(user_account("x")).encode(), 0.0)
    refusal = json_reply({"error": "/1: must have property 'shoe'"}, 400)
    job, memory = Job("r", "i", "personnel_account", "snapshot"), dict[str, Any]()
    flow = of("personnel_account").replace(job, memory, accounts("a"), (tombstone,))
    [outcome] = drive(flow, recorded(refusal))
    assert (outcome.status, outcome.reason) == (Status.WITHHELD, "set_refused")
    assert "shoe: found nothing, in x, which is sent as gone" in memory["notes"][0]


def test_those_that_left_first_are_left_out_where_there_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proofport_vanta.accounts.MAX_RECORDS", 3)
    left = tuple(Tombstone(f"x{n}", json.dumps(user_account(f"x{n}")).encode(), 1e9 - n) for n in range(3))
    memory: dict[str, Any] = {}
    vendor = recorded(OK, NONE, NONE, NONE)
    job = Job("r", "i", "personnel_account", "snapshot")
    drive(of("personnel_account").replace(job, memory, accounts("a", "b"), left), vendor)
    assert [each["uniqueId"] for each in body_of(vendor.calls[0])["resources"]] == ["a", "b", "x0"]
    assert memory["notes"][0].startswith("2 of the accounts that have left are left out")


# ------------------------------------------------------------------ several resources
def devices(*records: dict[str, Any]) -> Batch:
    return batch(*records)


def test_a_resource_without_a_record_is_emptied() -> None:
    vendor = recorded(OK, OK, NONE, NONE, NONE, NONE)
    replaced("device", devices(macos("a", platform="macos")), vendor)
    sent = [(each.path, len(body_of(each)["resources"])) for each in vendor.calls if each.method == "PUT"]
    assert sent == [("/v1/resources/macos_user_computer", 1), ("/v1/resources/windows_user_computer", 0)]
    assert "platform" not in body_of(vendor.calls[0])["resources"][0]


def test_after_a_refusal_nothing_more_is_sent() -> None:
    records = devices(windows("a", platform="windows"), macos("b", platform="macos"))
    vendor = recorded(json_reply({"error": "/0: must have property 'x'"}, 400))
    outcomes = replaced("device", records, vendor)
    assert [each.status for each in outcomes] == [Status.WITHHELD, Status.REJECTED]
    assert outcomes[0].reason == "not_sent"


def test_after_a_doubtful_answer_nothing_more_is_sent_and_nobody_is_called_refused() -> None:
    records = devices(macos("a", platform="macos"), windows("b", platform="windows"))
    outcomes = replaced("device", records, recorded(json_reply({})))
    assert [(each.status, each.reason) for each in outcomes] == [
        (Status.UNKNOWN, "unexpected_answer"),
        (Status.WITHHELD, "not_sent"),
    ]


@pytest.mark.parametrize(
    ("reply", "error"),
    [(json_reply({"error": "resources: must not be empty"}, 400), UsageError), (json_reply({}), OutcomeUnknown)],
)
def test_a_resource_that_is_not_surely_emptied_stops_the_run(reply: Reply, error: type[ProofportError]) -> None:
    with pytest.raises(error, match=r"user_computer win\b") as raised:
        replaced("device", devices(macos("a", platform="macos")), recorded(OK, reply))
    assert error is OutcomeUnknown or "take it out of `objects`" in str(raised.value.hint)


def test_more_than_a_request_takes_is_refused_before_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proofport_vanta.whole_set.MAX_RECORDS", 1)
    records = devices(macos("a", platform="macos"), windows("b", platform="windows"), windows("c", platform="windows"))
    vendor = recorded()
    with pytest.raises(UsageError, match=r"2 records .* windows_user_computer") as refused:
        replaced("device", records, vendor)
    assert vendor.calls == []
    assert refused.value.hint
