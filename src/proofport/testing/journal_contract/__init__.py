"""What every journal must keep to, as test classes to inherit from (pytest with `asyncio_mode = auto`, hypothesis).

class TestAcme(JournalContract):
    def new_journal(self, clock): return AcmeJournal(fresh_place(), clock=clock)

class TestAcmeShared(SharedJournalContract):
    def shared_url(self): return fresh_place()
"""

from __future__ import annotations

from proofport.testing.journal_contract.base import Clock
from proofport.testing.journal_contract.known import KnownTests, PermitTests
from proofport.testing.journal_contract.lanes import LaneTests
from proofport.testing.journal_contract.queue import QueueTests
from proofport.testing.journal_contract.runs import RunTests
from proofport.testing.journal_contract.work import WorkTests

__all__ = ["Clock", "JournalContract"]


class JournalContract(QueueTests, LaneTests, RunTests, KnownTests, PermitTests, WorkTests):
    """All that a journal promises, within one process."""
