"""Takes our credentials out of a vendor's answers, before an adapter, a log or the journal gets them."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from urllib.parse import quote, unquote, urlsplit

from pydantic import BaseModel, SecretStr

from proofport.wire import Reply

SHORTEST = 8
"""Shorter secrets are not redacted: the same characters occur in answers by chance."""
MARK = "[secret]"


class Redaction:
    """The secrets of one sender: those of its settings, and the credentials that it has sent."""

    def __init__(self, settings: object) -> None:
        self._known: set[str] = set()
        self._forms: list[str] = []
        self._add(_secrets_of(settings))

    def add_settings(self, settings: object) -> None:
        """Redact the secrets of other settings, too."""
        self._add(_secrets_of(settings))

    def add(self, credentials: Mapping[str, str]) -> None:
        """Redact the values of these headers from now on."""
        self._add(word for value in credentials.values() for word in value.split())

    def add_proxy(self, proxy: str | None) -> None:
        """Redact the credentials in a proxy's URL, also as the header has them."""
        parts = urlsplit(proxy or "")
        if parts.password:
            user, password = unquote(parts.username or ""), unquote(parts.password)
            pair = f"{user}:{password}"
            basic = b64encode(pair.encode()).decode()
            self._add([parts.password, password, pair, f"{parts.username}:{parts.password}", basic])

    def text(self, text: str) -> str:
        for form in self._forms:
            text = text.replace(form, MARK)
        return text

    def reply(self, reply: Reply) -> Reply:
        body = reply.body
        for form in self._forms:
            body = body.replace(form.encode(), MARK.encode())
        headers = {name: self.text(value) for name, value in reply.headers.items()}
        return replace(reply, headers=headers, body=body)

    def _add(self, secrets: Iterable[str]) -> None:
        new = {secret for secret in secrets if len(secret) >= SHORTEST} - self._known
        if new:
            self._known |= new
            self._forms = sorted({form for secret in self._known for form in _forms(secret)}, key=len, reverse=True)


def _forms(secret: str) -> tuple[str, ...]:
    """A secret as text, as JSON has it, and as a URL has it. Some vendors escape the slash."""
    quoted = json.dumps(secret)[1:-1]
    return secret, quoted, quoted.replace("/", "\\/"), quote(secret, safe="")


def _secrets_of(settings: object) -> Iterator[str]:
    if isinstance(settings, SecretStr):
        yield settings.get_secret_value()
    elif isinstance(settings, BaseModel):
        for _, value in settings:
            yield from _secrets_of(value)
    elif isinstance(settings, Mapping):
        for value in settings.values():
            yield from _secrets_of(value)
