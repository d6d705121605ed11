"""The lists of Vanta, by recorded replies, and what `provision` makes of a resource."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.vanta import macos, user_account, windows
from tests.unit.adapters.vanta import HTML, NONE, TIME, of

from proofport.adapter import Blueprint, Resource
from proofport.errors import Retryable
from proofport.testing.adapter_contract import Vendor, drive, json_reply, recorded
from proofport.wire import Reply
from proofport_vanta.whole_set import VantaSet


# ------------------------------------------------------------------ lists
def pages(resource: Resource, vendor: Vendor) -> list[tuple[str, bool]]:
    assert isinstance(resource, VantaSet)
    found, cursor = [], None
    while True:
        page = drive(resource.page(cursor), vendor)
        found += [(each.id, each.ended) for each in page.records]
        if (cursor := page.cursor) is None:
            return found


def test_a_list_goes_over_every_page_of_every_resource() -> None:
    first = {"resources": [macos("a")], "pageInfo": {"hasNextPage": True, "endCursor": "c:1"}}
    last = {"resources": [macos("b")], "pageInfo": {"hasNextPage": False, "endCursor": None}}
    vendor = recorded(json_reply(first), json_reply(last), json_reply({"resources": [windows("c")]}))
    assert pages(of("device"), vendor) == [("a", False), ("b", False), ("c", False)]
    assert [dict(each.query) for each in vendor.calls] == [
        {"resourceId": "mac"},
        {"resourceId": "mac", "pageCursor": "c:1"},
        {"resourceId": "win"},
    ]
    assert all(each.body is None for each in vendor.calls), "a GET with a body is a 403 in HTML"


def test_a_list_shows_what_was_sent_in_the_one_spelling() -> None:
    row = {
        "uniqueId": "t",
        "displayName": "t",
        "externalUrl": "https://x.example.com",
        "customProperties": {"size": 3, "since": "2026-01-31T09:00:00.000+01:00"},
        "createdAt": TIME,
        "updatedAt": TIME,
        "deletedAt": None,
        "ownerId": "vanta's own",
    }
    [record] = drive(of("custom:thing").page(None), recorded(json_reply({"resources": [row]}))).records
    assert record.whole
    assert record.fields == {
        "uniqueId": "t",
        "displayName": "t",
        "externalUrl": "https://x.example.com",
        "customProperties": {"size": 3, "since": TIME},
    }


def test_what_is_deleted_is_not_listed_and_what_is_deactivated_counts_as_gone() -> None:
    rows = [
        {**user_account("a"), "deletedAt": None},
        {**user_account("b", status="DEACTIVATED"), "deletedAt": None},
        {**user_account("c", status="DEACTIVATED"), "deletedAt": TIME},
    ]
    assert pages(of("personnel_account"), recorded(json_reply({"resources": rows}))) == [("a", False), ("b", True)]


def test_pages_of_what_is_deleted_are_not_empty() -> None:
    row = {**user_account("a"), "deletedAt": TIME}
    page = drive(of("personnel_account").page(None), recorded(json_reply({"resources": [row]})))
    assert (page.records, page.rows) == ([], [row])


@pytest.mark.parametrize(
    "reply",
    [
        json_reply({"resources": None}),
        json_reply({"resources": [{"displayName": "no id"}]}),
        json_reply({"resources": [7]}),
        json_reply({"results": []}),
        json_reply({"resources": [], "pageInfo": {"hasNextPage": True, "endCursor": None}}),
        json_reply({"resources": [], "pageInfo": {"hasNextPage": True}}),
        json_reply({"resources": [], "pageInfo": {}}),
        json_reply([]),
        Reply(200, {"content-type": "text/html"}, HTML),
        Reply(200),
    ],
)
def test_a_list_that_cannot_be_relied_on_is_not_an_empty_one(reply: Reply) -> None:
    with pytest.raises(Retryable):
        drive(of("personnel_account").page(None), recorded(reply))


def test_a_cursor_that_comes_again_is_not_the_end() -> None:
    info = {"resources": [], "pageInfo": {"hasNextPage": True, "endCursor": "c"}}
    with pytest.raises(Retryable):
        drive(of("personnel_account").page("0:c"), recorded(json_reply(info)))


def test_a_list_that_goes_round_under_new_cursors_has_no_end() -> None:
    [part] = of("personnel_account").parts
    replies = [
        json_reply({"resources": [user_account("a")], "pageInfo": {"hasNextPage": True, "endCursor": cursor}})
        for cursor in "cd"
    ]
    with pytest.raises(Retryable, match="goes round"):
        drive(part.live(), recorded(*replies))


# ------------------------------------------------------------------ provision
OWN = Blueprint(
    "device", {"properties": {"customProperties": {"properties": {"platform": {"type": "string"}}}}}, "displayName"
)


@pytest.mark.parametrize(
    ("device", "notes"),
    [
        (
            {"resource_id": "any", "properties": {"properties": {"model": {"type": "string"}}}},
            [
                "platform is not declared, and the mapping makes it: Vanta refuses every record that has it.",
                "model is declared, and the mapping does not make it: Vanta requires it of every record.",
            ],
        ),
        ({"macos_resource_id": "mac"}, []),
    ],
)
def test_provision_holds_the_declared_properties_of_devices_against_the_mapping(
    device: dict[str, Any], notes: list[str]
) -> None:
    assert drive(of("device", objects={"device": device}).provision(OWN), recorded(NONE)).notes == notes
