"""The only HTTP client: paces, repeats what may be repeated, and turns failures into our errors."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from types import TracebackType
from typing import Self, TypeAlias
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, stop_after_delay
from tenacity.wait import wait_random_exponential
from xxhash import xxh3_64_hexdigest
from yarl import URL

from proofport.adapter import Adapter
from proofport.delivery.failures import NETWORK, explain, refused_for_now
from proofport.delivery.pacer import Pacer
from proofport.errors import ProofportError, Retryable
from proofport.journal.contract import Attempt
from proofport.logs import get_logger
from proofport.wire import Call, Reply, is_loopback

ATTEMPTS = 3
ATTEMPT_SECONDS = 10.0
MESSAGE = 300
TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=10)

Gate: TypeAlias = Callable[[Call], Awaitable[None]]
"""Asked before every request, repeated ones included; raises to keep it from being sent."""

log = get_logger("delivery")


class Sender:
    """One vendor's connection pool. `requests` counts every request that was started, `attempts` describes them.

    Within one `send` a refused or lost request is tried up to three times in ten seconds; a longer wait is left to the
    caller (`Retryable.after`). One permit of the budget is waited for at a time, however many requests are in flight:
    a destination that sends in parallel gets no larger share than its neighbours. Redirects are not followed: a
    followed POST can turn into a GET or leak the key.
    """

    def __init__(
        self, adapter: Adapter, pacer: Pacer, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self.origin = adapter.origin
        self.requests = 0
        self.attempts: list[Attempt] = []
        self._headers = dict(adapter.headers())
        self._pacer = pacer
        self._sleep = sleep
        self._turn = asyncio.Lock()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=TIMEOUT, headers=self._headers, proxy=_proxy(self.origin))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        if self._session is not None:
            await self._session.close()

    def take_attempts(self, *, run_id: str | None = None, delivery: int | None = None) -> list[Attempt]:
        """The attempts since this was last asked, for this run or delivery."""
        taken, self.attempts = self.attempts, []
        return [replace(attempt, run_id=run_id, delivery=delivery) for attempt in taken]

    async def send(self, call: Call, gate: Gate | None = None) -> Reply:
        """The answer. Raises Retryable, Blocked, ConfigError, OutcomeUnknown when `call.lost` is "ask", and what the
        gate raises, which is asked last: whatever was waited for lies behind it."""
        lost, operation = False, call.operation

        def note(state: RetryCallState) -> None:
            nonlocal lost
            error = state.outcome.exception() if state.outcome else None
            lost = lost or (isinstance(error, Retryable) and error.lost)
            log.warning("request_repeated", operation=operation, attempt=state.attempt_number, error=str(error))

        retrying = AsyncRetrying(
            stop=stop_after_attempt(ATTEMPTS) | stop_after_delay(ATTEMPT_SECONDS),
            wait=_wait,
            retry=retry_if_exception(_worth_repeating_now),
            sleep=self._sleep,
            before_sleep=note,
            reraise=True,
        )
        try:
            # Not `retrying(self._once, call)`: the cycle of its state would keep the body until the collector runs.
            async for attempt in retrying:
                with attempt:
                    return await self._once(call, gate)
        except ProofportError as error:
            error.lost = error.lost or lost
            raise
        raise AssertionError("tenacity ends with a result or an error")

    async def _once(self, call: Call, gate: Gate | None) -> Reply:
        async with self._turn:
            wait = await self._pacer.permit()
            if wait:
                await self._sleep(wait)
        if gate is not None:
            await gate(call)
        self.requests += 1
        started = time.time()
        try:
            reply = await self._exchange(call)
        except NETWORK as error:
            failure = explain(error, call, self.origin)
            self.attempts.append(_attempt(call, None, started, failure.message))
            raise failure from error
        self.attempts.append(_attempt(call, reply, started, _vendor_words(reply)))
        refusal = refused_for_now(reply, call, self.origin)
        if refusal is not None:
            raise refusal
        return reply

    async def _exchange(self, call: Call) -> Reply:
        assert self._session is not None, "a Sender is used as a context manager"
        url = URL(self.origin + call.path, encoded=True).update_query(call.query)
        headers = {"Content-Type": call.content_type} if call.body is not None else {}
        async with self._session.request(
            call.method, url, data=call.body, headers=headers, allow_redirects=False
        ) as response:
            body = await response.read()
            return Reply(response.status, {name.lower(): value for name, value in response.headers.items()}, body)


def _attempt(call: Call, reply: Reply | None, started: float, message: str) -> Attempt:
    body = call.body or b""
    status = reply.status if reply else 0
    return Attempt(
        call.operation, status, time.time() - started, len(body), xxh3_64_hexdigest(body), message[:MESSAGE], started
    )


def _vendor_words(reply: Reply) -> str:
    """What the vendor says of a refusal: most put it into `message`. Never a whole body."""
    said = None if reply.ok else reply.json()
    message = said.get("message") if isinstance(said, dict) else None
    return message if isinstance(message, str) else ""


def _proxy(origin: str) -> str | None:
    """The environment's proxy. aiohttp's own `trust_env` would take credentials from ~/.netrc, too, beside ours."""
    parts = urlsplit(origin)
    if is_loopback(origin) or proxy_bypass(parts.netloc):
        return None
    proxy = getproxies().get(parts.scheme)
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy


def _worth_repeating_now(error: BaseException) -> bool:
    return isinstance(error, Retryable) and (error.after is None or error.after <= ATTEMPT_SECONDS)


_backoff = wait_random_exponential(multiplier=0.25, max=4)


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.after if isinstance(error, Retryable) else None
    return _backoff(state) if asked is None else asked
