"""Reading back from Secureframe, and what `doctor` can tell without publishing."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.adapters import secureframe

from proofport.adapter import Finding, Lists, Observed, Page, ReadsBack
from proofport.errors import Blocked, Retryable, UsageError
from proofport.testing.adapter_contract import Vendor, drive, json_reply, recorded
from proofport.wire import Reply
from proofport_secureframe.publishing import PublishedResource


def resource(kind: str = "cloud_resource", **settings: Any) -> PublishedResource:
    return secureframe.adapter(**{"vendor_name": "Acme", **settings}).resource(kind)


def listed(vendor: Vendor, kind: str = "cloud_resource", cursor: str | None = None, **settings: Any) -> Page:
    found = resource(kind, **settings)
    assert isinstance(found, Lists)
    assert found.lags
    return drive(found.page(cursor), vendor)


def rows(vendor: Vendor, kind: str, **settings: Any) -> Page:
    found = resource(kind, **settings)
    assert isinstance(found, ReadsBack)
    return drive(found.rows(None), vendor)


def row(third_party_id: Any, **more: Any) -> dict[str, Any]:
    return {"id": "uuid", "type": "x", "attributes": {"third_party_id": third_party_id, **more}}


def test_a_page_holds_the_published_ids_and_what_can_be_read() -> None:
    vendor = recorded(json_reply({"data": [row("i-1", region="eu"), row(7), row(None), {"id": "x"}, None]}))
    page = listed(vendor)
    assert page.records == [
        Observed("i-1", {"region": "eu"}),
        Observed("7", {}),
    ]
    (call,) = vendor.calls
    assert (call.method, call.path) == ("GET", "/cloud_resources")
    assert call.query == (("q", 'vendor_name:"Acme"'), ("page", "1"), ("per_page", "100"))


def test_a_short_page_is_not_the_end_and_an_empty_one_is() -> None:
    page = listed(recorded(json_reply({"data": [row("a")]})))
    assert page.cursor == "2"
    vendor = recorded(json_reply({"data": []}))
    page = listed(vendor, cursor="2")
    assert page == Page([], None)
    assert ("page", "2") in vendor.calls[0].query


def test_accounts_are_read_where_they_are_listed() -> None:
    vendor = recorded(json_reply({"data": [], "meta": {"total": 0}}))
    listed(vendor, "personnel_account")
    assert vendor.calls[0].path == "/user_accounts"


def test_a_vendor_name_cannot_leave_its_quotes() -> None:
    vendor = recorded(json_reply({"data": []}))
    listed(vendor, vendor_name='A "B" \\ OR region:*')
    assert vendor.calls[0].query[0] == ("q", 'vendor_name:"A \\"B\\" \\\\ OR region:*"')


def test_rows_without_our_id_are_compared_and_never_taken_for_a_record() -> None:
    answer = json_reply({"data": [row(None, email="a@b.co", admin=True), row("acct", active=False)]})
    found = rows(recorded(answer), "personnel_account")
    assert found == Page([Observed("", {"email": "a@b.co"}), Observed("acct", {"active": False})], "2")


def test_devices_are_found_by_serial_number_whoever_sent_them() -> None:
    vendor = recorded(
        json_reply({"data": [{"attributes": {"serial_number": "S", "os": "macOS", "in_audit_scope": True}}]})
    )
    found = rows(vendor, "device", vendor_name=None)
    assert found == Page([Observed("", {"serial_number": "S", "os": "macOS"})], "2")
    assert (vendor.calls[0].path, vendor.calls[0].query) == ("/devices", (("page", "1"), ("per_page", "100")))


@pytest.mark.parametrize(
    ("kind", "vendor_name", "reads_back", "lists"),
    [
        ("cloud_resource", "Acme", True, True),
        ("cloud_resource", None, False, False),
        ("personnel_account", "Acme", True, True),
        ("personnel_account", None, False, False),
        ("device", "Acme", True, False),
        ("device", None, True, False),
        ("training_record", "Acme", False, False),
        ("custom:package", "Acme", False, False),
    ],
)
def test_what_can_be_read_follows_from_the_kind_and_the_vendors_name(
    kind: str, vendor_name: str | None, reads_back: bool, lists: bool
) -> None:
    found = resource(kind, vendor_name=vendor_name)
    assert (isinstance(found, ReadsBack), isinstance(found, Lists)) == (reads_back, lists)
    assert found.keeps_bodies == (kind in ("cloud_resource", "personnel_account", "device"))


@pytest.mark.parametrize(
    ("kind", "schema", "fields"),
    [
        ("device", {}, {"active": False}),
        ("cloud_resource", {}, {}),
        ("cloud_resource", {"lifecycle_field": "state"}, {"state": "removed"}),
    ],
)
def test_a_row_shows_that_its_record_is_gone(kind: str, schema: dict[str, str], fields: dict[str, Any]) -> None:
    found = resource(kind, objects={kind: {"schema_slug": "things", **schema}})
    assert isinstance(found, ReadsBack)
    assert found.ended_fields == fields


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (json_reply({"meta": {}}), Retryable),
        (json_reply([]), Retryable),
        (Reply(200, body=b"<html>"), Retryable),
        (json_reply({"message": "no"}, 403), Blocked),
        (json_reply({"message": "CloudResource is not filterable by vendor_name"}, 400), UsageError),
    ],
)
def test_an_answer_without_a_list_is_an_error_not_the_end(answer: Reply, error: type[Exception]) -> None:
    with pytest.raises(error):
        listed(recorded(answer))


# ---------------------------------------------------------------------- doctor
def check(vendor: Vendor, **settings: Any) -> list[Finding]:
    return drive(secureframe.adapter(**settings).check(), vendor)


def test_a_key_that_may_not_read_may_publish_all_the_same() -> None:
    (finding,) = check(recorded(json_reply({"message": "Forbidden"}, 403)))
    assert finding.ok
    assert "publishing may work" in (finding.hint or "")


def test_a_wrong_key_ends_the_check() -> None:
    objects = {"cloud_resource": {"schema_slug": "a"}}
    (finding,) = check(recorded(json_reply({"message": "Authorization failed"}, 401)), objects=objects)
    assert not finding.ok
    assert "Authorization failed" in finding.detail
    assert finding.hint


def test_kinds_that_there_are_not_are_named() -> None:
    objects = {"cloud_resource": {"schema_slug": "a"}, "custom:b": {"schema_slug": "b"}, "cloud": {"schema_slug": "c"}}
    findings = check(recorded(json_reply({"data": []})), objects=objects)
    assert [(finding.subject, finding.ok) for finding in findings] == [("api_key", True), ("objects.cloud", False)]
    assert "cloud_resource" in (findings[1].hint or "")
