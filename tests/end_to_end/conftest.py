"""One pair of emulators for this folder, in a process of its own; each test begins with what they held at first."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from tests.end_to_end.company import Company
from tests.end_to_end.lab import Lab, control, emulating
from tests.end_to_end.tenant import Tenant
from tests.end_to_end.wholes import SECRET, TOYS
from tests.toy.whole_server import Whole

from proofport.testing import Running


@pytest.fixture(scope="session")
def emulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The configuration that `proofport emulate` wrote, but for its journal."""
    with emulating(tmp_path_factory.mktemp("emulate") / "proofport.yaml") as config:
        del config["journal"]
        yield config


@pytest.fixture(scope="session")
def fresh(emulators: dict[str, Any]) -> dict[str, Any]:
    """What each vendor holds at first, by its origin."""
    origins = (block["base_url"] for block in emulators["destinations"].values())
    return {origin: control(origin, "GET", "state") for origin in origins}


@pytest.fixture
def lab(
    emulators: dict[str, Any],
    fresh: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Lab:
    """A journal of its own, and vendors that hold nothing yet."""
    monkeypatch.chdir(tmp_path)
    for origin, state in fresh.items():
        control(origin, "DELETE", "faults")
        control(origin, "POST", "reset")
        control(origin, "POST", "seed", **state)
    lab = Lab(tmp_path, emulators, capsys)
    lab.configure()
    return lab


@pytest.fixture
async def tenant(drata_emulator: Running, tmp_path: Path) -> Tenant:
    return Tenant(drata_emulator, tmp_path)


@pytest.fixture
async def company(secureframe_emulator: Running, tmp_path: Path) -> Company:
    return Company(secureframe_emulator, tmp_path)


# ---------------------------------------------------------------------- a vendor that takes only whole sets
@pytest.fixture
async def whole() -> Whole:
    return Whole(SECRET)


@pytest.fixture
async def config(whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[dict[str, Any]]:
    """The configuration of the vendor `whole`. Its folder holds package and metadata, as one that pip installs into."""
    monkeypatch.syspath_prepend(str(TOYS))
    async with TestServer(whole.application, host="127.0.0.1") as server:
        origin = str(server.make_url("")).rstrip("/")
        destination = {"adapter": "whole", "base_url": origin, "client_id": "app", "client_secret": SECRET}
        journal = str(tmp_path / "journal.sqlite3")
        yield {"instance": "test", "journal": journal, "patience": 0, "destinations": {"wholes": destination}}


@pytest.fixture
def sold(config: dict[str, Any]) -> dict[str, Any]:
    """The guard lets half of a set go."""
    return {**config, "guard": {"max_gone": 0.5}}
