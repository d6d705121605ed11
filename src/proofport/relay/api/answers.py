"""Answers as JSON, and pages of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

import orjson
from aiohttp import web
from pydantic import BaseModel, Field

from proofport.evidence import format_timestamp

LARGEST_PAGE = 500
JSON = {"Content-Type": "application/json"}


class PageQuery(BaseModel, extra="forbid"):
    cursor: Annotated[int | None, Field(ge=1, le=2**62, description="`next` of the page before.")] = None
    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE, description="At most so many items.")] = 50


def json_response(data: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(body=orjson.dumps(data), status=status, headers={**JSON, **(headers or {})})


def time_of(seconds: float | None) -> str | None:
    """Seconds since 1970 as RFC 3339."""
    return None if seconds is None else format_timestamp(datetime.fromtimestamp(seconds, UTC))
