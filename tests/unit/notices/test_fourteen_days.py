"""Fourteen days of one installation, under a clock that is told the time: what goes wrong is told once, and its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tests.unit.notices.support import LANE, Watched, receiving, webhook

from proofport.journal.contract import AccessKey, Filter

HOUR, DAY = 3_600.0, 86_400.0
GONE = "9 of 10 records held now would be gone (90%, allowed 20%)"


async def test_what_goes_wrong_in_fourteen_days_is_told_once_and_is_over_when_mended() -> None:
    async with receiving() as receiver:
        at = Watched(webhook(receiver))
        key = AccessKey("abcd", "ci", "default", "x", True, True, at.now, expires=at.now + 20 * DAY)
        await at.journal.add_access_key(key)
        begun = at.now

        async def another_process() -> None:
            at.now += 60
            at.teller = at.another("second")

        async def refuse() -> None:
            receiver.statuses = [503] * 4

        async def missed() -> None:
            at.stale = ["device"]

        async def caught_up() -> None:
            at.stale = []

        happens: Mapping[int, Callable[[], Awaitable[Any]]] = {
            1 * 24: lambda: at.snapshot("d1", 0),
            2 * 24: at.park,
            2 * 24 + 6: another_process,
            3 * 24: lambda: at.journal.resume(LANE),
            4 * 24: lambda: at.snapshot("d4", 4, GONE),
            5 * 24: lambda: at.snapshot("d5", 4, GONE),
            6 * 24: lambda: at.snapshot("d6", 0),
            8 * 24: refuse,
            8 * 24 + 1: at.letter,
            9 * 24: lambda: at.journal.cancel(Filter(state="dead"), "not wanted"),
            10 * 24: at.park,
            11 * 24: lambda: at.journal.resume(LANE),
            11 * 24 + 6: missed,
            11 * 24 + 18: caught_up,
            12 * 24: lambda: at.journal.revoke_access_key("abcd"),
        }
        told: dict[float, tuple[str, str]] = {}
        for hour in range(14 * 24):
            at.now = max(at.now, begun + hour * HOUR)
            if hour in happens:
                await happens[hour]()
            before = len(receiver.requests)
            await at.look()
            for number, body in enumerate(receiver.bodies[before:]):
                told[hour + number / 10] = (body["event"], body["state"])
        days = Counter((event, state) for event, state in told.values())
        assert days == {
            ("lane_parked", "begun"): 2,
            ("lane_parked", "over"): 2,
            ("guard_refused", "begun"): 1,
            ("guard_refused", "over"): 1,
            ("key_expiring", "begun"): 1,
            ("key_expiring", "over"): 1,
            ("set_stale", "begun"): 1,
            ("set_stale", "over"): 1,
            ("dead_letter", "begun"): 1 + 4,  # refused four times by the receiver, and repeated
            ("dead_letter", "over"): 1,
        }
        first = {each: int(min(hour for hour, one in told.items() if one == each)) for each in days}
        assert first == {
            ("lane_parked", "begun"): 2 * 24,
            ("lane_parked", "over"): 3 * 24,
            ("guard_refused", "begun"): 4 * 24,
            ("guard_refused", "over"): 6 * 24,
            ("key_expiring", "begun"): 6 * 24 + 1,
            ("dead_letter", "begun"): 8 * 24 + 1,
            ("dead_letter", "over"): 9 * 24,
            ("set_stale", "begun"): 11 * 24 + 6,
            ("set_stale", "over"): 11 * 24 + 18,
            ("key_expiring", "over"): 12 * 24,
        }
        assert await at.journal.causes() == []
        assert await at.journal.due_notices() == []
