"""Progress is reported while a run waits, too: a person sees the seconds count, not a bar that stands still."""

from __future__ import annotations

import asyncio

import pytest
from tests.unit.delivery.runs import Vendor, push, write
from tests.unit.delivery.support import ScriptedSender, all_ok

from proofport.delivery import run
from proofport.delivery.order import Progress
from proofport.http.flow import Gate
from proofport.wire import Call, Reply

pytestmark = pytest.mark.usefixtures("folder")


class SilentUntil(ScriptedSender):
    """Answers only once it is `allowed`."""

    def __init__(self) -> None:
        super().__init__(send_records=all_ok)
        self.asked, self.allowed = asyncio.Event(), asyncio.Event()

    async def send(self, call: Call, gate: Gate | None = None) -> Reply:
        self.asked.set()
        await self.allowed.wait()
        return await super().send(call, gate)


async def test_progress_is_reported_while_a_vendor_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "PROGRESS_SECONDS", 0)
    sender = SilentUntil()

    def on_progress(progress: Progress) -> None:
        if sender.asked.is_set():
            assert progress.read == 1
            sender.allowed.set()

    async with asyncio.timeout(20):
        report = await push(write("a.ndjson", {"id": "1"}), here=Vendor(sender), on_progress=on_progress)
    assert report.exit_code == 0


async def test_a_listener_that_fails_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "PROGRESS_SECONDS", 0)
    sender = SilentUntil()

    def on_progress(progress: Progress) -> None:
        if sender.asked.is_set():
            sender.allowed.set()
            raise OSError("the terminal is gone")

    with pytest.raises(OSError, match="the terminal is gone"):
        async with asyncio.timeout(20):
            await push(write("a.ndjson", {"id": "1"}), here=Vendor(sender), on_progress=on_progress)
