"""Explaining a record that went through the queue: the request that it shared with others is made again."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from tests.end_to_end.test_explain import explained
from tests.end_to_end.test_queue_receipts import KIND, queued, submitted, worked
from tests.support.cli import Cli
from tests.support.evidence import personnel_account

from proofport import Gateway
from proofport.audit.lanes import LaneReceipts

IDS = [personnel_account(n)["id"] for n in range(9)]


async def delivered(cli: Cli, *submissions: tuple[list[Any], Any]) -> list[int]:
    """Queue records, each time in a mode, and then deliver all of them. The numbers of the deliveries."""
    async with Gateway.from_file(cli.folder / "proofport.yaml") as gateway:
        numbers = []
        for records, mode in submissions:
            numbers += [each.id for each in await gateway.submit(records, kind=KIND, to="drata", mode=mode)]
        await worked(gateway, len(numbers))
    return numbers


def receipt_of(cli: Cli) -> str:
    return str(cli.type("receipt", "list", "--json").json["receipts"][-1]["number"])


def test_deliveries_that_shared_a_request_are_explained_by_it(signing: Cli) -> None:
    numbers = asyncio.run(queued(signing, 2, 1, 3))
    found = [explained(signing, receipt_of(signing), each) for each in IDS[:6]]
    requests = {each["request"] for [each] in found}
    assert len(requests) == 1
    assert None not in requests
    assert [each["place"] for [each] in found] == [
        f"delivery {numbers[delivery]}, record {record}"
        for delivery, record in [(0, 1), (0, 2), (1, 1), (2, 1), (2, 2), (2, 3)]
    ]
    assert {each["outcome"] for [each] in found} == {"delivered, confirmed"}
    assert all(told["rule"] for [each] in found for told in each["body"] if told["how"] != "absent")


def test_a_state_that_was_replaced_later_is_explained_by_its_own_delivery(signing: Cli) -> None:
    first, second = personnel_account(1), {**personnel_account(1), "first_name": "Later"}
    numbers = asyncio.run(delivered(signing, ([first], "upsert"), ([second], "upsert")))
    [one] = explained(signing, str(numbers[0]), IDS[1])
    [other] = explained(signing, str(numbers[1]), IDS[1])
    assert one["request"] != other["request"]
    assert [each["request"] for each in explained(signing, receipt_of(signing), IDS[1])] == [
        one["request"],
        other["request"],
    ]


def test_an_id_that_was_written_otherwise_before_is_sent_as_it_was(signing: Cli) -> None:
    people = [[{"id": each, "email": "pat@example.com"}] for each in ("Pat@example.com", "pat@example.com")]
    numbers = asyncio.run(delivered(signing, *((each, "upsert") for each in people)))
    [told] = explained(signing, str(numbers[1]), "pat@example.com")
    assert told["request"]


def test_a_removal_names_the_request_that_removed_it(signing: Cli) -> None:
    people = [personnel_account(n) for n in range(3)]
    numbers = asyncio.run(delivered(signing, (people, "upsert"), ([{"id": each} for each in IDS[:3]], "remove")))
    removals = [explained(signing, str(numbers[1]), each)[0] for each in IDS[:3]]
    assert all(each["request"] for each in removals), removals
    assert {each["outcome"] for each in removals} == {"delivered, confirmed"}


def test_what_is_missing_is_said(signing: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """A receipt from the journal has no exchanges; a delivery that waits has no receipt; a stranger is in none."""

    class Died(BaseException):
        pass

    async def dies(self: LaneReceipts) -> None:
        raise Died

    async def waiting() -> list[int]:
        async with Gateway.from_file(signing.folder / "proofport.yaml") as gateway:
            return await submitted(gateway, 5, 1)

    with monkeypatch.context() as patch, suppress(Died):
        patch.setattr(LaneReceipts, "finish", dies)
        asyncio.run(queued(signing, 1))
    asyncio.run(queued(signing, 1))
    numbers = [each["run_id"] for each in signing.type("receipt", "list", "--json").json["receipts"]]
    [told] = explained(signing, numbers[0], IDS[0], code=2)
    assert told["request"] is None
    assert "the receipt was written from the journal: it has no digests of requests" in told["missing"]
    typed = signing.type("explain", numbers[0], "a stranger")
    assert (typed.code, "holds the record 'a stranger'" in typed.words) == (2, True)
    [waits] = asyncio.run(waiting())
    typed = signing.type("explain", str(waits), IDS[5])
    assert (typed.code, "queued, and in no receipt" in typed.words) == (2, True)
    typed = signing.type("explain", "999", IDS[5])
    assert (typed.code, "delivery 999 is not in the journal" in typed.words) == (2, True)
