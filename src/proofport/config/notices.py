"""`notices:` in the configuration: who is told when something is wrong, and of what."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Literal, TypeAlias, get_args
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from proofport.config.lines import FileLines, described, one_of
from proofport.config.relay import Settings
from proofport.config.secrets import resolve_secrets
from proofport.wire import is_loopback

Event: TypeAlias = Literal[
    "lane_parked", "dead_letter", "guard_refused", "set_stale", "journal_nearly_full", "key_expiring"
]
EVENTS: Sequence[Event] = get_args(Event)


class Webhook(Settings):
    """An address that gets notices."""

    name: str | None = Field(None, min_length=1)  #: It is known by it when its address changes.
    url: SecretStr  #: The address, or env:NAME or file:PATH: those of Slack and Teams are secrets.
    secret: SecretStr | None = None  #: env:NAME or file:PATH: the key of the signature. `format: json` needs it.
    format: Literal["json", "slack", "teams"] = "json"
    on: Sequence[Event] = Field(default=EVENTS, min_length=1)  #: What it is told of.


def by_number(webhooks: Sequence[Webhook]) -> dict[int, Webhook]:
    """Webhooks by the number under which a journal keeps their notices: one of their name, or else of their address.

    It has 31 bits, the first of which is set: lower numbers are of a version that counted places in the configuration.
    """
    found: dict[int, Webhook] = {}
    for webhook in webhooks:
        known_by = webhook.name or f"{webhook.format} {webhook.url.get_secret_value()}"
        number = 2**30 | int.from_bytes(sha256(known_by.encode()).digest()[:4]) >> 2
        while number in found:  # an address that is given twice
            number = number % 2**30 + 1 | 2**30
        found[number] = webhook
    return found


def resolved(webhooks: Sequence[Webhook], lines: FileLines, folder: Path) -> list[Webhook]:
    """The webhooks with their addresses and secrets instead of references to them. Raises ConfigError."""
    names = [each.name for each in webhooks]
    for number, name in enumerate(names):
        if name is not None and name in names[:number]:
            lines.refuse(("notices", number, "name"), found=described(name), expected="a name of its own")
    return [_resolved(each, lines, ("notices", number), folder) for number, each in enumerate(webhooks)]


def _resolved(given: Webhook, lines: FileLines, here: tuple[str | int, ...], folder: Path) -> Webhook:
    texts = {name: getattr(given, name) for name in ("url", "secret")}
    settings = {name: text.get_secret_value() for name, text in texts.items() if text is not None}
    literal = resolve_secrets(settings, Webhook, lines, here, folder)
    webhook = given.model_copy(update=settings)
    address = webhook.url.get_secret_value()
    try:
        parts = urlsplit(address)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
    except ValueError:
        is_address = False
    if not is_address:
        expected = "an address such as https://alerts.example.com/proofport, without a user name"
        lines.refuse((*here, "url"), found="something else", expected=expected)
    if given.format == "json" and webhook.secret is None:
        hint = "Write `secret: env:PROOFPORT_NOTICES_SECRET`. The one who gets notices checks their signature with it."
        lines.refuse((*here, "secret"), found="nothing", expected="env:NAME or file:PATH", hint=hint)
    secrets = ("secret",) if given.format == "json" else ("url", "secret")
    if (written := [name for name in literal if name in secrets]) and not is_loopback(address):
        found = "a secret written into the file"
        lines.refuse((*here, written[0]), found=found, expected=f"a reference: {one_of(['env:NAME', 'file:PATH'])}")
    return webhook
