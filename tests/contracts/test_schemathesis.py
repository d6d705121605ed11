"""Schemathesis makes up requests from each vendor's document; no answer of an emulator may fall outside it.

`make test` runs a small fixed sample, `make soak` a large random one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import yaml
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.contracts.made_up import SOAK, each_request, in_a_thread
from tests.support.emulators import document, seeded

from proofport.testing import Emulator, serve

EXAMPLES = 300 if SOAK else 4
USER = "20000000-0000-4000-8000-000000000001"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@dataclass(frozen=True)
class Vendor:
    """`known`: what the seed holds by path parameter, so that requests come further than an unknown id."""

    document: Path
    key: str
    known: Mapping[str, Sequence[Any]]

    def operations(self) -> dict[str, Any]:
        schema = schemathesis.openapi.from_dict(yaml.safe_load(self.document.read_text()))
        return {each.label: each for each in (found.ok() for found in list[Any](schema.get_all_operations()))}

    def seeded(self) -> Emulator:
        raise NotImplementedError


class Drata(Vendor):
    def seeded(self) -> Emulator:
        emulator = seeded("drata")
        state = emulator.state()
        state["connections"][0]["resources"][0] |= {
            "records": [{"id": "a"}],
            "sessions": [{"sessionId": "open", "status": "IN_PROGRESS"}],
        }
        state["connections"].append({"id": 7, "type": "IDENTITY", "name": "people"})
        emulator.load(state)
        return emulator


class Secureframe(Vendor):
    def seeded(self) -> Emulator:
        emulator = seeded("secureframe")
        state = emulator.state()
        for schema in state["connections"][0]["schemas"]:
            schema["resources"] = [{"id": "a", "email": "a@example.com", "cloud_resource_type": "vpc"}]
        emulator.load({**state, "users": [{"id": USER, "email": "a@example.com"}]})
        return emulator


VENDORS = {
    "drata": Drata(
        document("drata"),
        "Bearer drata-emulator-key",
        {"connectionId": [1, 5, 6, 7], "resourceId": [101], "recordId": ["a"], "sessionId": ["open"], "id": [7]},
    ),
    "secureframe": Secureframe(
        document("secureframe"),
        "secureframe-emulator-key secureframe-emulator-secret",
        {"id": ["5f0c0c0e-0000-4000-8000-000000000001", "10000000-0000-4000-8000-000000000001", USER]},
    ),
}


@cache
def operations(vendor: str) -> dict[str, Any]:
    return VENDORS[vendor].operations()


@pytest.fixture(scope="module")
def origins() -> Iterator[dict[str, str]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(in_a_thread(serve(vendor.seeded()))) for name, vendor in VENDORS.items()}


@pytest.mark.parametrize(("vendor", "label"), [(vendor, label) for vendor in VENDORS for label in operations(vendor)])
@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_no_answer_falls_outside_the_document(origins: dict[str, str], vendor: str, label: str, mode: str) -> None:
    known, key = VENDORS[vendor].known, {"Authorization": VENDORS[vendor].key}

    def answers(case: Any) -> None:
        case.call_and_validate(base_url=origins[vendor], headers=key, checks=CHECKS)

    each_request(operations(vendor)[label], mode, answers, examples=EXAMPLES, known=known)
