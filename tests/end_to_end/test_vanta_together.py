"""Vanta beside the other vendors, and an application that several processes use."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support import drata, secureframe, vanta
from tests.support.cli import SNAPSHOT, CommandLine
from tests.support.destination import configuration
from tests.support.programs import process
from tests.support.relay import relay_config, relaying
from tests.support.reports import counts, notes
from tests.support.vanta import Vanta, account, accounts, computer, token_request

from proofport.delivery.report.report import Exit
from proofport.gateway import Gateway, Input
from proofport.testing import Running, json_body

ACCOUNT = "personnel_account"
COUNT = 3_000 if os.environ.get("PROOFPORT_SOAK") else 300
SECRET = "vanta-emulator-secret"
SECONDS = 60
"""A process that takes longer hangs."""


# ------------------------------------------------------------------ three vendors
async def test_one_file_goes_to_three_vendors(
    drata_emulator: Running, secureframe_emulator: Running, vanta_emulator: Running, tmp_path: Path
) -> None:
    """Somebody has left, and of somebody the source does not know if there is MFA."""
    served = {each.emulator.name: each for each in (drata_emulator, secureframe_emulator, vanta_emulator)}
    config = configuration(tmp_path, {name: each.destination() for name, each in served.items()})
    file = tmp_path / "accounts.ndjson"

    async def push(records: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
        file.write_text("".join(json.dumps(each) + "\n" for each in records))
        async with Gateway(config) as gateway:
            report = await gateway.push(Input(str(file)), kind=ACCOUNT, to=[*served], mode="snapshot")
        return {name: counts(report, name) for name in served}

    assert await push(accounts(COUNT)) == {name: {"delivered": COUNT} for name in served}
    unknown = account(COUNT, mfa_enabled=None)
    given = await push([*accounts(COUNT - 1), unknown])
    assert given == {
        "drata": {"delivered": COUNT},
        "secureframe": {"delivered": COUNT},
        "vanta": {"delivered": COUNT - 1, "withheld": 1},
    }
    states = {name: await each.state() for name, each in served.items()}
    left, here = f"a{COUNT - 1}", {f"a{n}" for n in range(COUNT - 1)}
    assert {each["id"] for each in drata.records(states["drata"], ACCOUNT)} == {*here, f"a{COUNT}"}
    ended = {each["id"]: each["active"] for each in secureframe.records(states["secureframe"], ACCOUNT)}
    assert ended == {**dict.fromkeys([*here, f"a{COUNT}"], True), left: False}
    shown = {each["id"]: each["status"] for each in vanta.records(states["vanta"], ACCOUNT)}
    assert shown == {**dict.fromkeys(here, "ACTIVE"), left: "DEACTIVATED"}


# ------------------------------------------------------------------ one application, several processes
async def test_two_kinds_in_one_process_share_a_token(vanta: Vanta) -> None:
    sets = {ACCOUNT: accounts(2), "device": [computer(0, "macos")]}
    async with vanta.gateway() as gateway:
        given = [gateway.push(records, kind=kind, to="vanta", mode="snapshot") for kind, records in sets.items()]
        reports = await asyncio.gather(*given)
    assert [each.exit_code for each in reports] == [Exit.OK, Exit.OK]
    assert await minted(vanta) == (1, 0)


async def minted(vanta: Vanta) -> tuple[int, int]:
    """The tokens that were issued, and the requests that came with a revoked one."""
    log = [*vanta.emulator.emulator.log]
    return sum(each.path == "/oauth/token" for each in log), sum(each.status == 401 for each in log)


async def test_two_processes_on_one_journal_never_revoke_a_token_in_use(vanta: Vanta) -> None:
    """The first is in the middle of a request when the second wants the token."""
    cli = configured(vanta)
    with held_back(vanta) as held:
        async with asyncio.timeout(SECONDS), pushing(cli, ACCOUNT, accounts(3)) as first:
            await held.arrived.wait()
            async with pushing(cli, "device", [computer(0, "macos")]) as second:
                assert second.stderr is not None
                said = await second.stderr.readline()
                held.open.set()
                ends = [await each.communicate() for each in (first, second)]
    assert b"the application's token is in use by" in said
    assert [each.returncode for each in (first, second)] == [0, 0], ends
    assert await minted(vanta) == (2, 0)
    assert [len(await vanta.records(kind)) for kind in (ACCOUNT, "device")] == [3, 1]


async def test_the_loser_of_two_journals_asks_for_a_token_once_more(vanta: Vanta) -> None:
    """Another program on the application revokes the token in the middle of a run, once."""
    async with vanta.gateway() as gateway:
        await gateway.push(accounts(2), kind=ACCOUNT, to="vanta", mode="snapshot")
        await steal(vanta)
        report = await gateway.push(accounts(3), kind=ACCOUNT, to="vanta", mode="snapshot")
    assert (report.exit_code, counts(report)) == (Exit.OK, {"delivered": 3})
    assert await minted(vanta) == (3, 1)


async def test_one_who_loses_its_token_again_and_again_says_what_happened(
    vanta: Vanta, monkeypatch: pytest.MonkeyPatch
) -> None:
    await vanta.push(accounts(2), kind=ACCOUNT)
    monkeypatch.setattr("proofport_vanta.emulator.tokens.Tokens.client_id", lambda *_: None)
    monkeypatch.setattr("proofport_vanta.emulator.tokens.Tokens._token", lambda *_: None)
    report = await vanta.push(accounts(3), kind=ACCOUNT)
    monkeypatch.undo()
    assert (report.exit_code, counts(report)) == (Exit.BLOCKED, {"withheld": 3})
    assert "another program asks for tokens of this application" in notes(report)
    assert len(await vanta.records(ACCOUNT)) == 2, "nothing is half done"


async def steal(vanta: Vanta) -> None:
    """Ask for a token of the application, as a program without this journal does."""
    asking = token_request(vanta.emulator.destination())
    async with vanta.emulator.client.post(vanta.emulator.origin + "/oauth/token", json=asking) as answer:
        assert answer.status == 200


class Held:
    """The first set that arrives is taken once `open` is set."""

    def __init__(self) -> None:
        self.arrived, self.open = asyncio.Event(), asyncio.Event()


@contextmanager
def held_back(vanta: Vanta) -> Iterator[Held]:
    held = Held()

    async def body(request: Any) -> Any:
        held.arrived.set()
        await held.open.wait()
        return await json_body(request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("proofport_vanta.emulator.resources.json_body", body)
        yield held


def configured(at: Vanta) -> CommandLine:
    """A folder for processes that deliver to it, with the same journal."""
    blocks = {at.name: {**at.block, "client_secret": "env:VANTA_SECRET", "requests_per_minute": 0}}
    cli = CommandLine(at.folder, blocks, instance="test", journal=str(at.folder / "journal"), **at.options)
    cli.configure(patience=SECONDS)
    return cli


def pushing(
    cli: CommandLine, kind: str, records: list[dict[str, Any]], *more: str
) -> AbstractAsyncContextManager[asyncio.subprocess.Process]:
    """`proofport push` in a process of its own."""
    file = cli.write(f"{kind}.ndjson", *records)
    arguments = ("push", file, "--kind", kind, "--to", "vanta", *SNAPSHOT, "--json", *more)
    return process(*arguments, folder=cli.folder, VANTA_SECRET=SECRET)


# ------------------------------------------------------------------ a relay
async def test_a_relay_delivers_the_parts_of_a_snapshot_as_one_set(vanta_emulator: Running, tmp_path: Path) -> None:
    async with relaying(relay_config(tmp_path, vanta_emulator)) as relay:
        single = await relay.post(accounts(1), "to=vanta", kind=ACCOUNT)
        assert (single.status // 100, "whole sets" in single.body["detail"]) == (4, True)
        opened = await relay.ask("POST", "/v1/snapshots", json={"kind": ACCOUNT, "to": ["vanta"]})
        snapshot = f"/v1/snapshots/{opened.body['id']}"
        for number, records in enumerate((accounts(2), [account(2), account(3)])):
            await relay.ask("PUT", f"{snapshot}/parts/{number}", json=records)
        answer = await relay.ask("POST", f"{snapshot}/commit")
        books = answer.body["report"]["destinations"]["vanta"]
        assert (answer.status, books["delivered"]) == (200, 4)
    sets = [each for each in await vanta_emulator.received() if each["method"] == "PUT"]
    assert len(sets) == 1
