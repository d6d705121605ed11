"""Turns failed requests into errors, and repeats them: at once, or by the caller after a longer wait.

`Repeats` makes a few attempts within seconds, inside one `Sender.send`. `waiting` is for callers: it starts a whole
flow again after each pause, until the retry time is over.
"""

from __future__ import annotations

import asyncio
import math
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar

import aiohttp
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, stop_after_delay
from tenacity.wait import wait_random_exponential

from proofport.errors import Blocked, ConfigError, OutcomeUnknown, ProofportError, Retryable
from proofport.http.patience import Patience, current
from proofport.logs import get_logger
from proofport.wire import Call, Reply

T = TypeVar("T")
ATTEMPTS = 3
ATTEMPT_SECONDS = 10.0
LONGEST_PAUSE = 60.0
LONGEST_ASKED = 3600.0
"""The longest wait that a vendor can ask for. After it, the vendor is asked again."""

NETWORK = (aiohttp.ClientError, TimeoutError, OSError)
"""The errors that sending a request may raise."""
_WRONG_ADDRESS = (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError)
_UNTRUSTED = (aiohttp.ClientSSLError, aiohttp.ServerFingerprintMismatch, ssl.SSLCertVerificationError)
_NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError, aiohttp.ConnectionTimeoutError)

Sleep: TypeAlias = Callable[[float], Awaitable[None]]
Tell: TypeAlias = Callable[[str | None], None]
"""Gets a sentence about the wait every second, and None when the wait is over."""

log = get_logger("http")


# ------------------------------------------------------------------ failures
def explain(error: BaseException, call: Call, origin: str, redact: Callable[[str], str] = str) -> ProofportError:
    """The proofport error for `error`, which was raised while `call` was sent to `origin`."""
    what = f"{call.operation} to {origin} failed: {redact(_words(error))}"
    if isinstance(error, _WRONG_ADDRESS):
        return ConfigError(what, hint="Check base_url: it is an origin such as https://host, without a path.")
    if isinstance(error, _UNTRUSTED):
        return Blocked(what, hint="The certificate is not trusted: check base_url, the clock, and any proxy between.")
    if isinstance(error, _NEVER_SENT):
        return Retryable(what, hint="The host was not reached: check base_url, the network, and whether it is up.")
    if call.lost == "ask":
        return OutcomeUnknown(what)
    return Retryable(what, lost=True)


def refused_for_now(reply: Reply, call: Call, origin: str) -> ProofportError | None:
    """The error for a reply that means "not now". None: another reply.

    After a 5xx the call may have taken effect, and after a page under a success, which is a proxy's answer.
    """
    page = reply.ok and reply.is_page
    if not page and reply.status not in (408, 429) and reply.status < 500:
        return None
    what = f"{call.operation}: {origin} answered {reply.status}"
    if page:
        what += " with a page, which is not the vendor's answer: look for a proxy between"
    if call.lost == "ask" and (page or reply.status >= 500):
        return OutcomeUnknown(what)
    return Retryable(what, after=_retry_after(reply), lost=page or (reply.status >= 500 and reply.status != 503))


def _retry_after(reply: Reply) -> float | None:
    """The seconds of Retry-After, at most LONGEST_ASKED. No vendor documents its date form, which counts as absent."""
    value = reply.headers.get("retry-after", "")
    return min(float(value), LONGEST_ASKED) if value.isascii() and value.isdigit() else None


def _words(error: BaseException) -> str:
    text = str(error).strip()
    if isinstance(error, TimeoutError) and not text:
        return "no answer in time"
    return text or type(error).__name__


# ------------------------------------------------------------------ at once
class Repeats:
    """The attempts of one call: up to three in ten seconds, while it is refused for now or its answer is lost.

    None is begun after the retry time. A pause that the vendor asks for is waited for here when it fits in. A longer
    one is left to the caller (`Retryable.after`).
    """

    def __init__(self, operation: str, sleep: Sleep) -> None:
        self.lost = False  #: An attempt before the last one may have taken effect.
        self._operation = operation
        self._sleep = sleep

    async def __call__(self, attempt: Callable[[], Awaitable[T]]) -> T:
        retrying = AsyncRetrying(
            stop=_is_over,
            wait=_pause,
            retry=retry_if_exception(_worth_repeating_now),
            sleep=self._sleep,
            before_sleep=self._note,
            reraise=True,
        )
        # Not `retrying(attempt)`: a reference cycle in its state would keep the body until the garbage collector runs.
        async for each in retrying:
            with each:
                return await attempt()
        raise AssertionError("tenacity ends with a result or an error")

    def _note(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        self.lost = self.lost or (isinstance(error, Retryable) and error.lost)
        log.warning("request_repeated", operation=self._operation, attempt=state.attempt_number, error=str(error))


def _worth_repeating_now(error: BaseException) -> bool:
    return isinstance(error, Retryable) and (error.after is None or error.after <= ATTEMPT_SECONDS)


_few = stop_after_attempt(ATTEMPTS) | stop_after_delay(ATTEMPT_SECONDS)


def _is_over(state: RetryCallState) -> bool:
    patience = current()
    return _few(state) or (patience.seconds > 0 and state.upcoming_sleep >= patience.left)


_backoff = wait_random_exponential(multiplier=0.25, max=4)


def _pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.after if isinstance(error, Retryable) else None
    return _backoff(state) if asked is None else asked


# ------------------------------------------------------------------ by the caller
async def waiting(
    attempt: Callable[[], Awaitable[T]],
    retry_seconds: float,
    tell: Tell,
    *,
    sleep: Sleep = asyncio.sleep,
    clock: Callable[[], float] = time.monotonic,
    only: type[Retryable] = Retryable,
) -> T:
    """Return the result of `attempt`, which is called again after each pause while the vendor does not work.

    `only`: the errors that are waited for.

    Raises its error when that is final, or when the next pause would end after `retry_seconds`. The time of failed
    attempts counts, too: a vendor may take a connection and stay silent. The error is marked `lost` when any attempt
    may have taken effect.
    """
    number, lost = 0, False
    with Patience(retry_seconds, clock).applied() as patience:
        while True:
            patience.answered()
            try:
                result = await attempt()
            except ProofportError as error:
                lost = error.lost = error.lost or lost
                if not isinstance(error, only):
                    raise
                pause = error.after or min(2.0 ** min(number, 6), LONGEST_PAUSE)
                if pause > patience.left:
                    raise
                patience.waited(pause)
                log.warning("vendor_waited_for", seconds=round(pause, 1), error=error.message)
                await _count_down(pause, error, tell, sleep)
                number += 1
            else:
                tell(None)
                return result


async def _count_down(seconds: float, error: Retryable, tell: Tell, sleep: Sleep) -> None:
    while seconds > 0:
        tell(f"{error.message}; goes on in {math.ceil(seconds)} s")
        await sleep(min(1.0, seconds))
        seconds -= 1.0
