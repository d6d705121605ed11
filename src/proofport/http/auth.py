"""Tokens: asked for once for all lanes of a process, renewed in time, and given back when another process asks.

A vendor may revoke the token before with each new one (`TokenFlow.exclusive`). Then a lease in the journal says which
process may ask for a token and use it. It goes to another process between two flows, never within one: the journal
keeps it for a moment for the process that has asked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Protocol, TypeAlias

from proofport.adapter import Flow, Token, TokenFlow
from proofport.errors import JournalError, Retryable
from proofport.http.flow import Gate
from proofport.http.pacer import Pacer, Permits
from proofport.http.retry import Sleep
from proofport.logs import get_logger
from proofport.wire import Call

EARLY = 30.0
"""A token is renewed so many seconds before its end, at most a tenth of its lifetime."""
POLL = 2.0
"""Seconds between two looks at a lease, by its holder and by those who wait for it."""
IDLE = 60.0
"""Seconds without a flow after which a lease is given back unasked."""

Mint: TypeAlias = Callable[[Flow[Token], Gate], Awaitable[Token]]
"""Leads the flow that asks for a token, without credentials. The gate is asked before each of its requests."""

log = get_logger("http")


class LeaseView(Protocol):
    """The part of a lease that matters here."""

    @property
    def owner(self) -> str: ...

    @property
    def wanted(self) -> bool: ...


class TokenJournal(Permits, Protocol):
    """The part of a journal that tokens need."""

    async def take_lease(self, name: str, *, owner: str, lease: float) -> LeaseView: ...

    async def give_back_lease(self, name: str, *, owner: str) -> None: ...


class _Scope:
    """The state of one scope in this process."""

    def __init__(self, lease: str, pacer: Pacer) -> None:
        #: The lease's name in the journal.
        self.lease = lease
        self.pacer = pacer
        self.token: Token | None = None
        #: When it was last asked for, and when it is to be renewed.
        self.asked = 0.0
        self.ends = 0.0
        #: Held by whoever asks for a token or gives the lease back.
        self.lock = asyncio.Lock()
        #: Flows that are under way, and when the last one ended.
        self.flows = 0
        self.used = 0.0
        #: Runs as long as the lease is ours.
        self.keeper: asyncio.Task[None] | None = None
        #: Another process waits for the lease.
        self.wanted = False

    def forget(self) -> None:
        """Drop what goes with the lease."""
        self.token, self.keeper, self.wanted = None, None, False


class Tokens:
    """The tokens of one process, by scope. They live in memory only. `close` gives every lease back."""

    def __init__(
        self,
        journal: TokenJournal,
        *,
        owner: str,
        lease: float,
        sleep: Sleep = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._journal = journal
        self._owner = owner
        self._lease = lease
        self._sleep = sleep
        self._clock = clock
        self._scopes: dict[str, _Scope] = {}

    async def close(self) -> None:
        for scope in self._scopes.values():
            if scope.keeper is not None:
                scope.keeper.cancel()
                with suppress(asyncio.CancelledError):
                    await scope.keeper
                await self._give_back(scope)

    @asynccontextmanager
    async def use(self, auth: TokenFlow) -> AsyncIterator[None]:
        """Keep the lease for the length of a flow. Raises Retryable when another process is to have it next."""
        scope = self._scope(auth)
        if scope.wanted:
            raise Retryable("the application's token goes to another process that waits for it", after=POLL)
        scope.flows += 1
        try:
            yield
        finally:
            scope.flows -= 1
            scope.used = self._clock()

    async def token(self, auth: TokenFlow, mint: Mint, *, refused: Token | None = None) -> tuple[Token, bool]:
        """Return the scope's token, and True when it was made by this call. `refused`: one that got a 401.

        Raises Retryable, with the holder's name, when another process holds the lease.
        """
        scope = self._scope(auth)
        async with scope.lock:
            if scope.token is refused or self._clock() >= scope.ends:
                scope.token = None
            if scope.token is not None:
                return scope.token, False
            if auth.exclusive:
                await self._take(scope)
            token = await mint(auth.mint(), partial(self._permit, auth, scope))
            scope.token = token
            scope.ends = scope.asked + token.lifetime - min(EARLY, token.lifetime / 10)
            log.info("token_issued", scope=auth.scope)
            return token, True

    def _scope(self, auth: TokenFlow) -> _Scope:
        if auth.scope not in self._scopes:
            pacer = Pacer(self._journal, f"mint:{auth.scope}", auth.mints_per_minute, sleep=self._sleep)
            self._scopes[auth.scope] = _Scope(f"token:{auth.scope}", pacer)
        return self._scopes[auth.scope]

    async def _permit(self, auth: TokenFlow, scope: _Scope, call: Call) -> None:
        """The gate of a request for a token. The lease may be lost while the permit is waited for."""
        await scope.pacer.turn()
        if auth.exclusive:
            await self._take(scope)
        scope.asked = self._clock()

    # ------------------------------------------------------------------ the lease
    async def _take(self, scope: _Scope) -> None:
        held = await self._journal.take_lease(scope.lease, owner=self._owner, lease=self._lease)
        if held.owner != self._owner:
            raise Retryable(
                f"the application's token is in use by {held.owner}",
                after=POLL,
                hint=f"It is given back soon; if that process died, it is free {self._lease:.0f} seconds later.",
            )
        scope.wanted = held.wanted
        if scope.keeper is None:
            scope.used = self._clock()
            scope.keeper = asyncio.create_task(self._keep(scope))

    async def _keep(self, scope: _Scope) -> None:
        """Renew the lease until it is lost, or no flow is under way and another process waits or nobody uses it."""
        while True:
            await self._sleep(min(POLL, self._lease / 3))
            try:
                held = await self._journal.take_lease(scope.lease, owner=self._owner, lease=self._lease)
            except JournalError as error:
                log.warning("lease_not_renewed", lease=scope.lease, error=error.message)
                continue
            if held.owner != self._owner:
                scope.forget()
                log.warning("token_lease_lost", lease=scope.lease, holder=held.owner)
                return
            scope.wanted = held.wanted
            idle = self._clock() - scope.used > IDLE
            if (scope.wanted or idle) and not scope.flows and not scope.lock.locked():
                async with scope.lock:
                    await self._give_back(scope)
                return

    async def _give_back(self, scope: _Scope) -> None:
        scope.forget()
        with suppress(JournalError):  # then it ends by itself
            await self._journal.give_back_lease(scope.lease, owner=self._owner)
