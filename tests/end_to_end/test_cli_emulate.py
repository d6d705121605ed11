"""`proofport emulate` as a program: ready when it says so, a configuration that fits, gone without a trace."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from subprocess import PIPE

import pytest
from tests.support.programs import fetch, first_line, program

from proofport import registry
from proofport.config import Config


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_serves_from_ready_until_it_is_stopped(tmp_path: Path, stop: signal.Signals) -> None:
    file = tmp_path / "proofport.yaml"
    with program("emulate", "--write-config", str(file)) as process:
        assert first_line(process) == "ready\n"
        config = Config.load(file)
        assert sorted(config.destinations) == registry.names(registry.EMULATORS)
        for name in config.destinations:
            assert fetch("GET", f"{config.adapter(name).origin}/_emulator/state").body["connections"]
            assert config.adapter(name).origin == config.destinations[name]["base_url"]
        assert isinstance(config.journal, Path)
        assert not config.journal.exists()
        folder = config.journal.parent
        assert folder.is_dir()
        process.send_signal(stop)
        said, _ = process.communicate(timeout=20)
    assert said == ""
    assert process.returncode == 0
    assert not folder.exists()
    assert [each.name for each in tmp_path.iterdir()] == ["proofport.yaml"]


def test_a_port_of_ones_own(tmp_path: Path) -> None:
    first, second = tmp_path / "1.yaml", tmp_path / "2.yaml"
    name = registry.names(registry.EMULATORS)[0]
    with program("emulate", "--write-config", str(first)) as process:
        first_line(process)
        port = Config.load(first).destinations[name]["base_url"].rpartition(":")[2]
        with program("emulate", "--write-config", str(second), f"--{name}-port", port, stderr=PIPE) as other:
            _, said = other.communicate(timeout=20)
    assert other.returncode == 2
    assert f"127.0.0.1:{port}" in said
    assert "Traceback" not in said
    assert not second.exists()


def test_what_was_recorded_is_answered_again(tmp_path: Path) -> None:
    file, recording = tmp_path / "emulated.yaml", tmp_path / "exchanges.ndjson"

    def asked(option: str) -> list[object]:
        with program("emulate", "--write-config", str(file), option, str(recording)) as process:
            assert first_line(process) == "ready\n"
            blocks = Config.load(file).destinations
            return [fetch("GET", f"{blocks[name]['base_url']}/nowhere").body for name in sorted(blocks)]

    assert asked("--record") == asked("--replay")
    with program("emulate", "--record", str(recording), stderr=PIPE) as process:
        _, said = process.communicate(timeout=20)
    assert (process.returncode, "exists" in said) == (2, True)


def test_a_file_that_cannot_be_written_stops_it(tmp_path: Path) -> None:
    with program("emulate", "--write-config", str(tmp_path / "no" / "such" / "folder.yaml"), stderr=PIPE) as process:
        said, complaint = process.communicate(timeout=20)
    assert process.returncode == 2
    assert said == ""
    assert "cannot be written" in complaint


def test_a_configuration_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "proofport.yaml"
    file.write_text("instance: acme\n")
    with program("emulate", "--write-config", str(file), stderr=subprocess.PIPE) as process:
        said, complaint = process.communicate(timeout=20)
    assert (said, process.returncode) == ("", 2)
    assert "was not written by `proofport emulate`" in complaint
    assert file.read_text() == "instance: acme\n"


def test_a_configuration_of_an_earlier_emulator_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "proofport.yaml"
    for _ in range(2):
        with program("emulate", "--write-config", str(file)) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            process.kill()
