"""The forms of Drata's errors and times."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Literal

from aiohttp import web

from proofport.testing import json_response

# The published document gives these the envelope without `name`.
LEGACY = frozenset({401, 402, 403, 412, 429, 500})


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
