"""No tenant sees another's data, nor a key what is outside its scope: every route is asked, with everything there is.

Each route is asked for what is the owner's by somebody else: the answer is the one that a relay without these things
gives, and leaves them as they were. The owner's own key shows that there was something to see or to do.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from tests.unit.relay.world import CLASSIFIED, EMPTY_PLACE, KIND, OWN_PLACE, World, world

from proofport.config.names import DEFAULT
from proofport.journal.contract import Filter
from proofport.relay.api.route import Route
from proofport.relay.serving import ROUTES


@dataclass(frozen=True)
class Ask:
    """`path` is of the owner's things. `shows`: what the owner reads there; `does`: whether it changes them."""

    path: str
    body: Any = None
    shows: str = ""
    does: bool = False


RECORD = [{"id": "n-1", "name": "x"}]
ASKS: Mapping[str, Ask] = {
    "POST /v1/evidence/{kind}": Ask(f"/v1/evidence/{KIND}?to={OWN_PLACE}", RECORD, does=True),
    "POST /v1/snapshots": Ask("/v1/snapshots", body={"kind": KIND, "to": [OWN_PLACE]}, does=True),
    "GET /v1/snapshots": Ask("/v1/snapshots", shows="5a5a"),
    "GET /v1/snapshots/{id}": Ask("/v1/snapshots/{snapshot}", shows="5a5a"),
    "PUT /v1/snapshots/{id}/parts/{part}": Ask("/v1/snapshots/{snapshot}/parts/a", RECORD, does=True),
    "POST /v1/snapshots/{id}/commit": Ask("/v1/snapshots/{snapshot}/commit", does=True),
    "POST /v1/snapshots/{id}/abort": Ask("/v1/snapshots/{snapshot}/abort", does=True),
    "GET /v1/deliveries": Ask("/v1/deliveries", shows="rejected"),
    "GET /v1/deliveries/{id}": Ask("/v1/deliveries/{dead}", shows="rejected"),
    "GET /v1/deliveries/{id}/records": Ask("/v1/deliveries/{done}/records", shows=CLASSIFIED),
    "POST /v1/deliveries/{id}/set-aside": Ask("/v1/deliveries/{queued}/set-aside", {"reason": "why"}, does=True),
    "GET /v1/dead-letters": Ask("/v1/dead-letters", shows="rejected"),
    "GET /v1/dead-letters/{id}": Ask("/v1/dead-letters/{dead}", shows=CLASSIFIED),
    "POST /v1/dead-letters/{id}/replay": Ask("/v1/dead-letters/{dead}/replay", does=True),
    "GET /v1/lanes": Ask("/v1/lanes", shows=CLASSIFIED),
    "POST /v1/lanes/{lane}/resume": Ask("/v1/lanes/{lane}/resume", does=True),
    "GET /v1/mappings": Ask("/v1/mappings"),
    "POST /v1/preview": Ask(f"/v1/preview?kind={KIND}&to={OWN_PLACE}", RECORD),
    "GET /healthz": Ask("/healthz"),
    "GET /readyz": Ask("/readyz?exclude=lanes"),
    "GET /metrics": Ask("/metrics"),
    "GET /openapi.json": Ask("/openapi.json"),
    "GET /docs": Ask("/docs"),
}
"""One for every route, or the first test fails."""

STRANGERS: Mapping[str, Sequence[tuple[str, dict[str, Any]]]] = {
    "acme": [
        ("other", {}),
        ("default", {}),
        ("acme", {"kinds": ["device"]}),
        ("acme", {"destinations": [EMPTY_PLACE]}),
    ],
    "default": [("acme", {})],
}
"""By the owner: who must not see it. Tenants, and keys of the owner's that are for something else."""


def name_of(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.fixture
async def acme() -> AsyncIterator[World]:
    async with world("acme") as served:
        yield served


async def ask(served: World, route: Route, path: str, key: str | None, body: Any = None) -> tuple[int, str]:
    return await served.ask(route.method, path, key, **({"json": body} if body is not None else {}))


def test_every_route_is_asked() -> None:
    assert {name_of(route) for route in ROUTES} == ASKS.keys()


@pytest.mark.parametrize("owner", STRANGERS)
@pytest.mark.parametrize("route", ROUTES, ids=name_of)
async def test_a_stranger_sees_and_changes_nothing(route: Route, owner: str) -> None:
    asked = ASKS[name_of(route)]
    async with world(owner) as served, world(owner, filled=False) as empty:
        path, before = asked.path.format(**served.ids), await served.kept(owner)
        for tenant, scope in STRANGERS[owner]:
            if route.scope == "operator" and tenant == DEFAULT and not scope:
                continue
            found = await ask(served, route, path, await served.key(tenant, **scope), asked.body)
            nothing = await ask(empty, route, path, await empty.key(tenant, **scope), asked.body)
            assert CLASSIFIED not in found[1]
            assert found == nothing
            assert await served.kept(owner) == before


@pytest.mark.parametrize("route", [route for route in ROUTES if route.scope == "open"], ids=name_of)
async def test_what_is_open_to_all_names_nobody(route: Route, acme: World) -> None:
    for path in (route.path, ASKS[name_of(route)].path):
        _, told = await ask(acme, route, path, None)
        assert not [word for word in (CLASSIFIED, OWN_PLACE, "@acme", EMPTY_PLACE) if word in told]


async def test_the_operator_is_whoever_may_do_all_that_the_default_tenant_may(acme: World) -> None:
    """Metrics tell how much waits in whose lanes, and nothing of what it is."""
    keys = [
        await acme.key(DEFAULT),
        await acme.key(DEFAULT, kinds=[KIND]),
        await acme.key(DEFAULT, destinations=["prod"]),
        await acme.key(DEFAULT, may_read=False),
        await acme.key("acme"),
    ]
    answers = [await acme.ask("GET", "/metrics", key) for key in keys]
    assert [status for status, _ in answers] == [200, 403, 403, 403, 403]
    assert "@acme/" in answers[0][1]
    assert not any(CLASSIFIED in told or "@acme/" in told for _, told in answers[1:])
    assert CLASSIFIED not in answers[0][1]


@pytest.mark.parametrize("route", ROUTES, ids=name_of)
async def test_there_was_something_to_see_or_to_do(route: Route, acme: World) -> None:
    asked = ASKS[name_of(route)]
    key, before = await acme.key("acme"), await acme.kept("acme")
    status, told = await ask(acme, route, asked.path.format(**acme.ids), key, asked.body)
    assert status < 300 or "commit" in route.path or route.scope == "operator"
    assert asked.shows in told
    assert (await acme.kept("acme") != before) == asked.does


@pytest.mark.parametrize("route", ROUTES, ids=name_of)
async def test_what_a_key_may_not_do_it_does_not(route: Route, acme: World) -> None:
    asked, before = ASKS[name_of(route)], await acme.kept("acme")
    path = asked.path.format(**acme.ids)
    reader, writer = await acme.key("acme", may_write=False), await acme.key("acme", may_read=False)
    statuses = [(await ask(acme, route, path, key, asked.body))[0] for key in (None, "pp_x", reader, writer)]
    expected = {"open": [200] * 4, "read": [401, 401, 200, 403], "operator": [401, 401, 403, 403]}
    assert statuses == expected.get(route.scope, [401, 401, 403, statuses[-1]])
    assert (await acme.kept("acme") == before) == (not asked.does)


@pytest.mark.parametrize("name", ["POST /v1/evidence/{kind}", "POST /v1/snapshots", "POST /v1/preview"])
async def test_a_key_is_for_nothing_but_what_it_names(name: str, acme: World) -> None:
    asked = ASKS[name]
    [route] = [route for route in ROUTES if name_of(route) == name]
    wide = {"kinds": [KIND], "destinations": [OWN_PLACE]}
    scopes: list[dict[str, Any]] = [{"kinds": ["device"]}, {"destinations": ["prod"]}, wide]
    keys = [await acme.key("acme", **scope) for scope in scopes]
    statuses = [(await ask(acme, route, asked.path, key, asked.body))[0] for key in keys]
    assert statuses[:2] == [403, 403]
    assert statuses[2] < 300


async def test_the_idempotency_key_of_one_tenant_is_no_other_tenants(acme: World) -> None:
    """Nor is another told, by a refusal, that the key is known."""
    path, key = f"/v1/evidence/{KIND}?to=prod", {"Idempotency-Key": "once"}
    for tenant, record in (("acme", RECORD), ("other", [{"id": "another"}]), (DEFAULT, RECORD)):
        status, told = await acme.ask("POST", path, await acme.key(tenant), json=record, headers=key)
        assert (status, "Idempotent-Replayed" in told) == (202, False)
    assert len(await acme.journal.find(Filter(tenant="other"))) == 1
