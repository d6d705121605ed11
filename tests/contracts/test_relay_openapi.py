"""The relay against its own document: Schemathesis makes up requests, and no answer may fall outside it.

`make test` runs a small fixed sample, `make soak` a large random one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
import schemathesis
from openapi_spec_validator import validate
from schemathesis.checks import CHECKS
from schemathesis.config import SchemathesisConfig
from tests.contracts.made_up import SOAK, each_request, in_a_thread
from tests.support.emulators import emulated
from tests.support.evidence import cloud_resource
from tests.support.relay import relay_config

from proofport.gateway import Gateway
from proofport.journal.contract import NewSnapshot
from proofport.relay.api.openapi import document
from proofport.relay.console.page import page
from proofport.relay.problems import CATALOGUE
from proofport.relay.serving import ROUTES, serving

EXAMPLES = 100 if SOAK else 3
SETTINGS = SchemathesisConfig.from_dict(
    {"checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "401", "403", "404", "409", "422", "429"]}}}
)
"""422: it fits the document, but not what is configured, or the kind of evidence that the path names."""

KNOWN: dict[str, list[Any]] = {
    "kind": ["cloud_resource", "personnel_account", "custom:thing"],
    "to": [["drata"], ["secureframe", "drata"]],
    "id": ["1", "2", "open"],
    "source": ["aws.ec2.instances"],
}
"""What is there, by parameter, so that requests come further than an unknown name."""

PLACES = ("path_parameters", "query")


@cache
def described() -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(orjson.dumps(document(ROUTES)))
    return found


@cache
def operations() -> dict[str, Any]:
    schema = schemathesis.openapi.from_dict(described(), config=SETTINGS)
    return {each.label: each for each in (found.ok() for found in list[Any](schema.get_all_operations()))}


def test_the_document_is_valid_and_knows_every_route() -> None:
    validate(described())
    paths = {(method.upper(), path) for path, methods in described()["paths"].items() for method in methods}
    assert paths == {(route.method, route.path) for route in ROUTES}


def test_every_operation_says_what_it_is_for() -> None:
    for methods in described()["paths"].values():
        for operation in methods.values():
            assert operation["summary"].endswith(".")
            for parameter in operation["parameters"]:
                assert parameter["description"], (operation["operationId"], parameter["name"])


def test_the_page_names_every_path_and_problem_and_loads_nothing() -> None:
    text = page(described())
    for route in ROUTES:
        assert f"<code>{route.path}</code>" in text
    for kind in CATALOGUE.values():
        assert kind.type in text
    for word in ("src=", "<link", "<script", "@import", "url(", "http://", "https://"):
        assert word not in text


@asynccontextmanager
async def relay_of_both(folder: Path, **options: Any) -> AsyncIterator[tuple[str, Gateway]]:
    """A relay with both emulators behind it, and a snapshot that is open."""
    async with emulated("drata") as drata, emulated("secureframe") as secureframe:
        relay = {"rate": {"per_minute": 0}, "commit_seconds": 0.2}
        config = relay_config(folder, drata, secureframe, relay=relay, **options)
        async with Gateway(config) as gateway, serving(gateway) as origin:
            journal = await gateway.journal()
            await journal.open_snapshot(NewSnapshot("open", "default", "cloud_resource", ["drata"], 3600))
            yield origin, gateway


@asynccontextmanager
async def without_keys(folder: Path) -> AsyncIterator[str]:
    async with relay_of_both(folder) as (origin, gateway):
        bad = cloud_resource("bad", type="nobody.knows.this")
        await gateway.submit([bad], kind="cloud_resource", to=["secureframe"])
        yield origin


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with in_a_thread(without_keys(tmp_path_factory.mktemp("relay"))) as origin:
        yield origin


def negatable() -> Iterator[tuple[str, str]]:
    """With both ways to ask; only the good one where nothing can be asked wrongly."""
    for label, operation in operations().items():
        yield label, "positive"
        if operation.query or operation.body:
            yield label, "negative"


@pytest.mark.parametrize(("label", "mode"), list(negatable()))
def test_no_answer_falls_outside_the_document(origin: str, label: str, mode: str) -> None:
    def answers(case: Any) -> None:
        case.call_and_validate(base_url=origin, checks=CHECKS.get_all())

    each_request(operations()[label], mode, answers, examples=EXAMPLES, known=KNOWN, places=PLACES)
