"""A vendor as small as one can be, a journal with budgets and leases, and a sender that answers from a script."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, cast

from pydantic import JsonValue
from tests.support.clock import Clock

from proofport.adapter import Adapter, Auth, Body, Credential, Resource, Settings, StaticHeaders
from proofport.errors import ProofportError, UnsupportedFeature
from proofport.http.flow import Gate
from proofport.journal.contract import Lease, Registry
from proofport.wire import Call, Reply

SECRET = "s3cret-of-the-tiny-vendor"
OK = Reply(200, body=b"{}")
WISH = 5.0
"""Seconds for which a wish for a lease counts. A lease that was given back is kept so long for who has asked."""

Answer = Reply | ProofportError | Callable[[Call], Reply]


def reply(data: object, status: int = 200) -> Reply:
    return Reply(status, body=json.dumps(data).encode())


class TinySettings(Settings):
    base_url: str = "http://127.0.0.1:9"
    key: Credential = cast(Any, SECRET)


class TinyAdapter(Adapter):
    name = "tiny"
    Settings = TinySettings

    @property
    def origin(self) -> str:
        return str(self.settings.base_url)

    @property
    def auth(self) -> Auth:
        return StaticHeaders({"Authorization": f"Bearer {self.settings.key.get_secret_value()}"})

    def resource(self, kind: str) -> Resource:
        raise UnsupportedFeature("there is none")

    @classmethod
    def bodies(cls, kind: str) -> Sequence[Body]:
        return ()


class SharedJournal(Registry):
    """The part of a journal that senders and tokens use: budgets and leases that several processes share."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.permits: list[str] = []
        #: Who holds each lease, and until when; who has asked for it, and when.
        self.held: dict[str, tuple[str, float]] = {}
        self.wishes: dict[str, tuple[str, float]] = {}
        self._next: dict[str, float] = {}

    async def permit(self, key: str, *, per_minute: int, burst: int) -> float:
        self.permits.append(key)
        if per_minute == 0:
            return 0.0
        now, interval = self.clock(), 60 / per_minute
        at = max(self._next.get(key, 0.0), now - interval * (burst - 1))
        self._next[key] = at + interval
        return max(0.0, at - now)

    async def take_lease(self, name: str, *, owner: str, lease: float) -> Lease:
        now = self.clock()
        holder, until = self.held.get(name, ("", 0.0))
        wisher, asked = self.wishes.get(name, (owner, 0.0))
        wanted = wisher != owner and asked > now - WISH
        if holder != owner and until > now:
            self.wishes[name] = (wisher, asked) if wanted else (owner, now)
            return Lease(holder, until, True)
        if holder != owner and wanted:
            return Lease(wisher, asked + WISH, True)
        self.held[name] = (owner, now + lease)
        if not wanted:
            self.wishes.pop(name, None)
        return Lease(owner, now + lease, wanted)

    async def give_back_lease(self, name: str, *, owner: str) -> None:
        if self.held.get(name, ("", 0.0))[0] == owner:
            del self.held[name]
            if name in self.wishes:
                self.wishes[name] = (self.wishes[name][0], self.clock())

    async def adapter_memory(self, lane: str) -> dict[str, JsonValue]:
        raise AssertionError("a sender keeps nothing of a lane")

    async def keep_adapter_memory(self, lane: str, key: str, value: JsonValue, *, before: JsonValue | None) -> bool:
        raise AssertionError("a sender keeps nothing of a lane")


class ScriptedSender:
    """Answers each call with what is given for its operation: a reply, an error, or a function of the call."""

    def __init__(self, **answers: Answer) -> None:
        self.calls: list[Call] = []
        self.answers = answers

    @property
    def operations(self) -> list[str]:
        return [call.operation for call in self.calls]

    def credentials(self) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    async def send(self, call: Call, gate: Gate | None = None) -> Reply:
        if gate is not None:
            await gate(call)
        self.calls.append(call)
        answer = self.answers.get(call.operation, OK)
        if isinstance(answer, ProofportError):
            raise answer
        return answer if isinstance(answer, Reply) else answer(call)
