"""Tokens over a real socket: shared, renewed in time and after a 401, within the vendor's budget for them."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from tests.unit.http.vendor import LIFETIME, LIST, PUT, SCOPE, Process, TokenAdapter, Vendor, flow, processes

from proofport.errors import AdapterFault, Blocked, Retryable
from proofport.http.flow import lead
from proofport.wire import Call


class FivePerMinute(TokenAdapter):
    mints_per_minute = 5


async def run(process: Process, *calls: Call) -> list[int]:
    async with process.sender() as sender:
        return await lead(flow(*(calls or (LIST,))), sender)


async def test_one_token_serves_all_senders_of_a_process() -> None:
    vendor = Vendor()
    async with processes(vendor, "a") as [process]:
        statuses = await asyncio.gather(*[run(process, LIST, PUT) for _ in range(4)])
    assert statuses == [[200, 200]] * 4
    assert len(vendor.issued) == 1


async def test_a_flow_without_a_call_asks_for_no_token() -> None:
    vendor = Vendor()
    async with processes(vendor, "a") as [process], process.sender() as sender:
        assert await lead(flow(), sender) == []
    assert vendor.issued == []


async def test_the_requests_for_a_token_count_and_are_described_and_paced() -> None:
    async with processes(Vendor(), "a", adapter=FivePerMinute) as [process], process.sender() as sender:
        await lead(flow(LIST), sender)
        attempts = sender.take_attempts()
        assert [attempt.operation for attempt in attempts] == ["ask_for_token", "list"]
        assert sender.requests == 2
        assert attempts[0].sent_bytes > 0
        assert attempts[0].digest == attempts[1].digest, "no digest is made of a secret"
        assert process.journal.permits == [f"mint:{SCOPE}"]


async def test_a_token_is_renewed_shortly_before_it_ends() -> None:
    vendor = Vendor()
    async with processes(vendor, "a") as [process]:
        await run(process)
        process.journal.clock.now += LIFETIME - 31
        await run(process)
        assert len(vendor.issued) == 1
        process.journal.clock.now += 2
        await run(process)
    assert len(vendor.issued) == 2
    assert vendor.refused == []


async def test_a_token_that_is_refused_is_renewed_once_and_the_request_sent_again() -> None:
    vendor = Vendor()
    async with processes(vendor, "a") as [process], process.sender() as sender:
        assert await lead(flow(LIST, PUT, between=vendor.live.clear), sender) == [200, 200]
        operations = [attempt.operation for attempt in sender.take_attempts()]
    assert operations == ["ask_for_token", "list", "put", "ask_for_token", "put"]


async def test_a_new_token_that_is_refused_is_an_answer_for_the_adapter() -> None:
    vendor = Vendor()
    async with processes(vendor, "a") as [process]:
        await run(process)
        vendor.answers = [web.Response(status=401), web.Response(status=401)]
        assert await run(process) == [401]
    assert len(vendor.issued) == 2


async def test_of_many_that_are_refused_one_asks_for_a_token() -> None:
    vendor = Vendor()
    async with processes(vendor, "a") as [process]:
        await run(process)
        vendor.live.clear()
        assert await asyncio.gather(*[run(process) for _ in range(5)]) == [[200]] * 5
    assert len(vendor.issued) == 2


async def test_another_lanes_token_is_tried_first_and_a_new_one_only_if_that_is_refused_too() -> None:
    vendor = Vendor()

    async def renewed_elsewhere(call: Call) -> None:
        """While this request was on its way to a 401, another lane got a token, which is revoked as well."""
        if sender.requests == 2:
            vendor.live.clear()
            await run(process)
            vendor.answers = [web.Response(status=401), web.Response(status=401)]

    async with processes(vendor, "a") as [process], process.sender() as sender:
        await lead(flow(LIST), sender)
        assert await lead(flow(PUT), sender, gate=renewed_elsewhere) == [200]
        operations = [attempt.operation for attempt in sender.take_attempts()]
    assert operations == ["ask_for_token", "list", "put", "put", "ask_for_token", "put"]
    assert len(vendor.issued) == 3


async def test_requests_for_a_token_keep_to_the_vendors_budget_the_repeated_ones_too() -> None:
    vendor = Vendor()
    vendor.token_answers = [web.Response(status=503, headers={"Retry-After": "1"})]
    async with processes(vendor, "a", "b", adapter=FivePerMinute) as [one, other]:
        await run(one)
        await run(other)
        assert one.naps.taken == pytest.approx([1, 15]), "the vendor's pause, and the permit of the second request"
        assert other.naps.taken == pytest.approx([30]), "all processes share the budget"


async def test_a_vendor_that_gives_no_token_for_now_is_waited_for_by_the_caller() -> None:
    vendor = Vendor()
    vendor.token_answers = [web.Response(status=429, headers={"Retry-After": "40"})]
    async with processes(vendor, "a") as [process]:
        with pytest.raises(Retryable) as caught:
            await run(process)
        assert (caught.value.after, caught.value.lost) == (40, False)
        assert await run(process) == [200]


async def test_a_token_that_was_lost_says_nothing_about_the_request_that_needs_it() -> None:
    vendor = Vendor()
    vendor.token_answers = [web.Response(status=502) for _ in range(3)]
    async with processes(vendor, "a") as [process]:
        with pytest.raises(Retryable, match="ask_for_token") as caught:
            await run(process, PUT)
    assert not caught.value.lost


async def test_an_attempt_that_was_lost_before_the_401_stays_lost() -> None:
    vendor = Vendor()
    async with processes(vendor, "a") as [process]:
        await run(process)
        vendor.answers = [
            web.Response(status=502),
            web.Response(status=401),
            *[web.Response(status=429) for _ in range(3)],
        ]
        with pytest.raises(Retryable) as caught:
            await run(process, PUT)
    assert caught.value.lost


async def test_credentials_that_are_refused_end_the_flow_in_the_adapters_words() -> None:
    vendor = Vendor()
    vendor.token_answers = [web.json_response({"message": "invalid_client"}, status=401)]
    async with processes(vendor, "a") as [process]:
        with pytest.raises(Blocked, match="invalid_client"):
            await run(process)


async def test_an_adapter_that_breaks_down_over_a_token_does_not_show_it() -> None:
    vendor = Vendor()
    vendor.token_answers = [web.json_response({"access_token": ["fresh-and-secret"], "expires_in": "fresh-and-secret"})]
    async with processes(vendor, "a") as [process]:
        with pytest.raises(AdapterFault, match="broke down in mint") as caught:
            await run(process)
    assert "fresh-and-secret" not in f"{caught.value!r} {caught.value.__cause__!r}"
