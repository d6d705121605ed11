"""Vanta, for the tests that hold every emulator to its document."""

from __future__ import annotations

from typing import Any

from tests.support.emulators import seeded
from tests.support.vanta import SAMPLES, SCOPE, authorization, token_request

from proofport.testing import Emulator, Running

__all__ = ["KNOWN", "WITNESSES", "authorization", "filled", "walk"]

KNOWN = {"resourceId": ["any"]}
"""The slug of every resource: it names the right one for each path."""
WITNESS = "665000000000000000004711"
WITNESSES = [f"/v1/resources/user_account?resourceId={WITNESS}"]
HOSTILE = [
    ("POST", "/oauth/token"),
    ("PUT", "/v1/resources/user_account"),
    ("PUT", "/v1/resources/CustomResource"),
    ("PUT", "/v1/resources/windows_user_computer?resourceId=%00"),
    ("GET", "/v1/resources/macos_user_computer?resourceId=665000000000000000000003&pageCursor=%F0"),
    ("GET", "/v1/resources/user_account?pageSize=-1"),
    ("PATCH", "/v1/people/%00"),
    ("POST", "/_emulator/applications"),
]
READER = {"scope": SCOPE.split()[0]}


def filled() -> Emulator:
    emulator = seeded("vanta")
    state = emulator.state()
    for resource in state["connections"][0]["resources"]:
        sample = SAMPLES[resource["base_type"]]
        gone = {**sample("gone"), "deletedAt": "2026-01-31T08:00:00.000Z"}
        resource |= {"slug": "any", "records": [sample("a")], "deleted": [gone]}
    witness = {"id": WITNESS, "base_type": "user_account", "slug": "witness", "records": [SAMPLES["user_account"]("w")]}
    state["connections"][0]["resources"].append(witness)
    emulator.load(state)
    return emulator


async def walk(served: Running, expect: Any) -> None:
    asking = token_request(served.destination())
    await expect(None, 200, "POST", "/oauth/token", asking)
    await expect(None, 400, "POST", "/oauth/token", {**asking, "scope": "all"})
    await expect(None, 401, "POST", "/oauth/token", {**asking, "client_secret": "wrong"})
    for how in ({"page_size": 0}, {"answer": "results", "page_size": 1}):
        await served.switch(**how)
        for resource in (await served.state())["connections"][0]["resources"]:
            await _each(served, expect, resource["id"], resource["base_type"])
    key = await authorization(served)
    await served.switch(max_body_bytes=10)
    await expect(key, 413, "PUT", "/v1/resources/user_account", {"resourceId": "x", "resources": []})
    await served.switch(max_body_bytes=0, redirect_to="https://api.example.com")
    await expect(key, 308, "GET", "/v1/resources/user_account?resourceId=x", allow_redirects=False)
    await served.switch(redirect_to="", rate_limit=1, mint_limit=1)
    await expect(None, 200, "POST", "/oauth/token", asking)
    await expect(None, 429, "POST", "/oauth/token", asking)


async def _each(served: Running, expect: Any, resource_id: str, base_type: str) -> None:
    """Both operations of one resource, with every answer that they have."""
    path, sample = f"/v1/resources/{base_type}", SAMPLES[base_type]
    listed, sent = f"{path}?resourceId={resource_id}", {"resourceId": resource_id, "resources": [sample("a")]}
    reader = await authorization(served, **READER)
    await expect(reader, 403, "PUT", path, sent)
    key = await authorization(served)
    await expect(reader, 401, "PUT", path, sent)
    await expect(key, 200, "PUT", path, sent)
    await expect(key, 200, "PUT", path, {**sent, "resources": [sample("b")]})
    await expect(key, 200, "GET", listed)
    await expect(key, 400, "GET", path)
    await expect(key, 400, "PUT", path, {**sent, "resources": [{}]})
    await expect(key, 403, "GET", listed, {})
    await expect(key, 404, "GET", path + "?resourceId=unknown")
    await expect(key, 404, "PUT", path, {**sent, "resourceId": "unknown"})
    await expect("Bearer unknown", 401, "GET", listed)
