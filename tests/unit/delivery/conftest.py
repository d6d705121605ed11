"""A working directory of its own for the tests that read and write files by name, and a queue."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.delivery.queues import Queue


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
async def queue() -> Queue:
    made = Queue()
    await made.journal.open()
    return made
