"""What holds up a lane is taken out of it by a person, whatever it is, and can be looked at."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.support.emulators import block
from tests.support.evidence import cloud_resource
from tests.support.relay import Relay, relay_config, relaying

from proofport.journal.contract import Failure, Filter


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[Relay]:
    place = {**block("drata"), "objects": {"cloud_resource": {"connection_id": 4, "resource_id": 104}}}
    async with relaying(relay_config(tmp_path, destinations={"drata": place}), deliver=False) as opened:
        for number in range(2):
            assert (await opened.post(cloud_resource(number))).status == 202
        yield opened


async def set_aside(relay: Relay, reason: Any) -> Any:
    return await relay.ask("POST", "/v1/deliveries/1/set-aside", json={"reason": reason})


async def test_a_queued_delivery_becomes_a_dead_letter_with_the_reason(relay: Relay) -> None:
    for wrong in ("", " ", None, 7):
        assert (await set_aside(relay, wrong)).status == 422
    letter = (await set_aside(relay, "it holds the others up")).body
    assert (letter["state"], letter["reason"]) == ("dead", "set_aside: it holds the others up")
    assert letter["outcomes"]["withheld"] == 1
    again = await set_aside(relay, "again")
    assert (again.status, again.problem, again.body["state"]) == (409, "not-queued", "dead")
    assert [each["queued"] for each in (await relay.get("/v1/lanes"))["items"]] == [1]
    [content] = (await relay.get("/v1/dead-letters/1"))["content"]
    assert content["evidence"]["id"] == cloud_resource(0)["id"]
    assert (await relay.ask("POST", "/v1/dead-letters/1/replay")).status == 202


async def test_a_dead_letter_that_was_damaged_is_shown_without_its_evidence(relay: Relay) -> None:
    journal = await relay.gateway.journal()
    with closing(sqlite3.connect(str(relay.gateway.config.journal))) as db, db:
        db.execute("UPDATE deliveries SET payload = x'78010000' WHERE id = 1")
    await journal.set_aside(Filter(ids=[1]), Failure("damaged", "its payload cannot be read"))
    letter = await relay.get("/v1/dead-letters/1")
    assert (letter["content"], letter["reason"]) == ([], "damaged: its payload cannot be read")
    [record] = (await relay.get("/v1/deliveries/1/records"))["items"]
    assert (record["id"], record["outcome"], record["reason"]) == (None, "withheld", "damaged")
    refused = await relay.ask("POST", "/v1/dead-letters/1/replay?as_it_was=true")
    assert (refused.status, refused.problem) == (409, "bodies-not-kept")
