"""A push that dies around its receipt: no run is without a receipt or the mark, and none has two."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from signal import SIGKILL

import pytest
from tests.support.cli import ACCOUNTS, DRATA, SNAPSHOT, Cli
from tests.support.emulators import emulating
from tests.support.evidence import personnel_account
from tests.support.forked import forked

from proofport import Gateway
from proofport.journal.contract import Delivery, Filter

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

from proofport.audit import lanes
from proofport.journal.sql.lane_run import SqlLaneRun
lanes.MOST = 5  # a receipt as soon as the five have ended

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
    done = subprocess.run(forked("-c", KILLED, place, *command), cwd=cli.folder, capture_output=True)
    assert done.returncode == -SIGKILL, done.stderr
    state = cli.type("receipt", "list", "--json").json
    told = {row["run_id"] for row in state["receipts"]} | {row["run_id"] for row in state["unreceipted"]}
    assert len(told) == 1
    while cli.type("receipt", "list", "--json").json["unreceipted"] or len(receipts(cli)) < 2:
        assert cli.type(*command).code == 0  # each start writes what is due, once the lease of the dead has run out
    runs = [row["run_id"] for row in receipts(cli)]
    assert len(runs) == len(set(runs))
    assert told <= set(runs)


QUEUE_PLACES = {
    "before a delivery has ended": "SqlLaneRun:done:before",
    "after a delivery has ended": "SqlLaneRun:done:after",
    "before the receipt is added": "SqlLaneRun:add_receipt:before",
    "after the receipt is added": "SqlLaneRun:add_receipt:after",
}


@pytest.mark.parametrize("place", QUEUE_PLACES.values(), ids=QUEUE_PLACES)
def test_a_killed_worker_leaves_no_delivery_without_a_receipt(cli: Cli, place: str) -> None:
    """Nor one with two: the next who holds the lane writes what is due."""
    asyncio.run(submitted(cli, 5))
    done = subprocess.run(forked("-c", KILLED, place, "worker"), cwd=cli.folder, capture_output=True)
    assert done.returncode == -SIGKILL, done.stderr
    deliveries = asyncio.run(worked_off(cli))
    assert {each.state for each in deliveries} == {"done"}
    numbers = [row["number"] for row in receipts(cli)]
    assert {each.receipt for each in deliveries} == set(numbers)
    said = [json.loads(cli.type("receipt", "show", number, "--json").out)["predicate"] for number in numbers]
    assert sum(each["deliveries"]["count"] for each in said) == len(deliveries)
    assert sum(each["population"]["input"] for each in said) == sum(each.records for each in deliveries)


async def submitted(cli: Cli, count: int) -> None:
    async with Gateway.from_file(cli.folder / "proofport.yaml") as gateway:
        for n in range(count):
            await gateway.submit([personnel_account(n)], kind="personnel_account", to="drata")


class Emptied:
    """Stops the work when so many deliveries have ended."""

    def __init__(self, count: int) -> None:
        self.stop = asyncio.Event()
        self._left = count

    def settled(self, delivery: Delivery, outcomes: object) -> None:
        self._left -= 1
        if self._left == 0:
            self.stop.set()

    def attempted(self, destination: str, attempts: object) -> None:
        """Do nothing: an attempt is no end."""


async def worked_off(cli: Cli) -> list[Delivery]:
    """Queue one more, and let a worker deliver all that is left. All deliveries."""
    await submitted(cli, 1)
    async with Gateway.from_file(cli.folder / "proofport.yaml") as gateway:
        journal = await gateway.journal()
        watch = Emptied(len(await journal.find(Filter(state="queued"))))
        await gateway.work(watch.stop, watch=watch)
        return await journal.find(Filter())


def receipts(cli: Cli) -> list[dict[str, str]]:
    found: list[dict[str, str]] = cli.type("receipt", "list", "--limit", "1000", "--json").json["receipts"]
    return found
