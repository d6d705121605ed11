"""Any order of tokens, sets, refusals, lost answers and lists: the Vanta emulator does what a small model does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from typing import Any, TypeVar

import aiohttp
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.support.soak import examples
from tests.support.vanta import authorization, user_account
from tests.unit.emulators.client import Client

from proofport.testing import running
from proofport_vanta.emulator import VantaEmulator

T = TypeVar("T")
PATH = "/v1/resources/user_account"
APPLICATIONS = st.sampled_from(["vci_vanta_emulator", "other"])
SETS = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["One", "Two"]), max_size=4)
WRONG = st.sampled_from([{}, {**user_account("a"), "more": 1}, {**user_account("a"), "mfaEnabled": None}, "a", None])


class Tokens(RuleBasedStateMachine):
    """The model: the living token of each application, all others, and each one's rows with what is gone."""

    def __init__(self) -> None:
        super().__init__()
        self.runner, self.stack = asyncio.Runner(), AsyncExitStack()
        served = self.run(self.stack.enter_async_context(running(VantaEmulator())))
        staff = {"base_type": "user_account", "slug": "staff"}
        self.run(served.control("POST", "applications", id="other", resources=[staff]))
        accounts = {"id": "665000000000000000000001", **staff}
        self.run(served.control("POST", "applications", id="vci_vanta_emulator", resources=[accounts]))
        self.client = Client(served, None)
        #: By application, the newest last.
        self.tokens: dict[str, list[str]] = {"vci_vanta_emulator": [], "other": []}
        self.alive: set[str] = set()
        #: By application and uniqueId: the name, and whether it is gone.
        self.rows: dict[str, dict[str, tuple[str, bool]]] = {"vci_vanta_emulator": {}, "other": {}}

    def run(self, step: Awaitable[T]) -> T:
        async def wait() -> T:
            return await step

        return self.runner.run(wait())

    def teardown(self) -> None:
        self.run(self.stack.aclose())
        self.runner.close()

    def put(self, token: str, records: list[Any]) -> tuple[int, Any]:
        self.client.authorization = token
        return self.run(self.client("PUT", PATH, {"resourceId": "staff", "resources": records}))

    def replaced(self, application: str, names: dict[str, str]) -> None:
        gone = {key: (name, True) for key, (name, _) in self.rows[application].items()}
        self.rows[application] = {**gone, **{key: (name, False) for key, name in names.items()}}

    @rule(application=APPLICATIONS)
    def mint(self, application: str) -> None:
        token = self.run(authorization(self.client.served, client_id=application))
        self.alive = {*self.alive - {*self.tokens[application]}, token}
        self.tokens[application].append(token)

    @rule(application=APPLICATIONS, names=SETS, data=st.data())
    def sync(self, application: str, names: dict[str, str], data: st.DataObject) -> None:
        token = self._any_token(application, data)
        status, _ = self.put(token, [user_account(key, fullName=name) for key, name in names.items()])

        assert status == (200 if token in self.alive else 401)
        if status == 200:
            self.replaced(application, names)

    @rule(application=APPLICATIONS, names=SETS, wrong=WRONG, data=st.data())
    def refused(self, application: str, names: dict[str, str], wrong: Any, data: st.DataObject) -> None:
        token = self._any_token(application, data)
        status, body = self.put(token, [*map(user_account, names), wrong])

        assert status == (400 if token in self.alive else 401)
        assert status == 401 or f"/{len(names)}" in body["error"] or f"element {len(names)}" in body["error"]

    @precondition(lambda self: self.alive)
    @rule(names=SETS, data=st.data())
    def answer_is_lost(self, names: dict[str, str], data: st.DataObject) -> None:
        token = data.draw(st.sampled_from(sorted(self.alive)))
        [application] = [name for name, tokens in self.tokens.items() if token in tokens]
        drop = data.draw(st.sampled_from(["before", "after"]))
        # This client repeats a PUT once by itself.
        self.run(self.client.served.faults(drop=drop, drop_times=2))
        with pytest.raises(aiohttp.ClientConnectionError):
            self.put(token, [user_account(key, fullName=name) for key, name in names.items()])
        if drop == "after":
            self.replaced(application, names)

    @rule()
    def everything_is_seeded_again(self) -> None:
        state = self.run(self.client.served.state())
        self.run(self.client.served.control("POST", "seed", **state))
        self.alive = set()

    @invariant()
    def lists_show_the_rows(self) -> None:
        for token in self.alive:
            [application] = [name for name, tokens in self.tokens.items() if token in tokens]
            self.client.authorization = token
            status, body = self.run(self.client("GET", PATH + "?resourceId=staff"))
            shown = {row["uniqueId"]: (row["fullName"], row["deletedAt"] is not None) for row in body["resources"]}
            assert (status, shown) == (200, self.rows[application])
            for row in body["resources"]:
                assert (row["status"] == "DEACTIVATED") == (row["deletedAt"] is not None)
                assert row["createdAt"] <= row["updatedAt"]

    def _any_token(self, application: str, data: st.DataObject) -> str:
        return data.draw(st.sampled_from([*self.tokens[application], "Bearer unknown"]))


TestTokens = Tokens.TestCase
TestTokens.settings = settings(max_examples=examples(10, 30), stateful_step_count=20, deadline=None)
