"""A run that an answer of the vendor stops: `status` says which one, and how far the run came."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

from tests.support.cli import ACCOUNTS, DRATA, SNAPSHOT, Cli
from tests.support.evidence import personnel_account
from tests.support.programs import wait

from proofport import Gateway, RunReport

COUNT = 2_100
ACCOUNTS_HERE = [personnel_account(number) for number in range(COUNT)]


async def pushed(cli: Cli, destination: str, mode: Any, **fault: Any) -> RunReport:
    """A push whose vendor begins to answer with a fault when it has taken something."""

    async def records() -> AsyncIterator[Any]:
        for number, record in enumerate(ACCOUNTS_HERE):
            if number == COUNT - 100:
                await asyncio.to_thread(wait, lambda: bool(cli.held(destination, "personnel_account")) or staged(cli))
                cli.emulators.fault(destination, **fault)
            yield record

    async with Gateway.from_file(cli.folder / "proofport.yaml") as gateway:
        return await gateway.push(records(), kind="personnel_account", to=destination, mode=mode)


def staged(cli: Cli) -> bool:
    sent = [call["path"] for call in cli.emulators.received("drata") if call["method"] == "POST"]
    return any(re.search(r"/sessions/[^/]+$", path) for path in sent)


def said(cli: Cli, *subject: str) -> str:
    return cli.type("status", *subject).words


def test_a_push_says_which_answer_stopped_it_and_how_much_was_accepted(cli: Cli) -> None:
    cli.configure(patience=0)
    run = asyncio.run(pushed(cli, "secureframe", "upsert", status={"code": 429, "times": 1_000}))
    accepted = run.destinations["secureframe"].tally.assurance["accepted"]  # type: ignore[index]
    assert 0 < accepted < COUNT
    for subject in ((), (run.run_id,)):
        assert f"stopped before its end (429): {accepted:,} of {COUNT:,} accepted" in said(cli, *subject)
    [shown] = cli.type("status", "--json").json["interrupted"]
    assert (shown["stopped"], shown["books"]["input"], shown["running"]) == ("429", COUNT, False)
    cli.emulators.fault("secureframe")
    file = cli.write("all.ndjson", *ACCOUNTS_HERE)
    resumed = cli.type("push", file, *ACCOUNTS, "--to", "secureframe", "--resume", run.run_id)
    assert resumed.code == 0, resumed
    assert "stopped" not in said(cli)


def test_a_staged_set_says_that_nothing_of_it_is_live(cli: Cli) -> None:
    cli.configure(patience=0)
    run = asyncio.run(pushed(cli, "drata", "snapshot", status={"code": 401, "times": 1_000}))
    words = said(cli, run.run_id)
    assert re.search(
        r"stopped before its end \(401\): [\d,]+ of 2,100 were sent, and none of them is in the live set", words
    )


def test_a_vendor_that_is_not_there(cli: Cli) -> None:
    cli.configure(patience=0, drata={"base_url": "http://127.0.0.1:1"})
    cli.type("push", cli.write("one.ndjson", personnel_account(1)), *ACCOUNTS, *DRATA, *SNAPSHOT)
    assert "stopped before its end (no answer): 0 of 1 delivered" in said(cli)
