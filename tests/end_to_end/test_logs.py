"""The log of a command: as text or JSON, and how much of it."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest
from tests.support.cli import ACCOUNTS, SNAPSHOT, Cli
from tests.support.destination import configuration
from tests.support.emulators import block
from tests.support.evidence import personnel_account
from tests.support.programs import fetch, process

from proofport.gateway import Gateway
from proofport.logs import FIELDS


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def push(cli: Cli, *options: str, before: tuple[str, ...] = (), **environment: str) -> Any:
    file = cli.write("a.ndjson", personnel_account(1))
    arguments = ("push", file, *ACCOUNTS, *SNAPSHOT, "--to", "drata", "--json")
    return cli.run(*before, *arguments, *options, **environment)


@pytest.mark.parametrize("first", [True, False])
def test_any_command_logs_in_json(cli: Cli, first: bool) -> None:
    options = ("--log-level", "info", "--log-format", "json")
    typed = push(cli, *(() if first else options), before=options if first else ())
    assert typed.code == 0, typed
    assert typed.json["exit_code"] == 0, "stdout has the report and nothing else"
    events = {each["event"]: each for each in lines(typed.err)}
    assert events["run_started"]["kind"] == "personnel_account"
    assert events["run_started"]["level"] == "info"
    assert events["run_started"]["logger"] == "proofport.delivery"
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT[\d:.]+\+00:00", events["run_started"]["time"])
    assert events["run_ended"]["exit_code"] == 0


def test_the_environment_says_it_too(cli: Cli) -> None:
    typed = push(cli, PROOFPORT_LOG_LEVEL="info", PROOFPORT_LOG_FORMAT="json")
    assert "run_started" in {each["event"] for each in lines(typed.err)}


def test_without_a_level_a_command_logs_nothing(cli: Cli) -> None:
    assert lines(push(cli, "--log-format", "json").err) == []
    assert "run_started" not in push(cli).err
    assert "run_started" not in push(cli, "--log-level", "error").err
    assert "event='run_started'" in push(cli, "--log-level", "info").err


def test_a_level_that_is_none_is_refused(cli: Cli) -> None:
    assert cli.type("status", "--log-level", "loud").code == 2
    assert cli.type("dead-letter", "list", "--log-level", "info").code == 0


async def test_a_relay_and_its_requests_in_json(tmp_path: Path) -> None:
    (tmp_path / "proofport.yaml").write_text("instance: test\nrelay: {port: 0}\n")
    async with process("relay", "--log-format", "json", folder=tmp_path) as relay:
        assert relay.stdout is not None
        origin = (await relay.stdout.readline()).decode().split()[-1]
        fetch("GET", f"{origin}/v1/lanes")
        relay.send_signal(signal.SIGHUP)
        fetch("GET", f"{origin}/v1/mappings")
        relay.terminate()
        _, err = await relay.communicate()
    assert relay.returncode == 0, "SIGHUP ends nothing"
    requests = [each for each in lines(err.decode()) if each["event"] == "request"]
    assert [(each["route"], each["status"], each["method"]) for each in requests] == [
        ("/v1/lanes", 200, "GET"),
        ("/v1/mappings", 200, "GET"),
    ]
    assert all(isinstance(each["seconds"], float) and each["request_id"] for each in requests)


async def test_what_is_logged_of_a_lane_has_its_configured_names(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = configuration(tmp_path, {"drata": block("drata")}, journal="memory:")
    async with Gateway(config) as gateway:
        journal, lane = await gateway.journal(), gateway.places.lane("drata", "device")
        for owner in ("the dead", "the living"):
            assert await journal.claim(lane, owner=owner, lease=0.0)
    [told] = [each for each in caplog.records if "lane_taken_over" in each.getMessage()]
    fields = getattr(told, FIELDS)
    assert (fields["lane"], fields["destination"], fields["kind"]) == (lane, "drata", "device")
