"""Schemathesis makes up requests from Drata's document; no answer of the emulator may fall outside it.

`make test` runs a small fixed sample, `make soak` a large random one.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

import proofport_drata.emulator
from proofport.testing import serve
from proofport_drata.emulator import DrataEmulator

SOAK = bool(os.environ.get("PROOFPORT_SOAK"))
EXAMPLES = 300 if SOAK else 4
DOCUMENT = yaml.safe_load(Path(proofport_drata.emulator.__file__).with_name("openapi.yaml").read_text())
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
KEY = {"Authorization": "Bearer drata-emulator-key"}
KNOWN: dict[str, list[Any]] = {
    "connectionId": [1, 5, 6, 7],
    "resourceId": [101],
    "recordId": ["a"],
    "sessionId": ["open"],
    "id": [7],
}
"""What the seed holds, so that requests come further than an unknown id."""

SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS: dict[str, Any] = {
    each.label: each for each in (found.ok() for found in list[Any](SCHEMA.get_all_operations()))
}


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    """The emulator in a thread of its own: Schemathesis calls as a plain client does, and waits."""
    emulator, ready, stop = DrataEmulator(), threading.Event(), asyncio.Event()
    found: list[Any] = []

    async def run() -> None:
        emulator.seed()
        state = emulator.state()
        state["connections"][0]["resources"][0] |= {
            "records": [{"id": "a"}],
            "sessions": [{"sessionId": "open", "status": "IN_PROGRESS"}],
        }
        state["connections"].append({"id": 7, "type": "IDENTITY", "name": "people"})
        emulator.load(state)
        async with serve(emulator) as origin:
            found.extend((origin, asyncio.get_running_loop()))
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    assert ready.wait(20)
    yield found[0]
    found[1].call_soon_threadsafe(stop.set)
    thread.join()


@pytest.mark.parametrize("label", OPERATIONS)
@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_no_answer_falls_outside_the_document(origin: str, label: str, mode: str) -> None:
    cases = OPERATIONS[label].as_strategy(generation_mode=schemathesis.GenerationMode(mode))

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=not SOAK,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, data=st.data())
    def answers(case: Any, data: st.DataObject) -> None:
        for name in case.path_parameters or {}:
            if name in KNOWN and data.draw(st.booleans()):
                case.path_parameters[name] = data.draw(st.sampled_from(KNOWN[name]))
        case.call_and_validate(base_url=origin, headers=KEY, checks=CHECKS)

    answers()
