"""Enforces the limits of one request: bytes and seconds while the body arrives, levels and records once it is parsed.

The lines of NDJSON are counted while they arrive. aiohttp enforces the limits of headers: see `server_options`.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web
from xxhash import xxh3_128

from proofport.config.relay import Limits
from proofport.relay.body.memory import MEMORY
from proofport.relay.problems import ProblemError

LIMITS = web.AppKey("limits", Limits)
_NESTED = frozenset({dict, list})
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


class Body:
    """The body of a request while it arrives. Raises ProblemError as soon as it is too large or too late.

    `hasher` gets its bytes.
    """

    def __init__(self, request: web.Request, hasher: xxh3_128 | None = None) -> None:
        self._limits = request.app[LIMITS]
        self._content = request.content
        self._request = request
        self._memory = request.app[MEMORY]
        self._hasher = hasher
        self._size = 0
        self._deadline = asyncio.get_running_loop().time() + self._limits.body_seconds
        _refuse_early(request, self._limits)

    async def chunk(self) -> bytes:
        """The next bytes; none at the end."""
        try:
            async with asyncio.timeout_at(self._deadline):
                chunk = await self._content.readany()
        except TimeoutError:
            detail = f"the body was not there after {self._limits.body_seconds:g} seconds"
            raise ProblemError("request-timeout", detail, headers={"Connection": "close"}) from None
        except (web.RequestPayloadError, ConnectionError):
            raise ProblemError("malformed-body", "the body breaks off, or its chunks are not chunks") from None
        self._size += len(chunk)
        if self._size > self._limits.body_bytes:
            raise _too_large(f"more than {self._limits.body_bytes:,} bytes", self._limits)
        self._memory.take(self._request, len(chunk))
        if self._hasher is not None:
            self._hasher.update(chunk)
        return chunk

    async def whole(self) -> bytes:
        chunks = []
        while chunk := await self.chunk():
            chunks.append(chunk)
        return b"".join(chunks)


def require_few_values(body: bytes, limits: Limits) -> None:
    """Raises ProblemError for JSON of too many values, before they are made: each takes time and memory."""
    if len(body) < limits.values:
        return
    most = values_in(body)
    if most > limits.values:
        raise ProblemError("payload-too-large", f"found up to {most:,} JSON values, expected at most {limits.values:,}")


def values_in(text: bytes) -> int:
    """The most values that JSON may have. What separates values is counted, also within text."""
    return text.count(b",") + text.count(b"[") + text.count(b"{")


def require_few(records: int, limits: Limits) -> None:
    """Raises ProblemError for a body of too many records."""
    if records > limits.records:
        raise ProblemError("payload-too-large", f"found more than {limits.records:,} records, expected no more")


def require_shallow(document: object, limits: Limits, levels_above: int = 0) -> None:
    """Raises ProblemError for a document with too many levels of arrays and objects."""
    level: list[Any] = [document] if document.__class__ in _NESTED else []
    for _ in range(limits.depth + 1 - levels_above):
        if not level:
            return
        level = [
            value
            for each in level
            for value in (each.values() if each.__class__ is dict else each)
            if value.__class__ in _NESTED
        ]
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
