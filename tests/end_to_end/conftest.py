"""All emulators as they run for a user, once for this folder, and a destination at each vendor.

Each test begins with what the vendors hold at first.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from tests.support.cli import Cli
from tests.support.destination import AtEmulator, Destination
from tests.support.emulators import NAMES, Emulators, emulating
from tests.support.receipts import sign, three_runs
from tests.support.relay import Relay, relay_config, relaying
from tests.toy.whole_server import Whole

from proofport.testing import Running

WHOLE_SECRET = "whole-secret"


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


@pytest.fixture
def signing(cli: Cli) -> Cli:
    sign(cli)
    return cli


@pytest.fixture
def pushed(signing: Cli) -> Cli:
    """As `three_runs` leaves it."""
    three_runs(signing)
    return signing


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
async def relay(drata_emulator: Running, secureframe_emulator: Running, tmp_path: Path) -> AsyncIterator[Relay]:
    async with relaying(relay_config(tmp_path, drata_emulator, secureframe_emulator)) as opened:
        yield opened


# ---------------------------------------------------------------------- a vendor that takes only whole sets
@pytest.fixture
async def whole() -> Whole:
    return Whole(WHOLE_SECRET)


@pytest.fixture
async def wholes(whole: Whole, tmp_path: Path) -> AsyncIterator[Destination]:
    async with TestServer(whole.application, host="127.0.0.1") as server:
        origin = str(server.make_url("")).rstrip("/")
        block = {"adapter": "whole", "base_url": origin, "client_id": "app", "client_secret": WHOLE_SECRET}
        yield Destination("wholes", block, tmp_path)


@pytest.fixture
def sold(wholes: Destination) -> Destination:
    """The guard lets half of a set go."""
    wholes.options["guard"] = {"max_gone": 0.5}
    return wholes
