"""Reading back from Secureframe, and what `doctor` can tell without publishing."""

from __future__ import annotations

from typing import Any

import pytest

from proofport.adapter import Finding, Observed, Page
from proofport.errors import Blocked, Retryable, UsageError
from proofport.testing.adapter_contract import Vendor, drive, json_reply, recorded
from proofport.wire import Reply
from proofport_secureframe import SecureframeAdapter, SecureframeSettings


def adapter(**settings: Any) -> SecureframeAdapter:
    given = {
        "region": "us",
        "api_key": "key",
        "api_secret": "secret",
        "connection_id": "5f0c0c0e-0000-4000-8000-000000000001",
        "vendor_slug": "acme",
        "vendor_name": "Acme",
        **settings,
    }
    return SecureframeAdapter(SecureframeSettings.model_validate(given))


def observe(vendor: Vendor, kind: str = "cloud_resource", cursor: str | None = None, **settings: Any) -> Page | None:
    return drive(adapter(**settings).observe(kind, cursor), vendor)


def row(third_party_id: Any, **more: Any) -> dict[str, Any]:
    return {"id": "uuid", "type": "x", "attributes": {"third_party_id": third_party_id, **more}}


def test_a_page_holds_the_published_ids_and_what_can_be_read() -> None:
    vendor = recorded(json_reply({"data": [row("i-1", region="eu"), row(7), row(None), {"id": "x"}, None]}))
    page = observe(vendor)
    assert page is not None
    assert page.records == [
        Observed("i-1", {"region": "eu"}),
        Observed("7", {}),
    ]
    (call,) = vendor.calls
    assert (call.method, call.path) == ("GET", "/cloud_resources")
    assert call.query == (("q", 'vendor_name:"Acme"'), ("page", "1"), ("per_page", "100"))


def test_a_short_page_is_not_the_end_and_an_empty_one_is() -> None:
    page = observe(recorded(json_reply({"data": [row("a")]})))
    assert page is not None
    assert page.cursor == "2"
    vendor = recorded(json_reply({"data": []}))
    page = observe(vendor, cursor="2")
    assert page == Page([], None)
    assert ("page", "2") in vendor.calls[0].query


def test_accounts_are_read_where_they_are_listed() -> None:
    vendor = recorded(json_reply({"data": [], "meta": {"total": 0}}))
    observe(vendor, "personnel_account")
    assert vendor.calls[0].path == "/user_accounts"


def test_a_vendor_name_cannot_leave_its_quotes() -> None:
    vendor = recorded(json_reply({"data": []}))
    observe(vendor, vendor_name='A "B" \\ OR region:*')
    assert vendor.calls[0].query[0] == ("q", 'vendor_name:"A \\"B\\" \\\\ OR region:*"')


def test_rows_without_our_id_are_looked_at_and_never_taken_for_a_record() -> None:
    rows = json_reply({"data": [row(None, email="a@b.co", admin=True), row("acct", active=False)]})
    looked = drive(adapter().look("personnel_account", None), recorded(rows))
    assert looked == Page([Observed("", {"email": "a@b.co"}), Observed("acct", {"active": False})], "2")


def test_devices_are_looked_at_by_serial_number_whoever_sent_them() -> None:
    vendor = recorded(
        json_reply({"data": [{"attributes": {"serial_number": "S", "os": "macOS", "in_audit_scope": True}}]})
    )
    looked = drive(adapter(vendor_name=None).look("device", None), vendor)
    assert looked == Page([Observed("", {"serial_number": "S", "os": "macOS"})], "2")
    assert (vendor.calls[0].path, vendor.calls[0].query) == ("/devices", (("page", "1"), ("per_page", "100")))
    assert adapter(vendor_name=None).reads_back("device") is not None
    assert adapter(vendor_name=None).reads_back("cloud_resource") is None
    assert adapter().reads_back("training_record") is None


@pytest.mark.parametrize(
    ("kind", "settings"),
    [("training_record", {}), ("custom:package", {}), ("device", {}), ("cloud_resource", {"vendor_name": None})],
)
def test_what_cannot_be_read_asks_nothing(kind: str, settings: dict[str, Any]) -> None:
    assert observe(recorded(), kind, **settings) is None


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
        observe(recorded(answer))


# ---------------------------------------------------------------------- doctor
def check(vendor: Vendor, **settings: Any) -> list[Finding]:
    return drive(adapter(**settings).check(), vendor)


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
