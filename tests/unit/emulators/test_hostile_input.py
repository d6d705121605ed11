"""Whatever is sent, an emulator answers as its vendor would: it never fails by itself."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from proofport.testing import Emulator, running
from proofport_drata.emulator import DrataEmulator
from proofport_secureframe.emulator import SecureframeEmulator

FIELDS = """
    id data action name providerTypes schema sampleData displayNameKey workspaceIds type schema_slug vendor_slug
    resource_data partial properties required clientAlias description personnelId platformName platformVersion
    externalId identityId email separatedAt personnelData connections resources records
"""
KEYS = st.sampled_from(FIELDS.split())
WORDS = st.sampled_from(["CUSTOM", "complete", "acme", "cloud_resource", "id", "string", "", "\x00", "ü"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda part: st.lists(part, max_size=3) | st.dictionaries(KEYS, part, max_size=4),
    max_leaves=12,
)
RESOURCE = "/public/v2/custom-connections/1/resources/101"
DRATA = st.sampled_from(
    [
        ("POST", "/public/v2/custom-connections"),
        ("PUT", "/public/v2/custom-connections/1"),
        ("POST", RESOURCE + "/records"),
        ("PUT", RESOURCE + "/records/id"),
        ("DELETE", RESOURCE + "/records/%00"),
        ("POST", RESOURCE + "/sessions/s-1"),
        ("POST", RESOURCE + "/sessions/s-1/actions"),
        ("GET", RESOURCE + "/sessions?size=%F0&cursor=%00"),
        ("GET", f"/public/v2/custom-connections/{'9' * 5000}"),
        ("POST", "/public/v2/custom-connections/5/devices"),
        ("POST", "/public/v2/custom-connections/6/hris-user-identities"),
        ("GET", "/public/v2/custom-connections/6/hris-user-identities/identity-id:%00"),
        ("POST", "/public/connections/upload/json"),
        ("POST", "/public/connections/upload/csv"),
        ("POST", "/_emulator/seed"),
        ("POST", "/_emulator/faults"),
        ("POST", "/_emulator/switches"),
    ]
)
SECUREFRAME = st.sampled_from(
    [
        ("POST", "/custom_connections/5f0c0c0e-0000-4000-8000-000000000001/data"),
        ("GET", "/cloud_resources?q=%00&page=1"),
        ("GET", "/user_accounts?sort=,-,&per_page=1e3"),
        ("POST", "/_emulator/define-schema"),
        ("POST", "/_emulator/seed"),
    ]
)


async def answers(emulator: Emulator, authorization: str, calls: list[tuple[tuple[str, str], Any]]) -> list[int]:
    async with running(emulator) as served:
        statuses = []
        for (method, path), body in calls:
            url, headers = served.origin + path, {"Authorization": authorization}
            async with served.client.request(method, url, json=body, headers=headers) as answer:
                statuses.append(answer.status)
        await served.control("POST", "settle")
        return statuses


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(DRATA, VALUES), min_size=1, max_size=12))
def test_drata_never_fails_by_itself(calls: list[tuple[tuple[str, str], Any]]) -> None:
    emulator = DrataEmulator()

    assert 500 not in asyncio.run(answers(emulator, "Bearer drata-emulator-key", calls))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(SECUREFRAME, VALUES), min_size=1, max_size=12))
def test_secureframe_never_fails_by_itself(calls: list[tuple[tuple[str, str], Any]]) -> None:
    emulator = SecureframeEmulator()

    assert 500 not in asyncio.run(answers(emulator, "secureframe-emulator-key secureframe-emulator-secret", calls))


publications = st.lists(
    st.fixed_dictionaries(
        {
            "schema_slug": WORDS,
            "vendor_slug": st.just("acme"),
            "resource_data": st.lists(st.dictionaries(KEYS, VALUES, max_size=3), max_size=3),
        },
        optional={"partial": st.booleans()},
    ),
    max_size=5,
)


@settings(max_examples=40, deadline=None)
@given(publications)
def test_whatever_is_accepted_is_processed_or_listed_as_failed(bodies: list[dict[str, Any]]) -> None:
    emulator = SecureframeEmulator()
    path = ("POST", "/custom_connections/5f0c0c0e-0000-4000-8000-000000000001/data")
    key = "secureframe-emulator-key secureframe-emulator-secret"

    statuses = asyncio.run(answers(emulator, key, [(path, body) for body in bodies]))

    accepted = [body for body, status in zip(bodies, statuses, strict=True) if status == 202]
    (connection,) = emulator.state()["connections"]
    assert connection["queued"] == 0
    for schema in connection["schemas"]:
        items = [item for body in accepted if body["schema_slug"] == schema["slug"] for item in body["resource_data"]]
        stored_or_failed = len(schema["resources"]) + len(schema["failures"]) + schema["dropped"]
        assert stored_or_failed <= len(items)
        assert (stored_or_failed > 0) == (len(items) > 0)
