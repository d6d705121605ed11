"""A journal that ends with its process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from proofport.journal import open_journal, opened
from proofport.journal.contract import Filter, NewDelivery
from proofport.journal.sqlite import TemporaryJournal

NEW = NewDelivery("a", "somewhere", "device", "upsert", b"[]", 1)


async def test_nothing_is_left_of_it_when_it_is_closed() -> None:
    journal = open_journal("memory:")
    assert isinstance(journal, TemporaryJournal)
    async with opened(journal):
        await journal.accept([NEW])
        assert len(await journal.find(Filter())) == 1
        assert journal.path.exists()
    assert not journal.path.parent.exists()


async def test_each_is_a_journal_of_its_own() -> None:
    async with opened(open_journal("memory:")) as one, opened(open_journal("memory:")) as other:
        await one.accept([NEW])
        assert await other.find(Filter()) == []


PROGRAM = """
import asyncio
from proofport.journal import open_journal
journal = open_journal("memory:")
asyncio.run(journal.open())
print(journal.path, journal.path.exists())
"""


def test_a_process_that_does_not_close_it_leaves_nothing() -> None:
    told = subprocess.run([sys.executable, "-c", PROGRAM], check=True, stdout=subprocess.PIPE, text=True).stdout
    path, existed = told.split()
    assert existed == "True"
    assert not Path(path).parent.exists()
