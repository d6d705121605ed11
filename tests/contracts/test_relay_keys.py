"""Schemathesis asks a relay that has keys, with a key of every scope and with none: no answer may fall outside its
document, and nobody gets what the key is not for."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from schemathesis.checks import CHECKS
from tests.contracts.made_up import SOAK, each_request, in_a_thread
from tests.contracts.test_relay_openapi import KNOWN, PLACES, negatable, operations, relay_of_both
from tests.support.emulators import block

from proofport.relay.access.keys import issue
from proofport.relay.serving import ROUTES

EXAMPLES = 20 if SOAK else 1
SCOPES: dict[str, dict[str, Any]] = {
    "everything": {},
    "read": {"may_write": False},
    "write": {"may_read": False},
    "one place": {"destinations": ["drata"]},
    "one kind": {"kinds": ["device"]},
    "another tenant": {"tenant": "acme"},
    "expired": {"expires": time.time() - 60},
}
UNKNOWN = {"no key": None, "made up": f"pp_{'a' * 10}_{'b' * 43}", "broken": "pp_"}
REFUSED = {"expired", *UNKNOWN}
SCOPE_OF = {f"{route.method} {route.path}": route.scope for route in ROUTES}


class Guarded(NamedTuple):
    """A relay, and its keys by what they are for."""

    origin: str
    keys: dict[str, str | None]


@asynccontextmanager
async def guarded(folder: Path) -> AsyncIterator[Guarded]:
    async with relay_of_both(folder, tenants={"acme": {"destinations": {"drata": block("drata")}}}) as (
        origin,
        gateway,
    ):
        keys = dict[str, str | None](UNKNOWN)
        for name, scope in SCOPES.items():
            about = {"name": name, "tenant": "default", "may_read": True, "may_write": True}
            keys[name] = str((await issue(await gateway.journal(), **{**about, **scope}))[0])
        yield Guarded(origin, keys)


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with in_a_thread(guarded(tmp_path_factory.mktemp("relay"))) as relay:
        yield relay


@pytest.mark.parametrize(("label", "mode"), list(negatable()))
def test_no_answer_to_any_key_falls_outside_the_document(relay: Guarded, label: str, mode: str) -> None:
    def answers(case: Any) -> None:
        for name, key in relay.keys.items():
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            answer = case.call_and_validate(base_url=relay.origin, headers=headers, checks=CHECKS.get_all())
            assert answer.status_code in allowed(name, SCOPE_OF[label], answer.status_code), name

    each_request(operations()[label], mode, answers, examples=EXAMPLES, known=KNOWN, places=PLACES)


def allowed(name: str, scope: str, found: int) -> set[int]:
    """What may be answered: whoever is refused, and whoever may not do such a thing, gets nothing else."""
    if scope == "open":
        return {found} - {401, 403}
    if name in REFUSED:
        return {401, 429}
    may = {"read": name != "write", "write": name != "read", "operator": name in ("everything", "read")}
    if not may[scope]:
        return {403}
    return {found} - {401}
