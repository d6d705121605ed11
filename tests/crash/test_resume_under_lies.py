"""A staged run is cut off, and resumed at a vendor whose answers cannot be believed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.crash.proxy import Point, Proxy, Request, leave_alone, proxied
from tests.crash.scene import SOAK
from tests.crash.test_cuts import LIES, success
from tests.support import emulators
from tests.support.destination import Destination
from tests.support.drata import records, resource, statuses

from proofport.delivery.report.report import RunReport
from proofport.http import retry
from proofport.testing import Emulator, serve

KIND = "custom:software_package"
WHOLE, CHANGED = range(501), range(1, 501)
"""A session gets 500 records in a request: the second one is cut off. The changed input lacks the first record."""
NO_SESSIONS = success(json.dumps({"data": [], "pagination": {"cursor": None}}).encode())
REFUSED = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "_backoff", lambda state: 0.0)


class Cut:
    """A run that staged 500 of 501 records, beside a live set of one."""

    def __init__(self, emulator: Emulator, proxy: Proxy, folder: Path) -> None:
        self.proxy = proxy
        self._emulator = emulator
        self._drata = Destination("drata", emulators.block("drata", proxy.origin), folder, guard={"max_gone": 1})
        self._run = ""

    async def begin(self) -> None:
        await self.push(range(400, 401))
        self.lie(REFUSED, "POST", "/sessions/", after=1)
        report = await self.push(WHOLE, on_begin=self._note)
        assert report.exit_code != 0
        assert self.sessions == ["ACTIVE", "IN_PROGRESS"]
        self.proxy.meddle = leave_alone

    async def push(self, numbers: range, **how: Any) -> RunReport:
        return await self._drata.push([{"id": f"r{number}"} for number in numbers], kind=KIND, **how)

    async def resume(self, numbers: range) -> RunReport:
        return await self.push(numbers, resume=self._run)

    def lie(self, answer: bytes, method: str, part: str, *, after: int = 0, times: int = 10_000) -> None:
        """Give this answer to requests whose path has `part`; the vendor never gets them."""
        met = 0

        async def meddle(request: Request, point: Point) -> bool:
            nonlocal met
            if point != "before" or request.method != method or part not in request.path:
                return False
            met += 1
            return after < met <= after + times

        self.proxy.instead, self.proxy.meddle = answer, meddle

    @property
    def sessions(self) -> Sequence[str]:
        return sorted(statuses(self._emulator.state(), KIND))

    @property
    def live(self) -> int:
        return len(records(self._emulator.state(), KIND))

    def forget_open_sessions(self) -> None:
        """The vendor does not know its open session any more."""
        state = self._emulator.state()
        found = resource(state, KIND)
        found["sessions"] = [each for each in found["sessions"] if each["status"] != "IN_PROGRESS"]
        self._emulator.load(state)

    def _note(self, run: str) -> None:
        self._run = run


@pytest.fixture
async def cut(tmp_path: Path) -> AsyncIterator[Cut]:
    emulator = emulators.seeded("drata")
    async with serve(emulator) as origin, proxied(origin) as proxy:
        found = Cut(emulator, proxy, tmp_path)
        await found.begin()
        yield found


async def test_a_session_that_is_not_listed_is_staged_again_as_a_whole(cut: Cut) -> None:
    """Drata would open the one that it does not know anew, and complete it with the rest of the set alone."""
    cut.forget_open_sessions()
    report = await cut.resume(WHOLE)
    assert (int(report.exit_code), cut.live, cut.sessions) == (0, len(WHOLE), ["ACTIVE", "ARCHIVED"])


async def test_a_list_that_is_cut_short_leaves_no_session_open(cut: Cut) -> None:
    cut.lie(NO_SESSIONS, "GET", "/sessions")
    report = await cut.resume(WHOLE)
    assert (int(report.exit_code), cut.live, cut.sessions) == (0, len(WHOLE), ["ACTIVE", "ARCHIVED", "CANCELED"])


async def test_a_completion_that_is_lied_about_is_not_believed_and_ended_by_another_resumption(cut: Cut) -> None:
    cut.lie(LIES["an empty object"], "POST", "/actions")
    report = await cut.resume(WHOLE)
    assert (int(report.exit_code), cut.live, cut.sessions) == (1, 1, ["ACTIVE", "IN_PROGRESS"])
    assert report.as_dict()["destinations"]["drata"]["unknown"] == len(WHOLE)
    cut.proxy.meddle = leave_alone
    report = await cut.resume(WHOLE)
    assert (int(report.exit_code), cut.live, cut.sessions) == (0, len(WHOLE), ["ACTIVE", "ARCHIVED"])


@pytest.mark.parametrize("lie", LIES if SOAK else ["a page", "an error object"])
async def test_a_cancellation_is_not_believed_because_of_its_status(cut: Cut, lie: str) -> None:
    """The input has changed, so what was staged is cancelled: otherwise it would block the next run."""
    cut.lie(LIES[lie], "POST", "/actions", times=1)
    report = await cut.resume(CHANGED)
    assert (int(report.exit_code), cut.live, cut.sessions) == (1, 1, ["ACTIVE", "CANCELED"])


async def test_a_changed_input_is_not_mixed_with_what_was_staged_though_the_list_is_cut_short(cut: Cut) -> None:
    cut.lie(NO_SESSIONS, "GET", "/sessions")
    report = await cut.resume(CHANGED)
    assert (int(report.exit_code), cut.live, cut.sessions) == (0, len(CHANGED), ["ACTIVE", "ARCHIVED", "CANCELED"])


async def test_a_session_that_cannot_be_cancelled_is_told_and_ended_by_the_next_push(cut: Cut) -> None:
    cut.lie(LIES["a page"], "POST", "/actions")
    report = await cut.resume(CHANGED)
    assert (int(report.exit_code), cut.live, cut.sessions) == (1, 1, ["ACTIVE", "IN_PROGRESS"])
    notes = report.as_dict()["destinations"]["drata"]["notes"]
    assert any("could not be taken back" in note for note in notes)
    cut.proxy.meddle = leave_alone
    assert int((await cut.push(CHANGED)).exit_code) == 0
    assert (cut.live, cut.sessions) == (len(CHANGED), ["ACTIVE", "ARCHIVED", "CANCELED"])
