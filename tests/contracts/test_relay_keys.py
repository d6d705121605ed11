"""Schemathesis asks a relay that has keys, with a key of every scope and with none: no answer may fall outside its
document, and nobody gets what the key is not for."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from schemathesis.checks import CHECKS
from tests.contracts.made_up import SOAK, each_request
from tests.contracts.test_relay_openapi import KNOWN, PLACES, negatable, operations
from tests.support.relay import relay_config

from proofport.config import Tenant
from proofport.gateway import Gateway
from proofport.journal.contract import NewSnapshot
from proofport.relay.access.keys import issue
from proofport.relay.serving import ROUTES, serving
from proofport.testing import running
from proofport_drata.emulator import DrataEmulator
from proofport_secureframe.emulator import SecureframeEmulator

EXAMPLES = 60 if SOAK else 1
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


@dataclass
class Guarded:
    """A relay in a thread of its own, and its keys by what they are for."""

    origin: str = ""
    keys: dict[str, str | None] = field(default_factory=dict)
    ready: threading.Event = field(default_factory=threading.Event)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, folder: Path) -> None:
        async with AsyncExitStack() as stack:
            drata = await stack.enter_async_context(running(DrataEmulator()))
            secureframe = await stack.enter_async_context(running(SecureframeEmulator()))
            settings = relay_config(
                folder, drata, secureframe, relay={"rate": {"per_minute": 0}, "commit_seconds": 0.2}
            )
            tenants = {"acme": Tenant(destinations={"drata": settings.destinations["drata"]})}
            gateway = await stack.enter_async_context(Gateway(settings.model_copy(update={"tenants": tenants})))
            journal = await gateway.journal()
            for name, scope in SCOPES.items():
                about = {"name": name, "tenant": "default", "may_read": True, "may_write": True}
                self.keys[name] = str((await issue(journal, **{**about, **scope}))[0])
            self.keys |= UNKNOWN
            self.origin = await stack.enter_async_context(serving(gateway))
            await journal.open_snapshot(NewSnapshot("open", "default", "cloud_resource", ["drata"], 3600))
            self.loop = asyncio.get_running_loop()
            self.ready.set()
            await self.stop.wait()


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    guarded, folder = Guarded(), tmp_path_factory.mktemp("relay")
    thread = threading.Thread(target=lambda: asyncio.run(guarded.serve(folder)))
    thread.start()
    assert guarded.ready.wait(60)
    yield guarded
    assert guarded.loop is not None
    guarded.loop.call_soon_threadsafe(guarded.stop.set)
    thread.join()


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
