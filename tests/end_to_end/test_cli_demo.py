"""The tour ends well, without a terminal, and says the same as what the vendors hold."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.support.cli import CommandLine

from proofport import registry


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Told once for all tests: it leaves neither a file nor a process behind."""
    folder = tmp_path_factory.mktemp("demo")
    done = CommandLine(tmp_path_factory.mktemp("empty"), {}).run("demo", COLUMNS="80", TMPDIR=str(folder))
    assert (done.code, done.err) == (0, "")
    assert list(folder.iterdir()) == []
    assert str(folder) not in "".join(command_lines())
    return done.out


def command_lines() -> Iterator[str]:
    """Of every process there is, on Linux."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield file.read_text(errors="replace")


def test_the_tour(told: str) -> None:
    prose = [line for line in told.splitlines() if not line.startswith('  "')]
    assert all(len(line) <= 80 for line in prose)
    plain = " ".join(told.split())
    for name in registry.names(registry.EMULATORS):
        assert f"{name} http://127.0.0.1:" in plain
    assert "vanta: there already, because the emulator begins with it: cloud_resource" in plain
    assert "through its API" not in plain, "no emulator makes any of it on this tour"
    assert "The snapshot was not completed: 3 records rejected (allowed 0)" in plain
    for kind, *counts in (
        ("cloud_resource", "20 18 0 0 2", "20 0 17 0 3", "20 18 0 0 2"),
        ("training_record", "16 13 0 0 3", "16 0 12 0 4", "16 12 0 1 3"),
        ("personnel_account", "16 13 0 0 3", "16 0 12 0 4", "16 10 0 3 3"),
    ):
        assert "{} drata {} secureframe {} vanta {}".format(kind, *counts) in plain
    assert "Did you mean 'ec2_instance'?" in plain
    assert "drata no longer holds acct-06" in plain
    assert "secureframe still holds acct-06" in plain
    assert "vanta still holds acct-06" in plain


def test_the_relay_is_killed_between_acceptance_and_delivery(told: str) -> None:
    chapter = told[told.index(" A tool that knows only curl") :]
    vendors = [name for name in registry.names(registry.EMULATORS) if name != "vanta"]
    marks = ("$ curl -i", "$ kill -9", "proofport relay\ndrata", "Idempotent-Replayed: true")
    posted, killed, started, repeated = map(chapter.index, marks)
    assert posted < killed < started < repeated
    for name in vendors:
        assert killed < chapter.index(f"{name} has not heard of acct-20") < started
        assert started < chapter.index(f"{name} holds acct-20") < repeated
    assert chapter.count("HTTP/1.1 202 Accepted\nLocation: /v1/deliveries?submission=1\n") == 2


def test_what_is_printed_may_be_pasted(told: str) -> None:
    """A shell makes of it what the tour has sent."""
    lines = told[told.index("curl -i") : told.index("HTTP/1.1 202")].replace("$RELAY", "http://relay")
    command = shlex.split(lines)
    assert command[:3] == ["curl", "-i", "http://relay/v1/evidence/personnel_account?to=drata&to=secureframe"]
    assert [command[at + 1] for at, word in enumerate(command) if word == "-H"] == [
        "Content-Type: application/json",
        "Idempotency-Key: ines-starts",
    ]
    assert json.loads(command[-1]) == {"id": "acct-20", "email": "ines@example.com", "active": True}
