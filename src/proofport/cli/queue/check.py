"""The words of `proofport status --check`: what a person should look at, each with the way to mend it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from proofport.cli.output import when, wrapped

if TYPE_CHECKING:
    from proofport.gateway import Gateway
    from proofport.gateway.standing import Finding, Freshness, Standing

WORDS = {
    "stale": "STALE",
    "parked": "PARKED",
    "dead": "DEAD",
    "refused": "FAILED",
    "stopped": "STOPPED",
    "expiring": "EXPIRING",
}


async def checked(gateway: Gateway, now: float) -> Standing:
    """Raises ConfigError for a configuration with which no push would begin: nothing is fresh then for long."""
    from proofport.gateway.standing import standing

    for destination in gateway.config.all_destinations():
        gateway.config.adapter(destination, offline=True)
    return await standing(await gateway.journal(), gateway.places, now)


def as_json(found: Standing, now: float) -> dict[str, Any]:
    return {
        "ok": not found.findings,
        "checked_at": when(now),
        "findings": [_plain(finding) for finding in found.findings],
        "freshness": [_age(each, now) for each in found.freshness],
    }


def _plain(finding: Finding) -> dict[str, Any]:
    return {
        "trouble": finding.trouble,
        "destination": finding.destination,
        "kind": finding.kind,
        "lane": finding.lane,
        "detail": finding.detail,
        "hint": finding.hint,
        "since": when(finding.since),
        "run": finding.run_id,
        "key": finding.key,
    }


def _age(each: Freshness, now: float) -> dict[str, Any]:
    age = each.age(now)
    return {
        "destination": each.place.destination,
        "kind": each.place.kind,
        "lane": each.place.lane,
        "last_complete_set": when(each.complete),
        "last_confirmed": when(each.confirmed),
        "age_seconds": None if age is None else round(age),
        "max_age_seconds": each.place.max_age,
        "stale": each.is_stale(now),
    }


def lines(found: Standing, now: float) -> Iterator[str]:
    from proofport.text.durations import in_words

    for finding in found.findings:
        name = "/".join(filter(None, (finding.destination, finding.kind)))
        word = click.style(WORDS[finding.trouble], fg="red", bold=True)
        yield f"{word}  {wrapped(f'{name} ({finding.lane})' if name else finding.lane or finding.key or '')}"
        yield wrapped(finding.detail, "  ", hanging="    ")
        yield wrapped(finding.hint, "  ", hanging="    ")
    watched = [each for each in found.freshness if each.place.max_age is not None and not each.is_stale(now)]
    for each in watched:
        age, most = each.age(now) or 0.0, each.place.max_age or 0.0
        words = f"{each.place.destination}/{each.place.kind}: {in_words(age)} old, at most {in_words(most)}"
        yield f"{click.style('ok', fg='green')}  {wrapped(words)}"
    if not found.findings:
        yield "Nothing needs you."
    if not any(each.place.max_age is not None for each in found.freshness):
        yield wrapped("No `max_age` is configured, so nothing can be stale: see `proofport.yaml`, `destinations:`.")
