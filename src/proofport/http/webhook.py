"""Posts notices to the addresses of the configuration. It follows no redirect, and keeps nothing of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from proofport.http.retry import NETWORK
from proofport.http.sender import proxy_of

SECONDS = 10.0
"""For one request, with its answer."""


class Webhooks:
    """Connections to webhooks. Use it as an async context manager."""

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=SECONDS), cookie_jar=aiohttp.DummyCookieJar()
        )
        return self

    async def __aexit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        await self._session.close()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> str | None:
        """Why it did not arrive, in words without the address, which may be a secret. None: it did."""
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
        try:
            async with self._session.post(
                URL(url, encoded=True),
                data=body,
                headers={"Content-Type": "application/json", **headers},
                allow_redirects=False,
                proxy=proxy_of(origin),
            ) as response:
                return None if response.ok and response.status < 300 else f"HTTP {response.status}"
        except (*NETWORK, ValueError) as error:
            return type(error).__name__
