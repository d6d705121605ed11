"""Pages of one list that come as parts of a snapshot: the parts of one source are one chain."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.end_to_end.test_relay_snapshots import commit, held, opened, put
from tests.support.relay import Answer, Relay, relay_config, relaying

from proofport.testing import Running

EC2 = "?source=aws.ec2.instances"


@pytest.fixture
async def relay(drata_emulator: Running, tmp_path: Path) -> AsyncIterator[Relay]:
    async with relaying(relay_config(tmp_path, drata_emulator)) as running:
        yield running


def page(*names: str, **more: Any) -> dict[str, Any]:
    return {"Reservations": [{"OwnerId": "1", "Instances": [{"InstanceId": name} for name in names]}], **more}


async def put_lines(relay: Relay, snapshot: str, part: str, *documents: Any) -> Answer:
    return await relay.ask(
        "PUT",
        f"/v1/snapshots/{snapshot}/parts/{part}{EC2}",
        data="\n".join(map(json.dumps, documents)),
        headers={"Content-Type": "application/x-ndjson"},
    )


async def is_delivered(relay: Relay, snapshot: str) -> None:
    answer = await commit(relay, snapshot)
    assert (answer.status, answer.body.get("state")) == (200, "delivered"), answer.body


async def why_refused(relay: Relay, snapshot: str) -> list[str | None]:
    answer = await commit(relay, snapshot)
    assert (answer.status, answer.problem) == (409, "guard-refused")
    return [source["incomplete"] for source in answer.body["report"]["sources"]]


async def test_only_the_last_token_of_the_parts_counts(relay: Relay, drata_emulator: Running) -> None:
    snapshot = await opened(relay)
    await put(relay, snapshot, "page-2", page("i-2"), EC2)
    await put(relay, snapshot, "page-1", page("i-1", NextToken="x"), EC2)
    await is_delivered(relay, snapshot)
    assert await held(drata_emulator) == ["i-1", "i-2"]


async def test_the_page_after_the_ninth_is_the_tenth(relay: Relay) -> None:
    """Names are compared as people number pages: the part that is sent last, and its name, do not decide."""
    snapshot = await opened(relay)
    for number in (10, 9, 8, 7, 6, 5, 4, 3, 2, 1):
        more = {"NextToken": "x"} if number < 10 else {}
        await put(relay, snapshot, f"page-{number}", page(f"i-{number}", **more), EC2)
    await is_delivered(relay, snapshot)


async def test_a_chain_that_does_not_end_is_refused_until_its_last_page_is_there(relay: Relay) -> None:
    snapshot = await opened(relay)
    await put(relay, snapshot, "page-1", page("i-1", NextToken="x"), EC2)
    await put(relay, snapshot, "page-2", page("i-2", "i-3", NextToken="y"), EC2)
    assert await why_refused(relay, snapshot) == [
        None,
        "page-2 is the last page that was given, and $.NextToken says that more follow; "
        "3 records were read from 2 pages",
    ]
    await put(relay, snapshot, "page-3", page("i-4"), EC2)
    await is_delivered(relay, snapshot)


async def test_pages_in_one_body_are_a_chain(relay: Relay) -> None:
    snapshot = await opened(relay)
    assert (await put_lines(relay, snapshot, "a", page("i-1", NextToken="x"), page("i-2"))).status == 200
    await is_delivered(relay, snapshot)
    snapshot = await opened(relay)
    await put_lines(relay, snapshot, "a", page("i-1"), page("i-2", NextToken="x"))
    [why] = await why_refused(relay, snapshot)
    assert "a:2 is the last page" in str(why)
    assert (await put(relay, snapshot, "a", [page("i-1", NextToken="x"), page("i-2")], EC2)).status == 200
    await is_delivered(relay, snapshot)


async def test_what_is_set_makes_another_source(relay: Relay) -> None:
    """The last page of one region does not end the list of another one."""
    snapshot = await opened(relay)
    await put(relay, snapshot, "page-1", page("i-1", NextToken="x"), f"{EC2}&set=region=eu-west-1")
    await put(relay, snapshot, "page-2", page("i-2"), f"{EC2}&set=region=us-east-1")
    first, second = await why_refused(relay, snapshot)
    assert "page-1 is the last page" in str(first)
    assert second is None


@pytest.mark.parametrize("empty", [{"Reservations": []}, {}, []])
async def test_an_empty_page_is_a_part_without_records(relay: Relay, drata_emulator: Running, empty: object) -> None:
    snapshot = await opened(relay)
    await put(relay, snapshot, "page-1", page("i-1"), EC2)
    taken = await put(relay, snapshot, "page-2", empty, EC2)
    assert (taken.status, taken.body["records"], taken.body["snapshot"]["parts"]) == (200, 0, 2)
    await is_delivered(relay, snapshot)
    assert await held(drata_emulator) == ["i-1"]


async def test_a_body_without_anything_is_no_page(relay: Relay) -> None:
    snapshot = await opened(relay)
    nothing = await put_lines(relay, snapshot, "a")
    assert (nothing.status, nothing.problem) == (422, "invalid-records")
    wrong = await put_lines(relay, snapshot, "a", {"Reservations": []}, {"message": "denied"})
    assert (wrong.status, wrong.problem) == (422, "invalid-records")
