"""What one request may be: the body's bytes and time, while it comes, its depth and records before it is parsed.

The number and length of headers are the server's to check: it gets them with `server_options`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from aiohttp import web

from proofport.config_relay import Limits
from proofport.relay.meter import Meter, surely_within
from proofport.relay.problems import ProblemError

LIMITS = web.AppKey("limits", Limits)
PIECE = 65_536
"""Bytes that are measured together: what that takes of memory has an end."""

LINGERING = 2.0
"""Seconds in which the rest of a body that was refused may come, so that its sender reads the answer."""


def server_options(limits: Limits) -> dict[str, Any]:
    """What `aiohttp.web.AppRunner` is to be made with."""
    return {
        "max_line_size": limits.header_bytes,
        "max_field_size": limits.header_bytes,
        "max_headers": limits.headers,
        "keepalive_timeout": limits.idle_seconds,
        "lingering_time": LINGERING,
        "auto_decompress": False,  # a compressed body is refused, not unpacked first
    }


async def read_body(request: web.Request) -> bytes:
    """The whole body, measured. Raises ProblemError."""
    body = await receive(request)
    require_within(body, request.app[LIMITS])
    return body


async def receive(request: web.Request) -> bytes:
    """The whole body, of which nothing is known but that it is there: `require_within` before anything is made of it.

    Raises ProblemError when it is too large or too late.
    """
    return b"".join([chunk async for chunk in _arriving(request)])


def require_within(body: bytes, limits: Limits) -> None:
    """Raises ProblemError for a body that is too deep, or of too many records."""
    if surely_within(body, limits):
        return
    meter = Meter()
    for start in range(0, len(body), PIECE):
        meter.feed(body[start : start + PIECE])
        _hold(meter, limits)


async def lines(request: web.Request) -> AsyncGenerator[bytes, None]:
    """A body of NDJSON, a record a line, as it comes: cut anywhere, and measured so far.

    Raises ProblemError as soon as it is too large, too late, too deep, or of too many records.
    """
    limits, meter, ends = request.app[LIMITS], Meter(), 0
    async with aclosing(_arriving(request)) as arriving:
        async for chunk in arriving:
            meter.feed(chunk)
            ends += chunk.count(b"\n")
            _hold(meter, limits, ends)
            yield chunk


def _hold(meter: Meter, limits: Limits, lines: int = 0) -> None:
    if meter.depth > limits.depth:
        raise ProblemError("malformed-body", f"found JSON deeper than {limits.depth} levels, expected no more")
    if max(meter.records, lines) > limits.records:
        raise ProblemError("payload-too-large", f"found more than {limits.records:,} records, expected no more")


async def _arriving(request: web.Request) -> AsyncGenerator[bytes, None]:
    limits, size = request.app[LIMITS], 0
    _refuse_early(request, limits)
    deadline = asyncio.get_running_loop().time() + limits.body_seconds
    while chunk := await _next(request, deadline, limits):
        size += len(chunk)
        if size > limits.body_bytes:
            raise _too_large(f"more than {limits.body_bytes:,} bytes", limits)
        yield chunk


def _refuse_early(request: web.Request, limits: Limits) -> None:
    if request.content_length is not None and request.content_length > limits.body_bytes:
        raise _too_large(f"{request.content_length:,} bytes", limits)
    if (encoding := request.headers.get("Content-Encoding", "identity").lower()) != "identity":
        raise ProblemError(
            "unsupported-media-type", f"found Content-Encoding {encoding[:40]!r}, expected none: send it uncompressed"
        )


def _too_large(found: str, limits: Limits) -> ProblemError:
    return ProblemError("payload-too-large", f"found {found}, expected at most {limits.body_bytes:,}")


async def _next(request: web.Request, deadline: float, limits: Limits) -> bytes:
    """The next chunk, empty at the end."""
    try:
        if (ready := request.content.read_nowait()) or request.content.at_eof():
            return ready
        async with asyncio.timeout_at(deadline):
            return await request.content.readany()
    except TimeoutError:
        detail = f"the body was not there after {limits.body_seconds:g} seconds"
        raise ProblemError("request-timeout", detail, headers={"Connection": "close"}) from None
    except (web.RequestPayloadError, ConnectionError):
        raise ProblemError("malformed-body", "the body breaks off, or its chunks are not chunks") from None
