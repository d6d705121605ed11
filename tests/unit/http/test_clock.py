"""`doctor` compares the clocks by what the vendor's answers say."""

from __future__ import annotations

import pytest
from tests.unit.delivery.support import ScriptedSender

from proofport.adapter import Finding, Flow
from proofport.errors import OutcomeUnknown
from proofport.http.clock import checked
from proofport.wire import Call, Reply

THEIRS = 1_767_225_600.0
DATE = "Thu, 01 Jan 2026 00:00:00 GMT"


def check() -> Flow[list[Finding]]:
    try:
        reply = yield Call("list", "GET", "/")
    except OutcomeUnknown:
        return [Finding(False, "api", "cannot be reached")]
    return [Finding(reply.ok, "key", "works")]


async def findings(date: str | None, ours: float) -> list[Finding]:
    sender = ScriptedSender(list=Reply(200, {} if date is None else {"date": date}))
    first, *others = await checked(check(), sender, now=lambda: ours)
    assert [call.operation for call in sender.calls] == ["list"]
    assert first == Finding(True, "key", "works")
    return others


@pytest.mark.parametrize("off", [-60, 0, 60])
async def test_a_clock_that_agrees(off: float) -> None:
    [clock] = await findings(DATE, THEIRS + off)
    assert clock.ok


@pytest.mark.parametrize(("off", "words"), [(61, "61 seconds ahead of"), (-7_200, "7,200 seconds behind")])
async def test_a_clock_that_does_not(off: float, words: str) -> None:
    [clock] = await findings(DATE, THEIRS + off)
    assert not clock.ok
    assert words in clock.detail
    assert clock.hint


@pytest.mark.parametrize("date", [None, "", "yesterday", "Thu, 99 Jan 2026 00:00:00 GMT"])
async def test_a_vendor_that_does_not_say(date: str | None) -> None:
    assert await findings(date, THEIRS) == []


async def test_errors_reach_the_flow_that_asked() -> None:
    sender = ScriptedSender(list=OutcomeUnknown("no answer"))
    assert await checked(check(), sender) == [Finding(False, "api", "cannot be reached")]
