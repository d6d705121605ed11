"""Calls the address that waits for a sign of life after each run that is complete."""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp

from proofport.http.retry import NETWORK
from proofport.http.sender import proxy_of

SECONDS = 5.0
"""The time for the whole call: a run has ended, and its caller waits for the report."""


async def beat(url: str, method: str, about: Mapping[str, object], *, seconds: float = SECONDS) -> str | None:
    """Call it once. Returns what went wrong, or None. No redirect is followed, and the URL is repeated nowhere.

    `about`: the JSON of a POST.
    """
    timeout = aiohttp.ClientTimeout(total=seconds)
    try:
        async with (
            aiohttp.ClientSession(proxy=proxy_of(url), timeout=timeout) as session,
            session.request(method, url, json=about if method == "POST" else None, allow_redirects=False) as answer,
        ):
            status = answer.status
    except TimeoutError:
        return f"it gave no answer within {seconds:g} s"
    except (*NETWORK, ValueError) as error:  # its own words may hold the URL
        return f"it cannot be reached ({type(error).__name__})"
    if 300 <= status < 400:
        return f"it answered {status}, and redirects are not followed"
    return None if status < 300 else f"it answered {status}"
