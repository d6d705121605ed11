"""What every test may use: each emulator on a real socket, and a PostgreSQL.

The fixtures `<vendor>_emulator` and `<vendor>_contract` are made for every emulator that is installed.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from tests.support.emulators import NAMES, contract, emulated
from tests.support.journals import close_all
from tests.support.openapi import Contract
from tests.support.postgres import Database, database, shared_server
from tests.support.soak import examples

from proofport.testing import Running

TOYS = Path(__file__).parent / "toy"

# Tests start many processes, which should not compile the library each time. Workers of xdist inherit this.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

settings.register_profile("proofport", max_examples=examples(40, 100))
settings.load_profile("proofport")


def pytest_configure() -> None:
    gc.disable()  # until the tests are collected: they are many objects, and none of them goes


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()


def _emulator(name: str) -> Any:
    @pytest.fixture(name=f"{name}_emulator")
    async def emulator() -> AsyncIterator[Running]:
        """Whatever it answers is held against its vendor's OpenAPI document when the test ends."""
        async with emulated(name) as served:
            yield served

    return emulator


def _contract(name: str) -> Any:
    @pytest.fixture(name=f"{name}_contract")
    def document() -> Contract:
        """The document of the emulator, and what was answered so far in this session."""
        return contract(name)

    return document


for _name in NAMES:
    globals()[f"{_name}_emulator"] = _emulator(_name)
    globals()[f"{_name}_contract"] = _contract(_name)


@pytest.fixture(autouse=True)
async def _journals() -> AsyncIterator[None]:
    """Journals of unit tests end with their test."""
    yield
    await close_all()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A journal's database on a real PostgreSQL, which all processes of this test session share."""
    folder = tmp_path_factory.getbasetemp()
    shared = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    with shared_server(shared) as server, database(server) as url:
        made = Database(url)
        yield made
        made.drop_role()


@pytest.fixture
def toys_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The toys as installed packages: the folder holds packages and their metadata, as one that pip installs into."""
    monkeypatch.syspath_prepend(str(TOYS))
