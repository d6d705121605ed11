"""Vanta's answers. A status becomes the error that says what to do, and keeps the vendor's words.

Pages in HTML come from the servers in front of the API, and from wrong paths (observed: llamalync). They are never
taken for Vanta's word on a record or a resource.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proofport.errors import Blocked, ConfigError, Retryable, TooLarge, UsageError
from proofport.wire import Reply

_OBJECTS = (
    "Check the resource ids in `objects`: each belongs to one application, and to one base type. They stand in Vanta's "
    "developer console, under Resources."
)
_APPLICATION = (
    "The application must be of the type Build Integrations, in Vanta's developer console, and have the scopes "
    "connectors.self:write-resource and connectors.self:read-resource."
)
_REVOKED = (
    "Vanta has revoked the token again: another program asks for tokens of this application. Give each program an "
    "application of its own, or let them share one journal."
)


def error_of(reply: Reply) -> str:
    """The text of `error`. Empty: there is none."""
    body = reply.json()
    words = body.get("error", body.get("message")) if isinstance(body, dict) else None
    return words if isinstance(words, str) else ""


def vendor_words(reply: Reply) -> str:
    """The text of `error` where there is one, and the status."""
    words = error_of(reply)
    return f"{words} (HTTP {reply.status})" if words else f"HTTP {reply.status}"


def expect_ok(reply: Reply, asked: str) -> Mapping[str, Any]:
    """The decoded object of a success. `asked` ends the sentence "Vanta refused to …".

    Raises Blocked (401, 403), ConfigError (404, a redirect), TooLarge (413), Retryable (a page of a server in front of
    Vanta, an answer that cannot be read) or UsageError. The engine handles 408, 429 and 5xx.
    """
    if reply.ok:
        return reply.expect(dict, of=f"the request that asked Vanta to {asked}")
    refusal = f"Vanta refused to {asked}: {vendor_words(reply)}"
    match reply.status:
        case 401:
            raise Blocked(refusal, hint=_REVOKED)
        case 400 | 403 if reply.is_page:
            raise Retryable(f"a server in front of Vanta refused to {asked} (HTTP {reply.status}, a page in HTML)")
        case 403:
            raise Blocked(refusal, hint=_APPLICATION)
        case 404 if reply.is_page:
            raise ConfigError(f"this is not Vanta's API: HTTP 404, a page in HTML, when asked to {asked}", hint=_HOST)
        case 404:
            raise ConfigError(refusal, hint=_OBJECTS)
        case 413:
            raise TooLarge(refusal)
        case status if 300 <= status < 400:
            raise ConfigError(f"Vanta answered with a redirect: {vendor_words(reply)}", hint=_HOST)
        case _:
            raise UsageError(refusal, hint="Sending the same again gives the same answer: change what is sent.")


_HOST = "Check base_url, or gov. The hosts of regions only redirect, and no redirect is followed with credentials."
