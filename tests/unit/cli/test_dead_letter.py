"""`dead-letter set-aside` and `drop` name what they did, what they did not do, and what happens next."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.support.cli import CommandLine
from tests.support.emulators import block
from tests.support.evidence import cloud_resource

import proofport

REASON = ("--reason", "it holds the others up")


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    """Three deliveries are queued, and nobody delivers them."""
    place = {**block("drata"), "objects": {"cloud_resource": {"connection_id": 4, "resource_id": 104}}}
    cli = CommandLine(tmp_path, {"drata": place}, instance="test")
    cli.configure()

    async def submit() -> None:
        async with proofport.Gateway.from_file(tmp_path / "proofport.yaml") as gateway:
            for number in range(3):
                await gateway.submit([cloud_resource(number)], kind="cloud_resource", to=["drata"])

    asyncio.run(submit())
    return cli


def test_set_aside_names_each_and_says_what_is_next(cli: CommandLine) -> None:
    done = cli.type("dead-letter", "set-aside", "1", "2", *REASON)
    assert done.code == 0
    assert done.out.splitlines()[0] == "2 of 2 set aside: 1, 2"
    assert "Their lanes go on without them" in done.words
    again = cli.type("dead-letter", "set-aside", "2", "3", "9", *REASON)
    assert again.code == 2
    assert again.out.splitlines()[0] == "1 of 3 set aside: 3"
    assert again.err.splitlines() == ["2 is dead", "there is no delivery 9", "Only what is queued can be set aside."]


def test_drop_names_each_and_says_what_is_next(cli: CommandLine) -> None:
    assert cli.type("dead-letter", "set-aside", "1", "2", *REASON).code == 0
    done = cli.type("dead-letter", "drop", "2", *REASON)
    assert done.code == 0
    assert done.out.splitlines()[0] == "1 of 1 dropped: 2"
    assert "not sent any more" in done.words
    again = cli.type("dead-letter", "drop", "2", "3", *REASON)
    assert again.code == 2
    assert again.out == "0 of 2 dropped: none\n"
    assert again.err.splitlines() == ["2 is cancelled", "3 is queued", "Only dead letters can be dropped."]
