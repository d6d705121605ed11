"""Devices: one at a time, an unknown owner is that device's problem, and a removal finds before it deletes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, cast

import pytest

from proofport.accounting import CONFIRMED, NOT_HELD, Outcome, Status
from proofport.adapter import Batch, Job, Mode
from proofport.errors import Blocked, ConfigError, UnsupportedFeature
from proofport.testing.adapter_contract import Vendor, drive, json_reply, recorded
from proofport.wire import Reply
from proofport_drata import DrataAdapter, DrataSettings
from proofport_drata.devices import MdmDevices

ADAPTER = DrataAdapter(
    DrataSettings.model_validate({"region": "us", "api_key": "key", "objects": {"device": {"connection_id": 5}}})
)
DEVICES = cast(MdmDevices, ADAPTER.resource("device"))
LIST = "/public/v2/connections/5/devices"
WRITE = "/public/v2/custom-connections/5/devices"


def send(vendor: Vendor, device: str = "d-1", mode: Mode = "upsert") -> Outcome:
    batch = Batch([device], [b'{"externalId":"d-1"}'], [0])
    (outcome,) = drive(DEVICES.send(Job("r", "prod", "device", mode), {}, batch), vendor)
    return outcome


def page(*rows: dict[str, Any]) -> Reply:
    return json_reply({"data": list(rows), "pagination": {"cursor": None}})


def refusal(status: int) -> Reply:
    return json_reply({"name": "X", "statusCode": status, "message": "the vendor's words", "code": 7}, status)


@pytest.mark.parametrize("status", [200, 201])
def test_an_upsert_posts_one_device(status: int) -> None:
    vendor = recorded(json_reply({"id": 1, "externalId": "d-1"}, status))
    assert send(vendor) == replace(CONFIRMED, vendor_id="1")
    (call,) = vendor.calls
    assert (call.method, call.path, call.lost, call.body) == ("POST", WRITE, "repeat", b'{"externalId":"d-1"}')


@pytest.mark.parametrize(("status", "words"), [(404, "owner"), (400, "Correct the field")])
def test_a_refused_device_is_rejected_in_the_vendors_words(status: int, words: str) -> None:
    outcome = send(recorded(refusal(status), page()))
    assert outcome.status is Status.REJECTED
    assert outcome.problem is not None
    assert "the vendor's words" in (outcome.problem.vendor_message or "")
    assert words in (outcome.problem.hint or "")


@pytest.mark.parametrize(
    "answer",
    [
        json_reply({}),
        json_reply({"id": 1}),
        json_reply({"id": 1, "externalId": "d-2"}),
        json_reply({"statusCode": 500, "message": "failed"}),
        Reply(200, body=b"<html>"),
        Reply(201),
    ],
)
def test_an_answer_that_is_not_this_device_is_no_delivery(answer: Reply) -> None:
    assert send(recorded(answer)).status is Status.UNKNOWN


def test_after_a_404_the_connection_is_read_so_that_it_is_about_the_owner() -> None:
    vendor = recorded(refusal(404), page())
    assert send(vendor).status is Status.REJECTED
    assert (vendor.calls[1].path, vendor.calls[1].query[0]) == (LIST, ("size", "1"))
    with pytest.raises(ConfigError, match="words"):
        send(recorded(refusal(404), refusal(404)))
    with pytest.raises(Blocked) as caught:
        send(recorded(refusal(404), refusal(403)))
    assert "Devices: List Devices" in (caught.value.hint or "")


def test_a_patch_is_not_possible() -> None:
    with pytest.raises(UnsupportedFeature, match="whole devices"):
        DEVICES.limits("patch")


def test_nothing_destroys_but_on_request() -> None:
    limits = DEVICES.limits("snapshot")
    assert (DEVICES.ends, limits.max_records, limits.parallel) == ("on_request", 1, 8)


class TestRemoval:
    def test_the_device_is_found_by_its_id_and_deleted_by_dratas(self) -> None:
        vendor = recorded(page({"id": 8, "externalId": "other"}, {"id": 9, "externalId": "d-1"}), Reply(204))
        assert send(vendor, mode="remove") == CONFIRMED
        found, deleted = vendor.calls
        assert ("externalId", "d-1") in found.query
        assert (deleted.method, deleted.path, deleted.destructive) == ("DELETE", WRITE + "/9", True)

    def test_what_is_not_there_is_not_said_to_be_removed(self) -> None:
        assert send(recorded(page({"id": 8, "externalId": "other"})), mode="remove") == NOT_HELD

    def test_what_goes_away_in_between_is_gone(self) -> None:
        assert send(recorded(page({"id": 9, "externalId": "d-1"}), refusal(404)), mode="remove") == CONFIRMED

    @pytest.mark.parametrize("answer", [Reply(200, body=b"<html>"), Reply(200), json_reply({"error": "failed"})])
    def test_only_the_documented_answer_says_that_it_is_gone(self, answer: Reply) -> None:
        outcome = send(recorded(page({"id": 9, "externalId": "d-1"}), answer), mode="remove")
        assert (outcome.status, outcome.reason) == (Status.UNKNOWN, "no_verdict")

    def test_of_two_none_is_guessed(self) -> None:
        vendor = recorded(page({"id": 8, "externalId": "d-1"}, {"id": 9, "externalId": "d-1"}))
        outcome = send(vendor, mode="remove")
        assert outcome.status is Status.REJECTED
        assert "8, 9" in str(outcome.problem)

    def test_a_key_without_the_permission_stops_the_lane(self) -> None:
        with pytest.raises(Blocked) as caught:
            send(recorded(page({"id": 9, "externalId": "d-1"}), refusal(403)), mode="remove")
        assert "Devices: Delete Device" in (caught.value.hint or "")


def test_only_what_comes_back_as_it_was_sent_is_compared() -> None:
    row = {"id": 9, "externalId": "d-1", "osVersion": "15", "encryptionEnabled": None, "macAddress": "a,b", "userId": 4}
    found = drive(DEVICES.page(None), recorded(page(row, {"id": 10, "externalId": None})))
    (device,) = found.records
    assert device.fields == {"externalId": "d-1", "platformVersion": "15", "encryptionEnabled": None}
    assert not device.whole


class TestMatching:
    def on(self, **fields: Any) -> list[tuple[str, str]]:
        return list(DEVICES.matched_on(json.dumps({"externalId": "d-1", **fields}).encode()))

    def test_a_device_is_found_by_its_serial_number_and_by_each_of_its_addresses(self) -> None:
        found = self.on(serialNumber="C02", macAddress="aa:bb:cc:dd:ee:01,aa:bb:cc:dd:ee:02")
        assert [name for name, _ in found] == ["serialNumber", "macAddress", "macAddress"]
        assert len(set(found)) == 3

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ({"serialNumber": "c02-xyz "}, {"serialNumber": "C02-XYZ"}),
            ({"macAddress": "AA-BB-CC-DD-EE-01"}, {"macAddress": "aa:bb:cc:dd:ee:01"}),
            ({"macAddress": "aabb.ccdd.ee01"}, {"macAddress": "aa:bb:cc:dd:ee:02, aa:bb:cc:dd:ee:01"}),
        ],
    )
    def test_other_spellings_are_the_same(self, one: dict[str, str], other: dict[str, str]) -> None:
        assert set(self.on(**one)) <= set(self.on(**other))

    @pytest.mark.parametrize("value", [None, "", " ", "N/A", "00:00:00:00:00:00", ",", "Default string"])
    def test_a_value_that_stands_for_nothing_finds_nothing(self, value: str | None) -> None:
        assert self.on(serialNumber=value, macAddress=value) == []
