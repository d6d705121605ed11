"""`notices:` in the configuration: who is told when something is wrong, and of what."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeAlias, get_args
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from proofport.config.lines import FileLines, one_of
from proofport.config.relay import Settings
from proofport.config.secrets import resolve_secrets
from proofport.wire import is_loopback

Event: TypeAlias = Literal[
    "lane_parked", "dead_letter", "guard_refused", "set_stale", "journal_nearly_full", "key_expiring"
]
EVENTS: Sequence[Event] = get_args(Event)


class Webhook(Settings):
    """An address that gets notices."""

    url: SecretStr  #: The address, or env:NAME or file:PATH: those of Slack and Teams are secrets.
    secret: SecretStr | None = None  #: env:NAME or file:PATH: the key of the signature. `format: json` needs it.
    format: Literal["json", "slack", "teams"] = "json"
    on: Sequence[Event] = Field(default=EVENTS, min_length=1)  #: What it is told of.


def resolved(webhooks: Sequence[Webhook], lines: FileLines, folder: Path) -> list[Webhook]:
    """The webhooks with their addresses and secrets instead of references to them. Raises ConfigError."""
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
