"""Secureframe's answers: statuses become the error that says what to do. No error body is published but `message`."""

from __future__ import annotations

from proofport.errors import Blocked, ConfigError, Problem, Retryable, TooLarge, UsageError
from proofport.wire import Reply


def vendor_words(reply: Reply) -> str:
    """`message` where there is one (seen on 401 only), else the status: other bodies are unknown, maybe not JSON."""
    body = reply.json()
    message = body.get("message") if isinstance(body, dict) else None
    return f"{message} (HTTP {reply.status})" if isinstance(message, str) and message else f"HTTP {reply.status}"


def refuse(reply: Reply, asked: str, hint_403: str) -> None:
    """Raise what an answer other than a success means.

    Blocked (401, 403), ConfigError (404, a redirect), TooLarge (413, undocumented), Retryable (408, 429, 5xx) or
    UsageError (400 and whatever else is final). `asked` finishes the sentence "Secureframe refused to …".
    """
    words = vendor_words(reply)
    match reply.status:
        case 401:
            raise Blocked(
                f"Secureframe refused to {asked}: {words}",
                hint="Check api_key and api_secret, and the region: a key works in its own region only. "
                "A lost secret means a new key, made in Secureframe under Company settings.",
            )
        case 403:
            raise Blocked(f"Secureframe refused to {asked}: {words}", hint=hint_403)
        case 404:
            raise ConfigError(
                f"Secureframe refused to {asked}: {words}",
                hint="Check connection_id (it stands in the web application), the region, and whether Secureframe has "
                "enabled custom connections (Early Access) for the company.",
            )
        case 413:
            raise TooLarge(f"Secureframe refused to {asked}: {words}")
        case 408 | 429:
            raise Retryable(f"Secureframe asks to wait: {words}", after=retry_after(reply))
        case status if status >= 500:
            raise Retryable(f"Secureframe is out of order: {words}", after=retry_after(reply))
        case status if 300 <= status < 400:
            raise ConfigError(f"Secureframe answered with a redirect: {words}", hint="Check region or base_url.")
        case _:
            raise UsageError(f"Secureframe refused to {asked}: {words}")


def retry_after(reply: Reply) -> float | None:
    """Seconds of Retry-After, which is not documented but honoured where it appears."""
    text = reply.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else None


def refused(reply: Reply) -> Problem:
    return Problem(
        found=f"an answer with status {reply.status}",
        expected="a publish that Secureframe accepts",
        hint="Compare vendor_slug with the vendor configured on the connection: it must be equal.",
        vendor_message=vendor_words(reply),
    )
