"""Calls addresses that the configuration names: the heartbeat's, and those of webhooks.

An address may hold a secret, and the one behind it may be away, or slow. So each call has its time, no redirect is
followed, no credentials of ~/.netrc and no cookies go along, and what went wrong is told without the address.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType, TracebackType
from typing import Self

import aiohttp
from yarl import URL

from proofport.http.retry import NETWORK
from proofport.http.sender import proxy_of

NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Caller:
    """Connections to such addresses. Use it as an async context manager."""

    def __init__(self, seconds: float) -> None:
        """`seconds`: for one call, with its answer."""
        self._seconds = seconds

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
            address = URL(url, encoded="%" in url)
            async with self._session.request(
                method, address, data=body, headers={**about, **headers}, allow_redirects=False, proxy=proxy_of(url)
            ) as answer:
                status = answer.status
        except TimeoutError:
            return f"it gave no answer within {self._seconds:g} s"
        except (*NETWORK, ValueError) as error:  # its own words may hold the URL
            return f"it cannot be reached ({type(error).__name__})"
        if 300 <= status < 400:
            return f"it answered {status}, and redirects are not followed"
        return None if status < 300 else f"it answered {status}"
