"""What became of it: deliveries and their records, dead letters, lanes, mappings, previews."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

import pytest
from tests.support.evidence import cloud_resource, cloud_resources
from tests.support.programs import PATIENCE
from tests.support.relay import Relay

from proofport.relay.api import models
from proofport.testing import Running

TYPELESS = {"id": "i-bad", "type": "nobody.knows.this", "name": "odd"}


async def test_every_record_has_its_end(relay: Relay) -> None:
    answer = await relay.post([cloud_resource(1), TYPELESS, cloud_resource(2)], "to=secureframe")
    await relay.settled()
    delivery = await relay.get(answer.headers["Location"])
    assert (delivery["state"], delivery["outcomes"]["delivered"], delivery["outcomes"]["rejected"]) == ("done", 2, 1)
    assert sum(delivery["outcomes"].values()) == delivery["records"] == 3
    records = (await relay.get(f"/v1/deliveries/{delivery['id']}/records"))["items"]
    assert [(each["record"], each["id"], each["outcome"]) for each in records] == [
        (1, "i-1", "delivered"),
        (2, "i-bad", "rejected"),
        (3, "i-2", "delivered"),
    ]
    assert records[1]["problem"]["found"] == "'nobody.knows.this'"
    assert records[0]["assurance"] == "accepted"


async def test_records_come_in_pages(relay: Relay) -> None:
    answer = await relay.post(cloud_resources(*range(5)))
    path = f"/v1/deliveries/{answer.body['deliveries'][0]['id']}/records"
    first = await relay.get(f"{path}?limit=2")
    last = await relay.get(f"{path}?limit=3&cursor={first['next']}")
    assert [each["id"] for each in first["items"] + last["items"]] == [f"i-{n}" for n in range(5)]
    assert last["next"] is None


async def test_deliveries_are_chosen_and_come_in_pages(relay: Relay) -> None:
    for n in range(3):
        await relay.post(cloud_resources(n), "to=drata&to=secureframe")
    await relay.post([{"id": "a", "email": "a@example.com"}], "to=drata", kind="personnel_account")
    every = await relay.settled()
    assert len(every) == 7
    found, cursor = [], ""
    while True:
        page = await relay.get(f"/v1/deliveries?destination=drata&kind=cloud_resource&limit=2{cursor}")
        found += page["items"]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert [each["id"] for each in found] == [
        each["id"] for each in every[::-1] if (each["destination"], each["kind"]) == ("drata", "cloud_resource")
    ]
    assert (await relay.get("/v1/deliveries?state=dead"))["items"] == []
    assert len((await relay.get("/v1/deliveries?state=done"))["items"]) == 7


@pytest.mark.parametrize("number", ["0", "99", "x", "9" * 30, "-1", "²"])
async def test_a_delivery_that_is_not_there(relay: Relay, number: str) -> None:
    for path in (f"deliveries/{number}", f"deliveries/{number}/records", f"dead-letters/{number}"):
        answer = await relay.ask("GET", f"/v1/{path}")
        assert (answer.status, answer.problem) == (404, "not-found")


async def test_a_dead_letter_is_shown_and_replayed(relay: Relay) -> None:
    answer = await relay.post([TYPELESS], "to=secureframe")
    await relay.settled()
    number = answer.body["deliveries"][0]["id"]
    assert [each["id"] for each in (await relay.get("/v1/dead-letters"))["items"]] == [number]
    letter = await relay.get(f"/v1/dead-letters/{number}")
    assert (letter["state"], letter["outcomes"]["rejected"], letter["reason"]) == ("dead", 1, "rejected")
    [content] = letter["content"]
    assert content["evidence"] == TYPELESS
    assert (content["problem"]["found"], content["body"]) == ("'nobody.knows.this'", None)

    refused = await relay.ask("POST", f"/v1/dead-letters/{number}/replay?as_it_was=true")
    assert (refused.status, refused.problem) == (409, "bodies-not-kept"), "it never had a body"
    replayed = await relay.ask("POST", f"/v1/dead-letters/{number}/replay")
    assert replayed.status == 202
    assert replayed.headers["Location"] == f"/v1/deliveries/{replayed.body['id']}"
    old = await relay.get(f"/v1/deliveries/{number}")
    assert (old["state"], old["replayed_as"], old["outcomes"]["withheld"]) == ("cancelled", replayed.body["id"], 1)
    await relay.settled()
    again = await relay.ask("POST", f"/v1/dead-letters/{number}/replay")
    assert (again.status, again.problem, again.body["state"]) == (409, "not-dead", "cancelled")


async def test_a_parked_lane_is_seen_and_resumed(relay: Relay, drata_emulator: Running) -> None:
    await drata_emulator.faults(status={"code": 403, "times": 1})
    await relay.post(cloud_resources(1))
    lane: dict[str, Any] = {}
    async with asyncio.timeout(PATIENCE):
        while not lane.get("parked"):
            lane = next(iter((await relay.get("/v1/lanes"))["items"]), {})
    assert (lane["queued"], lane["dead"]) == (1, 0)
    assert lane["oldest"].endswith("Z")
    resumed = await relay.ask("POST", f"/v1/lanes/{quote(lane['lane'], safe='')}/resume")
    assert (resumed.status, resumed.body["parked"]) == (200, None)
    models.ResumedLane.model_validate(resumed.body)
    [delivery] = await relay.settled()
    assert delivery["outcomes"]["delivered"] == 1
    assert (await relay.ask("POST", "/v1/lanes/nowhere/resume")).problem == "not-found"


async def test_mappings_are_listed(relay: Relay) -> None:
    found = {each["name"]: each for each in (await relay.get("/v1/mappings"))["items"]}
    assert found["sources/aws.ec2.instances"]["gives"] == "cloud_resource"
    assert "region" in found["sources/aws.ec2.instances"]["context"]
    assert found["drata/cloud_resource"]["reads"] == "cloud_resource"


async def test_a_preview_shows_every_body_and_sends_nothing(
    relay: Relay, drata_emulator: Running, secureframe_emulator: Running
) -> None:
    answer = await relay.ask(
        "POST", "/v1/preview?kind=cloud_resource&limit=2", json=[cloud_resource(1, name="web 1"), TYPELESS]
    )
    good, odd = answer.body["items"]
    assert good["destinations"]["secureframe"]["body"]["cloud_resource_type"] == "ec2_instance"
    assert good["destinations"]["drata"]["body"]["name"] == "web 1"
    assert odd["destinations"]["secureframe"]["body"] is None
    assert odd["destinations"]["secureframe"]["problem"]["found"] == "'nobody.knows.this'"
    assert await drata_emulator.received() == await secureframe_emulator.received() == []
    for no_record in ([None], [], [cloud_resource(1), 5]):
        refused = await relay.ask("POST", "/v1/preview?kind=cloud_resource", json=no_record)
        assert (refused.status, refused.problem) == (400, "malformed-body")
    nameless = await relay.ask("POST", "/v1/preview", json=cloud_resources(1))
    assert (nameless.status, nameless.problem) == (422, "unknown-name")
