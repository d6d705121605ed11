"""The findings of `doctor` without asking a vendor: the journal, its clock, the heartbeat, proxies, and keys."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from proofport.adapter import Adapter, Finding
from proofport.config import Config
from proofport.errors import JournalError, UsageError
from proofport.gateway.audit import signing_key
from proofport.http.clock import clock_finding
from proofport.http.sender import proxy_of
from proofport.journal.contract import Journal
from proofport.text.durations import in_words

NAME, LEASE = "doctor", 5.0
OLD_KEY = 365 * 86_400.0
"""Seconds after which a key is called old."""


async def journal_findings(config: Config, journal: Journal) -> list[Finding]:
    """If the journal can be written, and how much room it has."""
    try:
        # a write without effect on others: a rate budget that only this check uses
        await journal.permit("doctor", per_minute=60_000, burst=60_000)
    except JournalError as error:
        return [Finding(False, "journal", error.message, error.hint or "Nothing can be delivered before it is mended.")]
    place, least = config.journal, config.relay.overload.free_bytes
    if not isinstance(place, Path):
        return [Finding(True, "journal", "the database can be written")]
    try:
        free = shutil.disk_usage(place.parent).free
    except OSError:
        return [Finding(True, "journal", f"{place} can be written")]
    told = f"{place} can be written, and {free:,} bytes are free"
    hint = f"The relay refuses evidence below {least:,} bytes (`relay.overload.free_bytes`). Make room."
    return [Finding(free >= least, "journal", told, hint)]


async def clock_findings(journal: Journal, owner: str, now: float) -> list[Finding]:
    """If this machine's clock agrees with that of the journal's database, which dates runs and leases."""
    try:
        held = await journal.take_lease(NAME, owner=owner, lease=LEASE)
        await journal.give_back_lease(NAME, owner=owner)
    except JournalError:
        return []  # the findings about the journal say why
    if held.owner != owner:
        return []  # another doctor looks
    return [clock_finding(now - (held.until - LEASE), "the journal's database")]


async def own_findings(config: Config, journal: Journal) -> list[Finding]:
    """If the heartbeat, the webhooks, and the key that signs receipts can be used."""
    found = []
    for subject, look in (("heartbeat", _heartbeat), ("notices", _notices), ("receipts", _receipts)):
        try:
            told = await look(config, journal)
        except (UsageError, JournalError) as error:
            found.append(Finding(False, subject, error.message, error.hint))
        else:
            found += [Finding(True, subject, told)] if told else []
    return found


async def _heartbeat(config: Config, _: Journal) -> str | None:
    has_url = config.heartbeat_url() is not None
    return "it is called after each run that ends with exit code 0" if has_url else None


async def _notices(config: Config, _: Journal) -> str | None:
    webhooks = len(config.webhooks())
    return f"webhooks that are told what is wrong: {webhooks}" if webhooks else None


async def _receipts(config: Config, journal: Journal) -> str:
    if config.receipts is None:
        return "there is no key, so that runs have no signed receipts (`proofport receipt key create`)"
    from proofport.audit.log import require_signer

    public = signing_key(config).public
    require_signer(public, await journal.receipt_keys())
    return f"they are signed by {public.fingerprint}"


def proxy_findings(adapter: Adapter) -> Iterator[Finding]:
    """The proxy of the environment, without its credentials. Nothing where requests go straight to the vendor."""
    if (proxy := proxy_of(adapter.origin)) is not None:
        parts = urlsplit(proxy)
        told = f"requests go through {parts.hostname}:{parts.port or 80}, as the environment says"
        yield Finding(True, "proxy", told)


def key_findings(config: Config, destination: str, now: float) -> Iterator[Finding]:
    """The age of keys in files. Of others nobody here knows it."""
    for name, file in config.secret_files(destination).items():
        try:
            age = now - file.stat().st_mtime
        except OSError:
            continue  # that the file is missing is an error of the configuration
        old = "; make a new one at the vendor, and write it into the file" if age > OLD_KEY else ""
        yield Finding(True, name, f"its file was written {in_words(age)} ago{old}")


def here(config: Config, adapter: Adapter, destination: str) -> list[Finding]:
    """The findings about one destination."""
    return [*proxy_findings(adapter), *key_findings(config, destination, time.time())]
