"""`doctor` compares the clocks by what the vendor's answers say."""

from __future__ import annotations

import pytest

from proofport.adapter import Finding, Flow
from proofport.errors import Retryable
from proofport.http.clock import compared
from proofport.wire import Call, Reply

THEIRS = 1_767_225_600.0
DATE = "Thu, 01 Jan 2026 00:00:00 GMT"


def check() -> Flow[list[Finding]]:
    try:
        reply = yield Call("list", "GET", "/")
    except Retryable:
        return [Finding(False, "api", "cannot be reached")]
    return [Finding(reply.ok, "key", "works")]


def findings(date: str | None, ours: float) -> list[Finding]:
    flow = compared(check(), now=lambda: ours)
    assert next(flow).operation == "list"
    with pytest.raises(StopIteration) as end:
        flow.send(Reply(200, {} if date is None else {"date": date}))
    found: list[Finding] = end.value.value
    assert found[0] == Finding(True, "key", "works")
    return found[1:]


@pytest.mark.parametrize("off", [-60, 0, 60])
def test_a_clock_that_agrees(off: float) -> None:
    [clock] = findings(DATE, THEIRS + off)
    assert clock.ok


@pytest.mark.parametrize(("off", "words"), [(61, "61 seconds ahead of"), (-7_200, "7,200 seconds behind")])
def test_a_clock_that_does_not(off: float, words: str) -> None:
    [clock] = findings(DATE, THEIRS + off)
    assert not clock.ok
    assert words in clock.detail
    assert clock.hint


@pytest.mark.parametrize("date", [None, "", "yesterday", "Thu, 99 Jan 2026 00:00:00 GMT"])
def test_a_vendor_that_does_not_say(date: str | None) -> None:
    assert findings(date, THEIRS) == []


def test_errors_reach_the_flow_that_asked() -> None:
    flow = compared(check())
    next(flow)
    with pytest.raises(StopIteration) as end:
        flow.throw(Retryable("no route"))
    assert end.value.value == [Finding(False, "api", "cannot be reached")]
