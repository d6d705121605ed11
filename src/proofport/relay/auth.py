"""Who asks: the middleware that finds the Caller of a request by its key, and holds each key to its rate."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import lru_cache
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from proofport.config_relay import RelaySettings
from proofport.errors import ConfigError, JournalError
from proofport.journal.contract import AccessKey, AccessKeys
from proofport.logs import get_logger
from proofport.relay.caller import CALLER, Caller
from proofport.relay.keys import FIRST_USES, KeyRing, parsed
from proofport.relay.problems import ProblemError
from proofport.relay.rates import Rates
from proofport.relay.routes import is_open
from proofport.wire import is_loopback

NOTE_EVERY = 30.0
"""Seconds between two notes in the journal of which keys were used."""

ORIGINS_KEPT = 64
ANYBODY = Caller()
"""Who asks while there is no key."""

log = get_logger("relay.auth")


async def refuse_open_door(journal: AccessKeys, settings: RelaySettings) -> None:
    """Raises ConfigError where others than this machine could come in, and nobody has a key that is good."""
    if is_local(settings.host) or any(_is_good(key) for key in await journal.access_keys()):
        return
    raise ConfigError(
        f"the relay would listen on {settings.host} for everybody: there is no key yet",
        hint="Make one with `proofport key create`, or listen on this machine only: `relay: {host: 127.0.0.1}`.",
    )


def is_local(host: str) -> bool:
    """Whether what listens on this host is reached from this machine only."""
    return is_loopback(f"http://[{host}]" if ":" in host else f"http://{host}")


def asks_for_keys(keys: KeyRing, settings: RelaySettings) -> Middleware:
    """The middleware. While there is no key at all, callers from this machine may do everything, without one."""
    rates = Rates(settings.rate.per_minute, settings.rate.burst)
    first_uses = Rates(*FIRST_USES)

    @web.middleware
    async def auth(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not is_open(request):
            request[CALLER] = await _caller(request, keys, first_uses, rates)
        return await handler(request)

    return auth


async def _caller(request: web.Request, keys: KeyRing, first_uses: Rates, rates: Rates) -> Caller:
    given = request.headers.getall("Authorization", [])
    if not given and await keys.is_empty():
        _refuse_foreign_pages(request)
        return ANYBODY
    key = await _key(request, given, keys, first_uses)
    _hold(rates.take(key.prefix), "this key came too often")
    return Caller(
        key.tenant,
        None if key.destinations is None else frozenset(key.destinations),
        None if key.kinds is None else frozenset(key.kinds),
        key.may_read,
        key.may_write,
        key.prefix,
    )


async def _key(request: web.Request, given: list[str], keys: KeyRing, first_uses: Rates) -> AccessKey:
    if len(given) != 1:
        raise _unauthorized("found no key" if not given else "found several Authorization headers, expected one")
    scheme, _, text = given[0].partition(" ")
    token = parsed(text.strip()) if scheme.lower() == "bearer" else None
    if token is None:
        raise _unauthorized("found an Authorization header that is not `Bearer pp_…`")
    if not keys.remembers(token):
        _hold(first_uses.take(request.remote or ""), "too many keys that were not seen before")
    key = await keys.find(token)
    if key is None:
        log.warning("key_refused", key=token.prefix, remote=request.remote)
        raise _unauthorized("found a key that is unknown, revoked or expired")
    return key


def _unauthorized(detail: str) -> ProblemError:
    return ProblemError("unauthorized", detail, headers={"WWW-Authenticate": "Bearer"})


def _hold(wait: float, detail: str) -> None:
    if wait:
        seconds = max(1, math.ceil(wait))
        headers = {"Retry-After": str(seconds)}
        raise ProblemError("too-many-requests", f"{detail}; try again after {seconds} s", headers=headers)


def _refuse_foreign_pages(request: web.Request) -> None:
    """Without keys, a page in this machine's browser must not be able to post here, nor a foreign name to lead here."""
    origins = [f"http://{request.host}", *request.headers.getall("Origin", [])]
    if not all(map(_is_of_this_machine, origins)):
        raise ProblemError("forbidden", "without keys, only this machine may ask, by its own name")


@lru_cache(ORIGINS_KEPT)
def _is_of_this_machine(origin: str) -> bool:
    try:
        return is_loopback(origin) and not urlsplit(origin).username
    except ValueError:
        return False


async def notes_uses(keys: KeyRing, every: float = NOTE_EVERY) -> AsyncIterator[None]:
    """For `cleanup_ctx`: when keys were last used gets into the journal now and then, and at the end."""

    async def note() -> None:
        try:
            await keys.note_uses()
        except JournalError as error:
            log.warning("key_use_not_noted", error=error.message)

    async def keep_noting() -> None:
        while True:
            await asyncio.sleep(every)
            await note()

    noting = asyncio.create_task(keep_noting())
    yield
    noting.cancel()
    with suppress(asyncio.CancelledError):
        await noting
    await note()


def _is_good(key: AccessKey) -> bool:
    return key.revoked is None and (key.expires is None or key.expires > time.time())
