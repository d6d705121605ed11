"""What every journal must keep to, as test classes to inherit from (pytest with `asyncio_mode = auto`, hypothesis).

class TestAcme(JournalContract):
    def new_journal(self, clock): return AcmeJournal(fresh_place(), clock=clock)

class TestAcmeShared(SharedJournalContract):
    def shared_url(self): return fresh_place()
    def end_leases(self): ...
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.journal_contract.access import AccessTests
from tests.journal_contract.arrivals import ArrivalTests
from tests.journal_contract.bodies import BodyTests, TombstoneTests
from tests.journal_contract.clock import ClockTests
from tests.journal_contract.erasing import ErasingTests
from tests.journal_contract.intents import IntentTests, SourceTests, SpellingTests
from tests.journal_contract.known import KnownTests
from tests.journal_contract.lanes import LaneTests
from tests.journal_contract.notices import NoticeTests
from tests.journal_contract.processes import ProcessTests
from tests.journal_contract.pruning import PruningTests
from tests.journal_contract.queue import QueueTests
from tests.journal_contract.receipts import ReceiptTests
from tests.journal_contract.registry import AdapterMemoryTests, LeaseTests, PermitTests
from tests.journal_contract.retention import RetentionTests
from tests.journal_contract.runs import RunTests
from tests.journal_contract.snapshots import CommitTests, SnapshotTests
from tests.journal_contract.stateful import JournalMachine
from tests.journal_contract.submissions import SubmissionTests
from tests.journal_contract.work import WorkTests

__all__ = ["JournalContract", "SharedJournalContract"]

SOAK = "PROOFPORT_SOAK" in os.environ


class JournalContract(
    QueueTests,
    SubmissionTests,
    SnapshotTests,
    CommitTests,
    LaneTests,
    RunTests,
    ArrivalTests,
    KnownTests,
    IntentTests,
    SourceTests,
    SpellingTests,
    AdapterMemoryTests,
    LeaseTests,
    BodyTests,
    TombstoneTests,
    AccessTests,
    ReceiptTests,
    RetentionTests,
    ErasingTests,
    NoticeTests,
    PermitTests,
    ClockTests,
    WorkTests,
):
    """All that a journal promises, within one process. `examples`: sequences of steps, of which a soak tries 125
    times as many."""

    examples = 8

    def test_any_sequence_of_steps_leaves_what_the_model_has(self) -> None:
        machine = type("Machine", (JournalMachine,), {"make": staticmethod(self.new_journal)})
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=125 * self.examples if SOAK else self.examples,
                stateful_step_count=50 if SOAK else 30,
                derandomize=not SOAK,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )


class SharedJournalContract(ProcessTests, PruningTests):
    """All that a journal promises to several processes."""
