"""Tokens. All lanes of a process share one. It is renewed in time, and its lease goes to another process that asks.

A vendor may revoke the old token when it issues a new one (`TokenFlow.exclusive`). Then a lease in the journal says
which process may ask for a token and use it. The lease goes to another process between two flows, never within one:
the journal reserves it for a moment for the process that has asked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TypeAlias

from proofport.adapter import Flow, Token, TokenFlow
from proofport.errors import JournalError, Retryable
from proofport.http.flow import Gate
from proofport.http.pacer import Pacer
from proofport.http.retry import Sleep
from proofport.journal.contract import Registry
from proofport.logs import get_logger
from proofport.wire import Call

EARLY = 30.0
"""Seconds before its end at which a token is renewed. For a short token it is a tenth of its lifetime."""
POLL = 2.0
"""Seconds between two looks at a lease, by its holder and by those that wait for it."""
IDLE = 60.0
"""Seconds without a flow after which a lease is given back, although nobody asks."""

Mint: TypeAlias = Callable[[Flow[Token], Gate], Awaitable[Token]]
"""Runs the flow that asks for a token, without credentials. The gate is asked before each of its requests."""

log = get_logger("http")


class TokenInUse(Retryable):
    """Another process holds the right to ask for a token."""


class _Scope:
    """The state of one scope in this process."""

    def __init__(self, lease: str, pacer: Pacer) -> None:
        self.lease = lease  #: The lease's name in the journal.
        self.pacer = pacer
        self.token: Token | None = None
        self.asked = 0.0  #: When it was last asked for.
        self.ends = 0.0  #: When it is to be renewed.
        self.lock = asyncio.Lock()  #: Held by whoever asks for a token or gives the lease back.
        self.flows = 0  #: Flows that are under way.
        self.used = 0.0  #: When the last flow ended.
        self.keeper: asyncio.Task[None] | None = None  #: The task that renews the lease while it is ours.
        self.wanted = False  #: Another process waits for the lease.

    def forget(self) -> None:
        """Drop everything that belongs to the lease."""
        self.token, self.keeper, self.wanted = None, None, False


class Tokens:
    """The tokens of one process, by scope. They are in memory only. `close` gives every lease back."""

    def __init__(
        self,
        journal: Registry,
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
        """Keep the lease during a flow. Raises Retryable when another process is to have it next."""
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
        """Return the scope's token, and True when this call made it. `refused`: a token that got a 401.

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
        """The gate of a request for a token. The lease is taken again: it may be lost during the wait for a permit."""
        await scope.pacer.turn()
        if auth.exclusive:
            await self._take(scope)
        scope.asked = self._clock()

    # ------------------------------------------------------------------ the lease
    async def _take(self, scope: _Scope) -> None:
        held = await self._journal.take_lease(scope.lease, owner=self._owner, lease=self._lease)
        if held.owner != self._owner:
            raise TokenInUse(
                f"the application's token is in use by {held.owner}",
                after=POLL,
                hint=f"It is given back soon; if that process died, it is free {self._lease:.0f} seconds later.",
            )
        scope.wanted = held.wanted
        if scope.keeper is None:
            scope.used = self._clock()
            scope.keeper = asyncio.create_task(self._keep(scope))

    async def _keep(self, scope: _Scope) -> None:
        """Renew the lease until it is lost. Give it back when no flow runs, and another process waits or it is idle."""
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
        with suppress(JournalError):  # without the journal it runs out
            await self._journal.give_back_lease(scope.lease, owner=self._owner)
