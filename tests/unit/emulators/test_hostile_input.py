"""Whatever is sent, an emulator answers as its vendor would: it never fails by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contracts.vendors import vendor
from tests.support.emulators import NAMES, document, seeded
from tests.support.secureframe import CONNECTION
from tests.support.soak import examples

from proofport import registry
from proofport.testing import Emulator, running
from proofport_secureframe.emulator import SecureframeEmulator

STEERING = [("POST", f"/_emulator/{step}") for step in ("seed", "faults", "switches", "define-schema")]
NAMED = ("data", "resource_data", "resources", "personnelData", "schema")
WORDS = st.sampled_from(["CUSTOM", "complete", "acme", "cloud_resource", "id", "string", "", "\x00", "ü"])


def members(part: Any) -> Iterator[str]:
    """The name of every member, at any depth."""
    if isinstance(part, dict):
        yield from part
    for each in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from members(each)


@cache
def names(name: str) -> st.SearchStrategy[str]:
    """Names that stand in the vendor's document, and in the state."""
    return st.sampled_from(sorted({*members(document(name)), "connections", "resources", "records"}))


@cache
def values(name: str) -> st.SearchStrategy[Any]:
    return st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
        lambda part: st.lists(part, max_size=3) | st.dictionaries(names(name), part, max_size=4),
        max_leaves=12,
    )


async def answers(name: str, emulator: Emulator, calls: list[tuple[tuple[str, str], Any]]) -> list[int]:
    async with running(emulator) as served:
        statuses, headers = [], {"Authorization": await vendor(name).authorization(served)}
        for (method, path), body in calls:
            async with served.client.request(method, served.origin + path, json=body, headers=headers) as answer:
                statuses.append(answer.status)
        await served.control("POST", "settle")
        return statuses


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=examples(15, 40), deadline=None)
@given(st.data())
def test_it_never_fails_by_itself(name: str, data: st.DataObject) -> None:
    one = st.tuples(st.sampled_from([*vendor(name).HOSTILE, *STEERING]), values(name))
    calls = data.draw(st.lists(one, min_size=1, max_size=12))

    assert 500 not in asyncio.run(answers(name, registry.load_emulator(name)(), calls))


@pytest.mark.parametrize("name", NAMES)
async def test_what_is_deeper_than_an_answer_can_be_is_refused(name: str) -> None:
    deep: Any = "x"
    for _ in range(300):
        deep = {"x": deep}
    calls = [(each, dict.fromkeys(NAMED, deep)) for each in vendor(name).HOSTILE if each[0] in ("POST", "PUT")]

    assert {status // 100 for status in await answers(name, seeded(name), calls)} == {4}


ITEMS = st.dictionaries(names("secureframe"), values("secureframe"), max_size=3)
publications = st.lists(
    st.fixed_dictionaries(
        {
            "schema_slug": WORDS,
            "vendor_slug": st.just("acme"),
            "resource_data": st.lists(ITEMS, max_size=3),
        },
        optional={"partial": st.booleans()},
    ),
    max_size=5,
)


@settings(max_examples=examples(15, 40), deadline=None)
@given(publications)
def test_whatever_is_accepted_is_processed_or_listed_as_failed(bodies: list[dict[str, Any]]) -> None:
    emulator = SecureframeEmulator()
    path = ("POST", f"/custom_connections/{CONNECTION}/data")

    statuses = asyncio.run(answers("secureframe", emulator, [(path, body) for body in bodies]))

    accepted = [body for body, status in zip(bodies, statuses, strict=True) if status == 202]
    (connection,) = emulator.state()["connections"]
    assert connection["queued"] == 0
    for schema in connection["schemas"]:
        items = [item for body in accepted if body["schema_slug"] == schema["slug"] for item in body["resource_data"]]
        stored_or_failed = len(schema["resources"]) + len(schema["failures"]) + schema["dropped"]
        assert stored_or_failed <= len(items)
        assert (stored_or_failed > 0) == (len(items) > 0)
