"""A push that dies around its receipt: no run is without a receipt or the mark, and none has two."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from signal import SIGKILL

import pytest
from tests.support.cli import ACCOUNTS, DRATA, SNAPSHOT, Cli
from tests.support.emulators import emulating
from tests.support.evidence import personnel_account

KILLED = """
import os, signal, sys
from proofport.audit.receipt import RunWitness
from proofport.delivery.books import RunBooks
from proofport.journal.sql.receipts import ReceiptsPart

def dying(owner, name, after):
    method = getattr(owner, name)
    async def killed(self, *given, **named):
        result = await method(self, *given, **named) if after else None
        os.kill(os.getpid(), signal.SIGKILL)
    setattr(owner, name, killed)

owner, name, after = sys.argv.pop(1).split(":")
dying(globals()[owner], name, after == "after")
from proofport.cli import main
sys.exit(main())
"""

PLACES = {
    "before the end is noted": "RunBooks:end:before",
    "after the end is noted": "RunBooks:end:after",
    "before the receipt is made": "RunWitness:certify:before",
    "before the receipt is added": "ReceiptsPart:add_receipt:before",
    "after the receipt is added": "ReceiptsPart:add_receipt:after",
    "before the report": "RunWitness:certify:after",
}


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    with emulating(tmp_path) as emulators:
        cli = Cli(tmp_path, emulators, lease=1)
        cli.configure(receipts={"key": "file:receipts.key"})
        assert cli.type("receipt", "key", "create").code == 0
        cli.write("a.ndjson", *(personnel_account(n) for n in range(5)))
        yield cli


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_a_killed_push_leaves_a_receipt_or_the_mark(cli: Cli, place: str) -> None:
    command = ("push", "a.ndjson", *ACCOUNTS, *DRATA, *SNAPSHOT)
    done = subprocess.run([sys.executable, "-c", KILLED, place, *command], cwd=cli.folder, capture_output=True)
    assert done.returncode == -SIGKILL, done.stderr
    state = cli.type("receipt", "list", "--json").json
    told = {row["run_id"] for row in state["receipts"]} | {row["run_id"] for row in state["unreceipted"]}
    assert len(told) == 1
    while cli.type("receipt", "list", "--json").json["unreceipted"] or len(receipts(cli)) < 2:
        assert cli.type(*command).code == 0  # each start writes what is due, once the lease of the dead has run out
    runs = [row["run_id"] for row in receipts(cli)]
    assert len(runs) == len(set(runs))
    assert told <= set(runs)


def receipts(cli: Cli) -> list[dict[str, str]]:
    found: list[dict[str, str]] = cli.type("receipt", "list", "--limit", "1000", "--json").json["receipts"]
    return found
