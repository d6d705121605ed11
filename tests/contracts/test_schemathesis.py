"""Schemathesis makes up requests from each vendor's document; no answer of an emulator may fall outside it.

`make test` runs a small fixed sample, `make soak` a large random one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from functools import cache
from typing import Any

import aiohttp
import pytest
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.contracts.made_up import SOAK, each_request, in_a_thread
from tests.contracts.vendors import vendor
from tests.support.emulators import NAMES, document

from proofport.testing import Running, serve

EXAMPLES = 100 if SOAK else 2
PLACES = ("path_parameters", "query", "body")
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@cache
def operations(name: str) -> dict[str, Any]:
    schema = schemathesis.openapi.from_dict(document(name))
    return {each.label: each for each in (found.ok() for found in list[Any](schema.get_all_operations()))}


@asynccontextmanager
async def opened(name: str) -> AsyncIterator[tuple[str, str]]:
    """A filled emulator that is served. Yields its origin, and the header of its customer."""
    emulator = vendor(name).filled()
    async with serve(emulator) as origin, aiohttp.ClientSession() as client:
        yield origin, await vendor(name).authorization(Running(emulator, origin, client))


@pytest.fixture(scope="module")
def served() -> Iterator[dict[str, tuple[str, str]]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(in_a_thread(opened(name))) for name in NAMES}


@pytest.mark.parametrize(("name", "label"), [(name, label) for name in NAMES for label in operations(name)])
@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_no_answer_falls_outside_the_document(
    served: dict[str, tuple[str, str]], name: str, label: str, mode: str
) -> None:
    origin, authorization = served[name]

    def answers(case: Any) -> None:
        case.call_and_validate(base_url=origin, headers={"Authorization": authorization}, checks=CHECKS)

    known = vendor(name).KNOWN
    each_request(operations(name)[label], mode, answers, examples=EXAMPLES, known=known, places=PLACES)
