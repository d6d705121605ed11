"""Finds the caller of a request by its key, and limits how often a key may be used."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Container
from contextlib import suppress
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from proofport.config.relay import RelaySettings
from proofport.errors import ConfigError, JournalError
from proofport.journal.contract import AccessKey, AccessKeys
from proofport.logs import Seldom, get_logger
from proofport.relay.access.caller import CALLER, Caller
from proofport.relay.access.connections import CONNECTIONS
from proofport.relay.access.keys import KeyRing, is_outdated, parsed
from proofport.relay.problems import ProblemError
from proofport.wire import is_loopback

NOTE_EVERY = 30.0
"""Seconds between two writes to the journal of which keys were used."""

ANYBODY = Caller()
"""The caller while there is no key."""

log = get_logger("relay.auth")


async def refuse_open_door(
    journal: AccessKeys, settings: RelaySettings, what: str = "the relay", local: str = "relay: {host: 127.0.0.1}"
) -> None:
    """Raises ConfigError where other machines could connect to `what`, and no key is valid.

    `local`: what has it listen on this machine only.
    """
    keys = await journal.access_keys()
    if outdated := [f"pp_{key.prefix}" for key in keys if is_outdated(key) and key.revoked is None]:
        log.warning("keys_outdated", keys=outdated, hint="Replace them: `proofport key create`, then `revoke`.")
    if is_local(settings.host) or any(map(_is_valid, keys)):
        return
    raise ConfigError(
        f"{what} would listen on {settings.host} for everybody: there is no key yet",
        hint=f"Make one with `proofport key create`, or listen on this machine only: `{local}`.",
    )


def is_local(host: str) -> bool:
    """True if only this machine can reach a server on this host."""
    return is_loopback(f"http://[{host}]" if ":" in host else f"http://{host}")


def _is_valid(key: AccessKey) -> bool:
    return key.revoked is None and (key.expires is None or key.expires > time.time()) and not is_outdated(key)


def require_keys(keys: KeyRing, settings: RelaySettings, open_routes: Container[web.AbstractRoute]) -> Middleware:
    """The middleware. Without any key, callers from this machine may do everything.

    `open_routes` need no key. A path that does not exist is not one of them: strangers learn nothing from it.
    """
    rates = Rates(settings.rate.per_minute, settings.rate.burst)
    refusals = Seldom()

    @web.middleware
    async def auth(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.match_info.route not in open_routes:
            request[CALLER] = await _caller(request, keys, rates, refusals)
            request.app[CONNECTIONS].has_key(request.protocol)
        return await handler(request)

    return auth


async def _caller(request: web.Request, keys: KeyRing, rates: Rates, refusals: Seldom) -> Caller:
    given = request.headers.getall("Authorization", [])
    if not given and await keys.is_empty():
        _refuse_foreign_pages(request)
        return ANYBODY
    key = await _key(request, given, keys, refusals)
    if wait := rates.take(key.prefix):
        seconds = max(1, math.ceil(wait))
        detail = f"this key is used too often; try again after {seconds} s"
        raise ProblemError("too-many-requests", detail, headers={"Retry-After": str(seconds)})
    return Caller(key.tenant, key.destinations, key.kinds, key.may_read, key.may_write, key.prefix)


async def _key(request: web.Request, given: list[str], keys: KeyRing, refusals: Seldom) -> AccessKey:
    if len(given) != 1:
        raise _unauthorized("found no key" if not given else "found several Authorization headers, expected one")
    scheme, _, text = given[0].partition(" ")
    token = parsed(text.strip()) if scheme.lower() == "bearer" else None
    if token is None:
        raise _unauthorized("found an Authorization header that is not `Bearer pp_…`")
    key = await keys.find(token)
    if key is None:
        if (unsaid := refusals.turn()) is not None:
            log.warning("key_refused", key=token.prefix, remote=request.remote, unsaid=unsaid)
        raise _unauthorized("found a key that is unknown, revoked, expired, or of an earlier version")
    return key


def _unauthorized(detail: str) -> ProblemError:
    """The connection is closed as well: a stranger does not keep it."""
    headers = {"WWW-Authenticate": "Bearer", "Connection": "close"}
    return ProblemError("unauthorized", detail, headers=headers)


def _refuse_foreign_pages(request: web.Request) -> None:
    """Without keys, a web page in a browser of this machine must not reach the relay, nor a foreign name lead to it."""
    origins = [f"http://{request.host}", *request.headers.getall("Origin", [])]
    if not all(map(_is_of_this_machine, origins)):
        raise ProblemError("forbidden", "without keys, only this machine may ask, by its own name")


def _is_of_this_machine(origin: str) -> bool:
    try:
        return is_loopback(origin) and not urlsplit(origin).username
    except ValueError:
        return False


async def note_uses(keys: KeyRing, every: float = NOTE_EVERY) -> AsyncIterator[None]:
    """For `cleanup_ctx`: write the last use of keys to the journal now and then, and at the end."""

    async def keep_noting() -> None:
        while True:
            try:
                await asyncio.sleep(every)
            finally:
                await _note_uses(keys)

    noting = asyncio.create_task(keep_noting())
    yield
    noting.cancel()
    with suppress(asyncio.CancelledError):
        await noting


async def _note_uses(keys: KeyRing) -> None:
    try:
        await keys.note_uses()
    except JournalError as error:
        log.warning("key_use_not_noted", error=error.message)


class Rates:
    """Limits how often each key may be used: GCRA, https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm.

    `per_minute` in the long run (0: no limit), `burst` at once. `clock`: seconds that never go back. The memory is that
    of one process: two relays on one journal each allow the whole rate, and a restart forgets it.
    """

    def __init__(self, per_minute: int, burst: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval = 60 / per_minute if per_minute else 0.0
        self._tolerance = self._interval * (burst - 1)
        self._clock = clock
        #: By key. Only keys that are valid get here, so it does not grow without end.
        self._due: dict[str, float] = {}

    def take(self, key: str) -> float:
        """Take one turn, and give 0; or give the seconds to wait, and take nothing."""
        if not self._interval:
            return 0.0
        now = self._clock()
        due = max(self._due.get(key, now), now)
        if due - now > self._tolerance:
            return due - now - self._tolerance
        self._due[key] = due + self._interval
        return 0.0
