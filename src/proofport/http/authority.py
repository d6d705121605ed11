"""Asks a time stamp authority. No redirect is followed, and the address, which may be a secret, is repeated nowhere."""

from __future__ import annotations

import asyncio
from functools import partial

import aiohttp
from yarl import URL

from proofport.errors import ProofportError, Retryable
from proofport.http.retry import NETWORK, Sleep, waiting
from proofport.http.sender import body_of, proxy_of

SECONDS = 5.0
"""For one request, with its answer."""

LARGEST = 64 * 1024
"""Bytes of an answer, which holds a few certificates."""

QUERY = "application/timestamp-query"


async def asked(url: str, query: bytes, retry_seconds: float, *, sleep: Sleep = asyncio.sleep) -> bytes:
    """The answer to a query. It is asked again for `retry_seconds` while it does not work. Raises ProofportError."""
    return await waiting(partial(_once, url, query), retry_seconds, lambda _: None, sleep=sleep)


async def _once(url: str, query: bytes) -> bytes:
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    try:
        async with (
            aiohttp.ClientSession(proxy=proxy_of(url), timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.post(
                URL(url, encoded=True), data=query, headers={"Content-Type": QUERY}, allow_redirects=False
            ) as answer,
        ):
            status, body = answer.status, await body_of(answer, LARGEST)
    except TimeoutError:
        raise Retryable(f"the authority gave no answer within {SECONDS:g} s") from None
    except (*NETWORK, ValueError) as error:  # its own words may hold the address
        raise Retryable(f"the authority cannot be reached ({type(error).__name__})") from None
    if status == 200:
        return body
    more = ", and redirects are not followed" if 300 <= status < 400 else ""
    kind = Retryable if status in (408, 429) or status >= 500 else ProofportError
    raise kind(f"the authority answered {status}{more}")
