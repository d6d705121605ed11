"""What a failed exchange means: every exception of the HTTP library becomes one of ours."""

from __future__ import annotations

import ssl

import aiohttp

from proofport.errors import Blocked, ConfigError, OutcomeUnknown, ProofportError, Retryable
from proofport.wire import Call, Reply

_WRONG_ADDRESS = (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError)
_UNTRUSTED = (aiohttp.ClientSSLError, aiohttp.ServerFingerprintMismatch, ssl.SSLCertVerificationError)
_NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError, aiohttp.ConnectionTimeoutError)

NETWORK = (aiohttp.ClientError, TimeoutError, OSError)
"""What sending a request may raise."""


def explain(error: BaseException, call: Call, origin: str) -> ProofportError:
    """The error that says what the caller must do about `error`, raised while `call` was on its way to `origin`."""
    what = f"{call.operation} to {origin} failed: {_words(error)}"
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
    """The error of an answer that only means "not now", or None. A server error may have come after the deed."""
    if reply.status not in (408, 429) and reply.status < 500:
        return None
    what = f"{call.operation}: {origin} answered {reply.status}"
    if reply.status >= 500 and reply.status != 503 and call.lost == "ask":
        return OutcomeUnknown(what)
    lost = reply.status >= 500 and reply.status != 503
    return Retryable(what, after=_retry_after(reply), lost=lost)


def _retry_after(reply: Reply) -> float | None:
    """Seconds of Retry-After. Its date form is in no contract and counts as absent."""
    value = reply.headers.get("retry-after", "")
    return float(value) if value.isascii() and value.isdigit() else None


def _words(error: BaseException) -> str:
    text = str(error).strip()
    if isinstance(error, TimeoutError) and not text:
        return "no answer in time"
    return text or type(error).__name__
