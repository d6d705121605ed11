"""A notice as its receiver reads it: JSON with a signature, or the message of a chat."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from proofport.config.notices import Webhook
from proofport.journal.contract import Notice
from proofport.text.durations import moment

TITLES: Mapping[str, str] = {
    "lane_parked": "A lane is parked",
    "dead_letter": "Dead letters wait",
    "guard_refused": "The guard refused a set",
    "set_stale": "Evidence is stale",
    "journal_nearly_full": "The journal is nearly full",
    "key_expiring": "A key of the relay expires",
}
WAYS_ON: Mapping[str, str] = {
    "lane_parked": "Mend the cause, then `proofport resume {lane}`.",
    "dead_letter": "Look with `proofport dead-letter list`, then replay or drop them.",
    "guard_refused": "Look with `proofport status {run}`. Push again, with --override-guard if it is meant.",
    "set_stale": "Look why the job that pushes it did not run, or did not succeed.",
    "journal_nearly_full": "Make room, or see to it that lanes deliver: `proofport status`.",
    "key_expiring": "Make another with `proofport key create`, then `proofport key revoke {key}`.",
}
"""Advice, by event. The names are fields of the notice."""


def body_of(notice: Notice, instance: str, webhook: Webhook) -> bytes:
    """The body of the request."""
    about = orjson.loads(notice.content)
    text = _text(notice, instance, about)
    return orjson.dumps(_FORMATS[webhook.format](notice, instance, about, text))


def headers_of(body: bytes, notice: Notice, webhook: Webhook, now: float) -> dict[str, str]:
    """The id of a notice, which stays when it is repeated, and the signature over the time, a dot and the raw body."""
    headers = {"Proofport-Notice": str(notice.number)}
    if webhook.secret is not None:
        at = str(int(now))
        key = webhook.secret.get_secret_value().encode()
        signature = hmac.new(key, at.encode() + b"." + body, hashlib.sha256).hexdigest()
        headers |= {"Proofport-Timestamp": at, "Proofport-Signature": f"sha256={signature}"}
    return headers


def _text(notice: Notice, instance: str, about: Mapping[str, Any]) -> str:
    place = " ".join(str(about[name]) for name in ("destination", "kind") if name in about)
    lane = f"({about['lane']})" if "lane" in about else about.get("key", "")
    where = " ".join(part for part in (place, lane) if part)
    title = f"{TITLES[notice.event]}{': ' if where else ''}{where}"
    if notice.over is not None:
        return f"[{instance}] Over: {title}."
    told = about.get("reason") or (f"{about['count']:,} of them" if "count" in about else about.get("expires", ""))
    reason = f" {told}." if told and not str(told).endswith(".") else f" {told}"
    return f"[{instance}] {title}.{reason.rstrip()} {WAYS_ON[notice.event].format_map(about)}"


def _json(notice: Notice, instance: str, about: Mapping[str, Any], text: str) -> dict[str, Any]:
    return {
        "id": notice.number,
        "event": notice.event,
        "state": "begun" if notice.over is None else "over",
        "instance": instance,
        "since": moment(notice.since),
        "over": None if notice.over is None else moment(notice.over),
        "about": about,
        "text": text,
    }


def _slack(notice: Notice, instance: str, about: Mapping[str, Any], text: str) -> dict[str, Any]:
    """https://api.slack.com/reference/surfaces/formatting#escaping"""
    return {"text": text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")}


def _teams(notice: Notice, instance: str, about: Mapping[str, Any], text: str) -> dict[str, Any]:
    """A message with one Adaptive Card, as a workflow of Teams takes it."""
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [{"type": "TextBlock", "text": text, "wrap": True}],
    }
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "contentUrl": None, "content": card}]}


_FORMATS: Mapping[str, Callable[[Notice, str, Mapping[str, Any], str], dict[str, Any]]] = {
    "json": _json,
    "slack": _slack,
    "teams": _teams,
}
