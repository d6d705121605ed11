"""The forms of Drata's answers: errors, times, pages. And the numbers in its paths."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Literal, Protocol, TypeVar

from aiohttp import web

from proofport.testing import VendorError, json_response

# The published document gives these the envelope without `name`.
LEGACY = frozenset({401, 402, 403, 412, 429, 500})
NUMBER = re.compile(r"[0-9]{1,15}")


class Dated(Protocol):
    created_at: datetime
    updated_at: datetime


Row = TypeVar("Row", bound=Dated)


def error(
    status: int,
    message: str,
    *,
    code: int | None = None,
    headers: Mapping[str, str] | None = None,
    debug: Literal["absent", "null"] = "absent",
) -> web.Response:
    """One of the two error envelopes. Codes that no source names are the status times ten."""
    body: dict[str, Any] = {"statusCode": status, "message": message, "code": code or status * 10}
    if status not in LEGACY:
        body = {"name": HTTPStatus(status).phrase.title().replace(" ", "") + "Exception", **body}
    if debug == "null":
        body["debugInfo"] = None
    return json_response(body, status, headers)


def timestamp(when: datetime | None) -> str | None:
    """The RFC 3339 form, as in lists."""
    return None if when is None else when.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def upload_timestamp(when: datetime) -> str:
    """The form in the results of an upload, which is not RFC 3339."""
    return when.isoformat(" ", "microseconds").removesuffix("+00:00")


def number(request: web.Request, name: str) -> int:
    """A number of the path. Raises VendorError (400)."""
    text = request.match_info[name]
    if not NUMBER.fullmatch(text):
        raise VendorError(400, f"Validation failed: {name} must be a number")
    return int(text)


def expansions(request: web.Request, known: Collection[str]) -> list[str]:
    """The values of `expand[]`. Raises VendorError (400) on an unknown one."""
    asked = request.query.getall("expand[]", [])
    for each in asked:
        if each not in known:
            raise VendorError(400, f"each value in expand must be one of the following values: {', '.join(known)}")
    return asked


def page(
    request: web.Request, rows: Collection[Row], render: Callable[[Row], dict[str, Any]], direction: str
) -> web.Response:
    """One page of `rows` (given in the order of their creation). Raises VendorError (400) on a bad parameter."""
    size = _size(request)
    start = _position(request.query.get("cursor"))
    ordered = list(rows)
    if _one_of(request, "sort", ("createdAt", "updatedAt")) == "updatedAt":
        ordered.sort(key=lambda row: row.updated_at)
    if (_one_of(request, "sortDir", ("ASC", "DESC")) or direction) == "DESC":
        ordered.reverse()
    end = start + size
    pagination: dict[str, Any] = {"cursor": None}
    if end < len(ordered):
        pagination["cursor"] = base64.urlsafe_b64encode(f"row:{end}".encode()).decode()
    if _one_of(request, "includeTotalCount", ("true", "false")) == "true" and start == 0:
        pagination["totalCount"] = len(ordered)
    return json_response({"data": [render(row) for row in ordered[start:end]], "pagination": pagination})


def _size(request: web.Request) -> int:
    text = request.query.get("size", "50")
    if not NUMBER.fullmatch(text) or not 1 <= int(text) <= 500:
        raise VendorError(400, "size must not be less than 1 and not be greater than 500")
    return int(text)


def _one_of(request: web.Request, name: str, known: tuple[str, ...]) -> str | None:
    value = request.query.get(name)
    if value is not None and value not in known:
        raise VendorError(400, f"{name} must be one of the following values: {', '.join(known)}")
    return value


def _position(cursor: str | None) -> int:
    if cursor is None:
        return 0
    try:
        word, _, text = base64.urlsafe_b64decode(cursor.encode()).decode().partition(":")
    except (binascii.Error, UnicodeError):
        word, text = "", ""
    if word != "row" or not NUMBER.fullmatch(text):
        raise VendorError(400, "cursor is not valid")
    return int(text)
