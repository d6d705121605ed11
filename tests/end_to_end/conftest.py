"""One pair of emulators for this folder, in a process of its own; each test begins with what they held at first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.end_to_end.company import Company
from tests.end_to_end.lab import Lab, control, emulating
from tests.end_to_end.tenant import Tenant

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
