"""What `doctor` says about the journal, proxies, keys in files and the heartbeat."""

from __future__ import annotations

import os
import shutil
import time
from typing import Any, NamedTuple

import pytest
from tests.support.cli import Cli
from tests.support.clock import Clock
from tests.support.drata import Drata
from tests.support.journals import MemoryJournal

from proofport.errors import JournalError
from proofport.gateway.doctor import clock_findings
from proofport.journal import opened
from proofport.journal.sqlite import SqliteJournal

DAY = 86_400.0
HERE = "(this installation)"


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def found(cli: Cli, name: str, *, code: int = 0) -> dict[str, Any]:
    typed = cli.type("doctor", "--json")
    assert typed.code == code, typed
    return {each["subject"]: each for each in typed.json[name]}


def test_the_journal_can_be_written_and_has_room(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "can be written, and" in found(cli, HERE)["journal"]["detail"]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(9, 9, 1_000))
    full = found(cli, HERE, code=1)["journal"]
    assert (full["ok"], "1,000 bytes are free" in full["detail"]) == (False, True)


def test_a_journal_that_cannot_be_written(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    real = SqliteJournal.permit

    async def permit(journal: SqliteJournal, key: str, **how: Any) -> float:
        if key == "doctor":
            raise JournalError("the disk is read-only")
        return await real(journal, key, **how)

    monkeypatch.setattr(SqliteJournal, "permit", permit)
    assert found(cli, HERE, code=1)["journal"]["detail"] == "the disk is read-only"


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (59, "agrees with the journal's database"),
        (300, "this machine's clock is 300 seconds ahead of the journal's database"),
        (-300, "this machine's clock is 300 seconds behind the journal's database"),
    ],
)
async def test_the_clock_of_the_journal(ahead: float, words: str) -> None:
    async with opened(MemoryJournal(clock=Clock(1_000_000.0))) as journal:
        [finding] = await clock_findings(journal, "me", 1_000_000.0 + ahead)
        assert (finding.ok, finding.subject, finding.detail) == (abs(ahead) < 60, "clock", words)
        await journal.take_lease("doctor", owner="another", lease=60)
        assert await clock_findings(journal, "me", 1_000_000.0) == [], "the lease of another says nothing"


def test_the_age_of_a_key_in_a_file(cli: Cli) -> None:
    [key] = [each for each in cli.secrets() if each.startswith("drata")]
    (cli.folder / "key").write_text(key)
    cli.configure(drata={"api_key": "file:key"})
    os.utime(cli.folder / "key", (time.time() - 3.5 * DAY,) * 2)
    typed = cli.type("doctor", "drata")
    assert "api_key: its file was written 3 d 12 h ago" in typed.words
    assert "make a new one" not in typed.words
    os.utime(cli.folder / "key", (time.time() - 400 * DAY,) * 2)
    assert "400 d ago; make a new one at the vendor" in cli.type("doctor", "drata").words


def test_a_heartbeat_that_leads_nowhere(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEARTBEAT_URL", raising=False)
    cli.configure(heartbeat={"url": "env:HEARTBEAT_URL"})
    assert "HEARTBEAT_URL, which is not set" in found(cli, HERE, code=1)["heartbeat"]["detail"]
    monkeypatch.setenv("HEARTBEAT_URL", "https://hc.example.com/a-capability")
    assert "a-capability" not in str(found(cli, HERE))


async def test_the_proxy_of_the_environment_is_named_without_its_password(
    drata: Drata, monkeypatch: pytest.MonkeyPatch
) -> None:
    from proofport.gateway.doctor import proxy_findings

    monkeypatch.setenv("https_proxy", "http://somebody:pa55word@proxy.example:3128")
    monkeypatch.delenv("no_proxy", raising=False)
    settings: dict[str, Any] = {"region": "us", "base_url": None, "api_key": "env:KEY"}
    gateway = drata.gateway(**settings)
    [told] = proxy_findings(gateway.config.adapter("drata", offline=True))
    assert "proxy.example:3128" in told.detail
    assert "pa55word" not in told.detail
    monkeypatch.delenv("https_proxy")
    assert list(proxy_findings(gateway.config.adapter("drata", offline=True))) == []
