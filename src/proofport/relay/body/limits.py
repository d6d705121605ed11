"""Enforces the limits of one request: bytes and seconds while the body arrives, levels and records once it is parsed.

The lines of NDJSON are counted while they arrive. aiohttp enforces the limits of headers: see `server_options`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from itertools import chain
from typing import Any

from aiohttp import web

from proofport.config.relay import Limits
from proofport.relay.problems import ProblemError

LIMITS = web.AppKey("limits", Limits)
LINGERING = 2.0
"""Seconds to wait for the rest of a refused body, so that its sender gets to read the answer."""


def server_options(limits: Limits) -> dict[str, Any]:
    """The limits as options of aiohttp's server."""
    return {
        "max_line_size": limits.header_bytes,
        "max_field_size": limits.header_bytes,
        "max_headers": limits.headers,
        "keepalive_timeout": limits.idle_seconds,
        "lingering_time": LINGERING,
        "auto_decompress": False,  # a compressed body is refused, not unpacked first
    }


async def chunks(request: web.Request) -> AsyncGenerator[bytes, None]:
    """Yield a body as it arrives. Raises ProblemError as soon as it is too large or too late."""
    limits, size = request.app[LIMITS], 0
    _refuse_early(request, limits)
    deadline = asyncio.get_running_loop().time() + limits.body_seconds
    while chunk := await _next(request, limits, deadline):
        size += len(chunk)
        if size > limits.body_bytes:
            raise _too_large(f"more than {limits.body_bytes:,} bytes", limits)
        yield chunk


async def read_body(request: web.Request) -> bytes:
    """Read a whole body. Raises ProblemError."""
    return b"".join([chunk async for chunk in chunks(request)])


def require_few(records: int, limits: Limits) -> None:
    """Raises ProblemError for a body of too many records."""
    if records > limits.records:
        raise ProblemError("payload-too-large", f"found more than {limits.records:,} records, expected no more")


def require_shallow(document: object, limits: Limits) -> None:
    """Raises ProblemError for a document with too many levels of arrays and objects."""
    level = [document]
    for _ in range(limits.depth + 1):
        values = [each.values() if each.__class__ is dict else each for each in level if each.__class__ in (dict, list)]
        if not values:
            return
        level = list(chain.from_iterable(values))
    raise ProblemError("malformed-body", f"found JSON deeper than {limits.depth} levels, expected no more")


def _refuse_early(request: web.Request, limits: Limits) -> None:
    if request.content_length is not None and request.content_length > limits.body_bytes:
        raise _too_large(f"{request.content_length:,} bytes", limits)
    if (encoding := request.headers.get("Content-Encoding", "identity").lower()) != "identity":
        raise ProblemError(
            "unsupported-media-type", f"found Content-Encoding {encoding[:40]!r}, expected none: send it uncompressed"
        )


def _too_large(found: str, limits: Limits) -> ProblemError:
    return ProblemError("payload-too-large", f"found {found}, expected at most {limits.body_bytes:,}")


async def _next(request: web.Request, limits: Limits, deadline: float) -> bytes:
    """The next chunk of a body, empty at the end. Raises ProblemError."""
    try:
        async with asyncio.timeout_at(deadline):
            return await request.content.readany()
    except TimeoutError:
        detail = f"the body was not there after {limits.body_seconds:g} seconds"
        raise ProblemError("request-timeout", detail, headers={"Connection": "close"}) from None
    except (web.RequestPayloadError, ConnectionError):
        raise ProblemError("malformed-body", "the body breaks off, or its chunks are not chunks") from None
