"""HTTP as plain values: the calls of an adapter, and the replies to them. No I/O here."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

from proofport.errors import Retryable

T = TypeVar("T", dict[str, Any], list[Any])


@dataclass(frozen=True, slots=True)
class Call:
    """One request."""

    operation: str
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str  #: Begins with a slash, and is percent-encoded.
    query: tuple[tuple[str, str], ...] = ()
    body: bytes | None = field(default=None, repr=False)
    content_type: str = "application/json"
    #: After a lost answer: "repeat" when sending the same again gives the same state. "ask" when the adapter must look
    #: first: then `OutcomeUnknown` is thrown into its flow. "skip": the flow goes on without it, and is thrown the same
    #: when no usable answer comes, for whatever reason.
    lost: Literal["repeat", "ask", "skip"] = "repeat"
    destructive: bool = False  #: The guard must agree before it is sent.


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)  #: The names are lower case.
    body: bytes = field(default=b"", repr=False)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The decoded body. None: it is empty or not JSON. Vendors answer some errors with HTML."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def expect(self, form: type[T], *names: str, of: str) -> T:
        """The decoded body of the answer to `of`, an object with these fields or a list.

        Raises Retryable for anything else: a proxy's page, an empty body, an error under a success.
        """
        body = self.json()
        if isinstance(body, form) and all(name in body for name in names):
            return body
        found = "a page" if self.is_page else f"{type(body).__name__}" if body is not None else "no JSON"
        raise Retryable(f"the answer to {of} cannot be relied on: found {found}, expected {_words(form, names)}")

    @property
    def is_page(self) -> bool:
        """True: the body is a page of HTML, for people. A proxy sends it, or another server in front of the API."""
        begin = self.body[:100].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        typed = "html" in self.headers.get("content-type", "")
        return begin.startswith((b"<!doctype html", b"<html")) or (typed and begin[:1] == b"<")


def _words(form: type[Any], names: tuple[str, ...]) -> str:
    return "a list" if form is list else f"an object with {', '.join(names)}" if names else "an object"


def is_loopback(origin: str) -> bool:
    """True: an origin such as `http://127.0.0.1:8080` is on this machine."""
    try:
        host = urlsplit(origin).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def checked_origin(text: str) -> str:
    """Scheme and host of a `base_url` setting. Raises ValueError for a path, and for `http://` to another machine."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("expected a URL such as https://api.example.com") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or any(c.isspace() for c in text):
        raise ValueError("expected a URL such as https://api.example.com")
    if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username is not None:
        raise ValueError("expected scheme and host only, without a path, query or user name")
    if parts.scheme == "http" and not is_loopback(text):
        raise ValueError("expected https://: over http:// the credentials could be read on the way")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "")
