"""The id by which a caller and the log speak of one request."""

from __future__ import annotations

import random
import re

from aiohttp import web

HEADER = "X-Request-Id"
REQUEST_ID = web.RequestKey("request_id", str)
SANE = re.compile(r"[A-Za-z0-9.-]{1,64}")
"""An id that a caller may give. Without underscores, so that a key that is put there by mistake is none."""

_chance = random.Random()  # noqa: S311 - a name, no secret
"""Seeded by the system once; a counter would tell a caller how many requests others make."""


def id_of(request: web.Request) -> str:
    """The caller's own id where it is sane, else a new one."""
    given = request.headers.get(HEADER, "")
    return given if SANE.fullmatch(given) else f"{_chance.getrandbits(64):016x}"


def instance_of(request: web.Request) -> str | None:
    """What a problem names itself by."""
    return f"urn:proofport:request:{request[REQUEST_ID]}" if REQUEST_ID in request else None
