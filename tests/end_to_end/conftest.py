"""All emulators as they run for a user, once for this folder, and a destination at each vendor.

Each test begins with what the vendors hold at first.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from tests.support.cli import Cli
from tests.support.destination import AtEmulator
from tests.support.emulators import NAMES, Emulators, emulating
from tests.support.relay import Relay, relay_config, relaying

from proofport.testing import Running

TOYS = Path(__file__).parents[1] / "toy"


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulators]:
    with emulating(tmp_path_factory.mktemp("emulate")) as emulators:
        yield emulators


@pytest.fixture
def emulators(started: Emulators) -> Emulators:
    started.restart()
    return started


@pytest.fixture
def cli(emulators: Emulators, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """A journal of its own, and vendors that hold nothing yet. Its lines are 80 columns wide."""
    monkeypatch.setenv("COLUMNS", "80")
    cli = Cli(tmp_path, emulators)
    cli.configure()
    assert cli.secrets()
    return cli


def _destination(name: str) -> Any:
    """The destination that the vendor's module in tests/support has, under the vendor's name."""

    @pytest.fixture(name=name)
    def destination(request: pytest.FixtureRequest, tmp_path: Path) -> AtEmulator:
        made: type[AtEmulator] = getattr(import_module(f"tests.support.{name}"), name.capitalize())
        return made(request.getfixturevalue(f"{name}_emulator"), tmp_path)

    return destination


for _name in NAMES:
    globals()[_name] = _destination(_name)


@pytest.fixture
def toys_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder holds packages and their metadata, as one that pip installs into."""
    monkeypatch.syspath_prepend(str(TOYS))


@pytest.fixture
async def relay(drata_emulator: Running, secureframe_emulator: Running, tmp_path: Path) -> AsyncIterator[Relay]:
    async with relaying(relay_config(tmp_path, drata_emulator, secureframe_emulator)) as opened:
        yield opened
