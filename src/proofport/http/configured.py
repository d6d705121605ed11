"""Calls addresses that the configuration names: the heartbeat's, those of webhooks, and of a time stamp authority.

An address may hold a secret, and the one behind it may be away, or slow. So each call has its time, no redirect is
followed, no credentials of ~/.netrc and no cookies go along, and what went wrong is told without the address.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType, TracebackType
from typing import Self

import aiohttp
from yarl import URL

from proofport.errors import ProofportError, Retryable
from proofport.http.retry import NETWORK
from proofport.http.sender import body_of, proxy_of

NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Caller:
    """Connections to such addresses. Use it as an async context manager."""

    def __init__(self, seconds: float, who: str = "it") -> None:
        """`seconds`: for one call, with its answer. `who`: the word for whoever is called, for messages."""
        self._seconds = seconds
        self._who = who

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=self._seconds)
        self._session = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
        return self

    async def __aexit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        await self._session.close()

    async def call(
        self, url: str, *, method: str = "POST", body: bytes | None = None, headers: Mapping[str, str] = NO_HEADERS
    ) -> str | None:
        """Call it once, with a body of JSON or none. Returns what went wrong, or None: it was heard."""
        about = {"Content-Type": "application/json"} if body is not None else {}
        try:
            await self._answer(method, url, body, {**about, **headers}, largest=None)
        except ProofportError as error:
            return error.message
        return None

    async def ask(self, url: str, query: bytes, content_type: str, largest: int) -> bytes:
        """The body of its answer to a query. Raises ProofportError: Retryable where it may answer later.

        `largest`: bytes that the body may have.
        """
        return await self._answer("POST", url, query, {"Content-Type": content_type}, largest=largest)

    async def _answer(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], *, largest: int | None
    ) -> bytes:
        """The body of the answer, which nobody reads where `largest` is None."""
        try:
            address = URL(url, encoded="%" in url)
            async with self._session.request(
                method, address, data=body, headers=headers, allow_redirects=False, proxy=proxy_of(url)
            ) as answer:
                status, found = answer.status, b"" if largest is None else await body_of(answer, largest)
        except TimeoutError:
            raise Retryable(f"{self._who} gave no answer within {self._seconds:g} s") from None
        except (*NETWORK, ValueError) as error:  # its own words may hold the URL
            raise Retryable(f"{self._who} cannot be reached ({type(error).__name__})") from None
        if status < 300:
            return found
        more = ", and redirects are not followed" if status < 400 else ""
        kind = Retryable if status in (408, 429) or status >= 500 else ProofportError
        raise kind(f"{self._who} answered {status}{more}")
