"""The only HTTP client: waits for a permit, adds credentials, sends, and turns failures into proofport's errors."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from xxhash import xxh3_64_hexdigest
from yarl import URL

from proofport.adapter import Adapter, Flow, StaticHeaders, Token, TokenFlow
from proofport.errors import Blocked, ConfigError, ProofportError
from proofport.http.auth import TokenInUse, Tokens
from proofport.http.flow import Gate, follow
from proofport.http.pacer import Pacer
from proofport.http.patience import current
from proofport.http.redaction import Redaction
from proofport.http.retry import NETWORK, Repeats, Sleep, explain, refused_for_now, waiting
from proofport.journal.contract import Attempt, Registry
from proofport.logs import get_logger
from proofport.wire import Call, Reply, is_loopback

MESSAGE = 300
CONNECT_SECONDS = 10
UNAUTHORIZED = 401
LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes of an unpacked answer."""


log = get_logger("http")


class Sender:
    """One vendor's connection pool. It follows no redirects: a followed POST can turn into a GET, or leak the key.

    `tokens`: those of the whole process. An adapter with a `TokenFlow` needs them. `token_seconds`: how long it waits
    for one that another process has; a run waits by itself, and says so. `turn`: see `Pacer`.
    """

    def __init__(
        self,
        adapter: Adapter,
        journal: Registry,
        tokens: Tokens | None = None,
        *,
        token_seconds: float = 0.0,
        turn: asyncio.Lock | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.origin = adapter.origin
        self.requests = 0  #: The number of requests that were started, with those for a token.
        self.attempts: list[Attempt] = []  #: The result of each request.
        #: Hears of each exchange: the call, the status (0: no answer), the answer, and if it was about a token.
        self.on_exchange: Callable[[Call, int, bytes | None, bool], None] | None = None
        self._adapter = adapter
        self._auth, self._settings = adapter.auth, adapter.settings
        self._tokens = tokens
        self._token_seconds = token_seconds
        self._redaction = Redaction(adapter.settings)
        self._pacer = Pacer.of_host(journal, adapter, turn=turn, sleep=sleep)
        self._sleep = sleep
        self._session: aiohttp.ClientSession | None = None
        self._redact_key()

    async def __aenter__(self) -> Self:
        proxy = proxy_of(self.origin)
        self._redaction.add_proxy(proxy)
        self._session = aiohttp.ClientSession(proxy=proxy)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        if self._session is not None:
            await self._session.close()

    def take_attempts(self, *, run_id: str | None = None) -> list[Attempt]:
        """The attempts since the last call, marked with this run."""
        taken, self.attempts = self.attempts, []
        return [replace(attempt, run_id=run_id) for attempt in taken]

    def credentials(self) -> AbstractAsyncContextManager[None]:
        """Hold the token during one flow: no other process gets the right to ask for one."""
        if isinstance(self._auth, StaticHeaders):
            return nullcontext()
        return self._shared.use(self._auth)

    async def send(self, call: Call, gate: Gate | None = None) -> Reply:
        """Return the reply. Raises Retryable, Blocked, ConfigError, OutcomeUnknown when `call.lost` is "ask", and the
        gate's errors. The gate is asked last, after all waiting."""
        repeats = Repeats(call.operation, self._sleep)
        try:
            return await self._send(call, gate, repeats)
        except ProofportError as error:
            error.lost = error.lost or repeats.lost
            raise

    async def _send(self, call: Call, gate: Gate | None, repeats: Repeats) -> Reply:
        """Send. When the credentials are refused, and a file holds new ones by now, send once more with these."""
        self._take_over()
        try:
            reply = await self._with_credentials(call, gate, repeats)
        except Blocked:
            if isinstance(self._auth, StaticHeaders) or not self._renewed():
                raise
        else:
            if reply.status != UNAUTHORIZED or not self._renewed():
                return reply
        return await self._with_credentials(call, gate, repeats)

    async def _with_credentials(self, call: Call, gate: Gate | None, repeats: Repeats) -> Reply:
        if isinstance(self._auth, StaticHeaders):
            return await repeats(partial(self._once, call, gate, self._auth.headers))
        return await self._send_with_token(self._auth, call, gate, repeats)

    def _renewed(self) -> bool:
        """True if the credentials have changed since they were refused: in their files, or for another sender."""
        try:
            if self._adapter.renew():
                log.info("keys_read", origin=self.origin)
        except ConfigError as error:  # the file is being written, or gone: what the vendor says counts
            log.warning("keys_not_read", origin=self.origin, error=error.message)
        return self._take_over()

    def _take_over(self) -> bool:
        """Use the settings that the adapter has by now. True if they are others."""
        if self._adapter.settings is self._settings or self._adapter.settings == self._settings:
            return False
        self._auth, self._settings = self._adapter.auth, self._adapter.settings
        self._redaction.add_settings(self._settings)
        self._redact_key()
        return True

    def _redact_key(self) -> None:
        if isinstance(self._auth, StaticHeaders):
            self._redaction.add({n: value for n, value in self._auth.headers.items() if n.lower() == "authorization"})

    async def _send_with_token(self, auth: TokenFlow, call: Call, gate: Gate | None, repeats: Repeats) -> Reply:
        """Send. After a 401 send once more, with a token that another lane has got meanwhile, else with a new one."""
        token = await self._token(auth)
        renewed = False
        while True:
            self._redaction.add(token.headers)
            reply = await repeats(partial(self._once, call, gate, token.headers))
            if reply.status != UNAUTHORIZED or renewed:
                return reply
            token, renewed = await self._shared.token(auth, self._mint, refused=token)

    async def _token(self, auth: TokenFlow) -> Token:
        """The token. A run does not wait here: its own retry time applies to the request for one."""

        async def get() -> Token:
            token, _ = await self._shared.token(auth, self._mint)
            return token

        if not self._token_seconds:
            return await get()
        return await waiting(get, self._token_seconds, lambda _: None, sleep=self._sleep, only=TokenInUse)

    async def _mint(self, flow: Flow[Token], gate: Gate) -> Token:
        """Run the flow that asks for a token. Its errors are not repeated: what is secret in them is not known yet."""

        async def send(call: Call) -> Reply:
            again = replace(call, lost="repeat")  # a token whose answer is lost is of no use to anyone
            return await Repeats(call.operation, self._sleep)(partial(self._once, again, gate, None))

        try:
            return await follow(flow, send, quiet=True)
        except ProofportError as error:
            error.lost = False  # nothing of the call that needs the token was sent
            raise

    @property
    def _shared(self) -> Tokens:
        assert self._tokens is not None, "an adapter with a TokenFlow needs the Tokens of the process"
        return self._tokens

    async def _once(self, call: Call, gate: Gate | None, credentials: Mapping[str, str] | None) -> Reply:
        """Make one attempt. `credentials` None: the call asks for a token, and its reply may hold it."""
        with current().ours():
            await self._pacer.turn()
            if gate is not None:
                await gate(call)
        self.requests += 1
        started, began = time.time(), time.monotonic()
        failure: ProofportError | None
        digest = xxh3_64_hexdigest(b"" if credentials is None else call.body or b"")
        answer: bytes | None = None
        try:
            reply = await self._exchange(call, credentials or {})
        except NETWORK as error:
            status, failure = 0, explain(error, call, self.origin, self._redaction.text)
            message = failure.message
        else:
            answer = reply.body
            if credentials is not None or not reply.ok:
                reply = self._redaction.reply(reply)
            status, failure = reply.status, refused_for_now(reply, call, self.origin)
            message = _vendor_words(reply)
        if self.on_exchange is not None:
            self.on_exchange(call, status, answer, credentials is None)
        seconds, sent = time.monotonic() - began, len(call.body or b"")
        self.attempts.append(Attempt(call.operation, status, seconds, sent, digest, message[:MESSAGE], started))
        if failure is not None:
            raise failure  # outside of the handler, because the library's errors show our headers
        current().answered()
        return reply

    async def _exchange(self, call: Call, credentials: Mapping[str, str]) -> Reply:
        assert self._session is not None, "a Sender is used as a context manager"
        url = URL(self.origin + call.path, encoded=True).update_query(call.query)
        headers = {**credentials, "Content-Type": call.content_type} if call.body is not None else dict(credentials)
        timeout = aiohttp.ClientTimeout(total=current().attempt, sock_connect=CONNECT_SECONDS)
        async with self._session.request(
            call.method, url, data=call.body, headers=headers, allow_redirects=False, timeout=timeout
        ) as response:
            body = await body_of(response, LARGEST_ANSWER)
            return Reply(response.status, {name.lower(): value for name, value in response.headers.items()}, body)


async def body_of(response: aiohttp.ClientResponse, largest: int) -> bytes:
    """The body, unpacked. Raises ClientPayloadError for one that is too large: a few bytes may unpack to gigabytes."""
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > largest:
            response.close()
            raise aiohttp.ClientPayloadError(f"the answer has more than {largest:,} bytes")
    return bytes(body)


def _vendor_words(reply: Reply) -> str:
    """The vendor's message about a refusal. Most vendors put it into `message`. Never a whole body."""
    body = None if reply.ok else reply.json()
    message = body.get("message") if isinstance(body, dict) else None
    return message if isinstance(message, str) else ""


def proxy_of(origin: str) -> str | None:
    """The proxy of the environment for a URL. aiohttp's own `trust_env` would also send credentials from ~/.netrc."""
    parts = urlsplit(origin)
    if is_loopback(origin) or proxy_bypass(parts.netloc):
        return None
    proxy = getproxies().get(parts.scheme)
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy
