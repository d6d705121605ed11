"""What every test may use: both emulators on real sockets, and a PostgreSQL.

Whatever an emulator of these fixtures answers is held against its vendor's OpenAPI document when the test ends.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import pytest
from aiohttp import web
from tests.journals import close_all
from tests.openapi import Contract
from tests.postgres import Database, database, shared_server

import proofport_drata.emulator
import proofport_secureframe.emulator
from proofport.testing import Emulator, Running, running
from proofport_drata.emulator import DrataEmulator
from proofport_secureframe.emulator import SecureframeEmulator

# Tests start many processes, which should not compile the library each time. Workers of xdist inherit this.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

DOCUMENTS = {
    "drata": Path(proofport_drata.emulator.__file__).with_name("openapi.yaml"),
    "secureframe": Path(proofport_secureframe.emulator.__file__).with_name("openapi.yaml"),
}


@cache
def contract(name: str) -> Contract:
    return Contract(DOCUMENTS[name])


@asynccontextmanager
async def held_to_contract(emulator: Emulator) -> AsyncIterator[Running]:
    """Serve a seeded emulator; at the end, every answer it gave must fit the document."""
    document, application_of = contract(emulator.name), emulator.application
    document.violations.clear()

    def application() -> web.Application:
        application = application_of()
        application.on_response_prepare.append(document.check)
        return application

    emulator.application = application  # type: ignore[method-assign]
    async with running(emulator) as served:
        yield served
    assert document.violations == []


@pytest.fixture(autouse=True)
async def _journals() -> AsyncIterator[None]:
    """Journals of unit tests end with their test."""
    yield
    await close_all()


@pytest.fixture
async def drata_emulator() -> AsyncIterator[Running]:
    async with held_to_contract(DrataEmulator()) as emulator:
        yield emulator


@pytest.fixture
async def secureframe_emulator() -> AsyncIterator[Running]:
    async with held_to_contract(SecureframeEmulator()) as emulator:
        yield emulator


@pytest.fixture
def drata_contract() -> Contract:
    """The document of the Drata emulator, and what was answered so far in this session."""
    return contract("drata")


@pytest.fixture
def secureframe_contract() -> Contract:
    return contract("secureframe")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A journal's database on a real PostgreSQL, which all processes of this test session share."""
    folder = tmp_path_factory.getbasetemp()
    shared = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    with shared_server(shared) as server, database(server) as url:
        made = Database(url)
        yield made
        made.drop_role()
