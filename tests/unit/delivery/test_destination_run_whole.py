"""A destination run whose vendor takes a set only whole."""

from __future__ import annotations

import asyncio

from tests.unit.delivery.support import (
    ScriptedSender,
    TinyAdapter,
    WholeTiny,
    all_ok,
    attached,
    batch,
    counts,
    deliver,
    destination,
)

from proofport.delivery.destination_run import DestinationRun
from proofport.delivery.report.report import Exit
from proofport.errors import (
    Retryable,
)
from proofport.wire import Reply

TOO_LARGE = Reply(413)


def listed(tried: DestinationRun) -> list[tuple[str, str | None, str]]:
    return [(row.position, row.id, row.outcome.status.value) for row in tried.report.problems]


# ---------------------------------------------------------------------- a set that goes whole
async def test_a_set_that_goes_whole_is_set_aside_until_the_guard_has_agreed() -> None:
    sender = ScriptedSender(replace_records=all_ok)
    tried = destination(sender, mode="snapshot", adapter=TinyAdapter(made=WholeTiny))
    await attached(tried)
    whole = batch("a", "b")
    async with asyncio.TaskGroup() as group:
        group.create_task(tried.run())
        await tried.take(whole)
        await tried.finish()
    assert (sender.calls, tried.whole, counts(tried)) == ([], whole, {})
    await tried.replace(whole, ())
    assert (sender.operations, counts(tried)) == (["replace_records"], {"delivered": 2})


async def test_a_set_that_does_not_fit_into_one_request_is_not_sent_in_two() -> None:
    sender = ScriptedSender()
    tried = destination(sender, mode="snapshot", adapter=TinyAdapter(made=WholeTiny))
    await deliver(tried, batch("a", "b"), batch("c"))
    assert (sender.calls, counts(tried)) == ([], {"withheld": 3})
    assert (tried.report.exit, tried.report.tally.reasons) == (Exit.USAGE, {"too_large": 3})


async def test_a_set_that_the_vendor_finds_too_large_is_rejected_and_not_halved() -> None:
    sender = ScriptedSender(replace_records=TOO_LARGE)
    tried = destination(sender, mode="snapshot", adapter=TinyAdapter(made=WholeTiny))
    await attached(tried)
    await tried.replace(batch("a", "b", "c"), ())
    assert (sender.requests, counts(tried)) == (1, {"rejected": 3})


async def test_a_whole_set_is_repeated_byte_for_byte() -> None:
    sender = ScriptedSender(replace_records=[Retryable("busy", after=1.0), all_ok])
    tried = destination(sender, mode="snapshot", adapter=TinyAdapter(made=WholeTiny))
    await attached(tried)
    await tried.replace(batch("a", "b"), ())
    assert counts(tried) == {"delivered": 2}
    assert len({call.body for call in sender.calls}) == 1
