"""Compares our clock with that of others. Vendors refuse times in the future, so a wrong clock costs records."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime

from proofport.adapter import Finding, Flow
from proofport.http.flow import Sends, follow, refuse_destruction
from proofport.wire import Call, Reply

TOLERATED = 60.0
"""Seconds. The vendor's `Date` has whole seconds, and the answer takes some time to arrive."""


async def checked(check: Flow[list[Finding]], sender: Sends, now: Callable[[], float] = time.time) -> list[Finding]:
    """Lead `check`, and add a finding from the `Date` of the vendor's answers (RFC 9110, 6.6.1) where they have it."""
    ahead: list[float] = []

    async def send(call: Call) -> Reply:
        reply = await sender.send(call, refuse_destruction)
        theirs = _date(reply)
        if theirs is not None:
            ahead.append(now() - theirs)
        return reply

    async with sender.credentials():
        findings = await follow(check, send)
    return [*findings, clock_finding(ahead[-1], "the vendor's")] if ahead else findings


def _date(reply: Reply) -> float | None:
    try:
        date = parsedate_to_datetime(reply.headers.get("date", ""))
    except ValueError:
        return None
    return date.replace(tzinfo=date.tzinfo or UTC).timestamp()


def clock_finding(ahead: float, whose: str) -> Finding:
    """The finding about this machine's clock, which is so many seconds ahead of another's."""
    if abs(ahead) <= TOLERATED:
        return Finding(True, "clock", f"agrees with {whose}")
    way = "ahead of" if ahead > 0 else "behind"
    return Finding(
        False,
        "clock",
        f"this machine's clock is {abs(ahead):,.0f} seconds {way} {whose}",
        "Set it, for example by NTP: evidence with times in the future is refused.",
    )
