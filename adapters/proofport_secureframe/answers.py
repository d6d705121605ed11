"""Secureframe's answers: a status becomes the error that says what to do. No error body is published but `message`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from proofport.errors import Blocked, ConfigError, ProofportError, Retryable, TooLarge, UsageError
from proofport.wire import Reply

_ERRORS: Mapping[int, type[ProofportError]] = {401: Blocked, 403: Blocked, 404: ConfigError, 413: TooLarge}
"""413 is not documented."""

_HINTS: dict[int, str] = {
    401: "Check api_key and api_secret, and the region: a key works in its own region only. "
    "A lost secret means a new key, made in Secureframe under Company settings.",
    404: "Check connection_id (it stands in the web application), the region, and whether Secureframe has "
    "enabled custom connections (Early Access) for the company.",
}
PUBLISH_HINTS: Mapping[int, str] = _HINTS | {
    403: "The role of the user who owns the key must allow pushing to this connection, and Secureframe must have "
    "enabled custom connections (Early Access) for the company."
}
READ_HINTS: Mapping[int, str] = _HINTS | {
    403: "Reading needs a permission of its own; publishing may work all the same."
}


def vendor_words(reply: Reply) -> str:
    """`message` where there is one (seen on 401 only), else the status. Other bodies are unknown, maybe not JSON."""
    body = reply.json()
    message = body.get("message") if isinstance(body, dict) else None
    return f"{message} (HTTP {reply.status})" if isinstance(message, str) and message else f"HTTP {reply.status}"


def refuse(reply: Reply, asked: str, hints: Mapping[int, str]) -> NoReturn:
    """Raise the error for an answer that is no success. `asked` ends the sentence "Secureframe refused to …".

    Blocked (401, 403), ConfigError (404, a redirect), TooLarge (413) or UsageError (400 and the rest).
    """
    if 300 <= reply.status < 400:
        words = vendor_words(reply)
        raise ConfigError(f"Secureframe answered with a redirect: {words}", hint="Check region or base_url.")
    error = _ERRORS.get(reply.status, UsageError)
    raise error(f"Secureframe refused to {asked}: {vendor_words(reply)}", hint=hints.get(reply.status))


def queued(reply: Reply) -> bool:
    """True: the records are queued. 202 says so, without a body (R1): a page or an error in it is a proxy's."""
    body = reply.json()
    return reply.status == 202 and not reply.is_page and not (isinstance(body, dict) and "error" in body)


def rows_of(answer: dict[str, Any], many: str) -> list[Any]:
    """The rows of a page. An answer without rows is an error, not the last page."""
    rows = answer.get("data")
    if not isinstance(rows, list):
        raise Retryable(f"Secureframe's answer cannot be relied on: the list of {many} has no data")
    return rows
