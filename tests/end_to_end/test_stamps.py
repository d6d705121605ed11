"""Time stamps of the log of receipts: an authority says when it was there. No run depends on them."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.end_to_end.test_hostile_receipts import Forger
from tests.end_to_end.test_queue_receipts import queued
from tests.support.authority import Authority, der, number, stamping
from tests.support.cli import ACCOUNTS, DRATA, Cli
from tests.support.evidence import personnel_account
from tests.support.receipts import exported, fingerprint, judged

SECRET = "a-capability-in-the-path"


@pytest.fixture(scope="module")
def listening() -> Iterator[Authority]:
    with stamping() as authority:
        yield authority


@pytest.fixture
def authority(listening: Authority) -> Authority:
    listening.answers = None
    listening.queries.clear()
    return listening


@pytest.fixture
def stamped(signing: Cli, authority: Authority) -> Cli:
    """Asks the authority. It does not wait for one that is away."""
    (signing.folder / "roots.pem").write_bytes(authority.roots)
    timestamps = {"url": f"{authority.url}/{SECRET}", "roots": "roots.pem"}
    signing.options["patience"] = 0
    signing.options["receipts"] = {"key": "file:receipts.key", "timestamps": timestamps}
    signing.configure()
    signing.write("a.ndjson", personnel_account(1))
    return signing


def push(cli: Cli) -> list[str]:
    """The notes of a push, which has succeeded."""
    code, report = cli.report("push", "a.ndjson", *ACCOUNTS, *DRATA)
    assert code == 0
    notes: list[str] = report.get("notes", [])
    return notes


def times(cli: Cli) -> list[str | None]:
    return [row["stamped"] for row in cli.type("receipt", "list", "--json").json["receipts"]]


def test_a_run_has_a_time_stamp(stamped: Cli, authority: Authority) -> None:
    assert push(stamped) == []
    [at] = times(stamped)
    assert f"time stamp {at}" in stamped.type("receipt", "list").words
    [row] = stamped.type("receipt", "list", "--json").json["receipts"]
    shown = stamped.type("receipt", "show", row["number"])
    assert str(at) in shown.err
    assert stamped.type("receipt", "checkpoint").out.encode() == (exported(stamped) / "checkpoint").read_bytes()
    assert len(authority.queries) == 1  # the log has not grown since


def test_an_auditor_checks_it(stamped: Cli) -> None:
    push(stamped)
    push(stamped)
    folder = exported(stamped)
    names = [f"{number:08}.{kind}" for number in (1, 2) for kind in ("note", "tsr")]
    assert sorted(path.name for path in (folder / "stamps").iterdir()) == names
    assert (folder / "stamps" / names[2]).read_bytes() == (folder / "checkpoint").read_bytes()
    code, words = judged(folder, "--key", fingerprint(stamped))
    assert (code, "openssl" in words) == (0, True)
    if (program := shutil.which("openssl")) is None:
        pytest.skip("there is no openssl here")
    [command] = [line.split() for line in (folder / "README.md").read_text().splitlines() if "ts -verify" in line]
    assert command[0] == "openssl"
    for size in ("00000001", "00000002"):
        told = [each.replace("N.", f"{size}.").replace("ROOT.pem", "../roots.pem") for each in command[1:]]
        done = subprocess.run([program, *told], cwd=folder, capture_output=True, text=True, timeout=60)
        assert "Verification: OK" in done.stdout, done.stderr
    note = folder / "stamps" / names[0]
    note.write_bytes(note.read_bytes().replace(b"proofport", b"proofpart"))
    told = [each.replace("N.", "00000001.").replace("ROOT.pem", "../roots.pem") for each in command[1:]]
    assert subprocess.run([program, *told], cwd=folder, capture_output=True, timeout=60).returncode == 1


def test_a_part_has_the_time_stamp_of_its_receipts(stamped: Cli) -> None:
    for _ in range(3):
        push(stamped)
    run = stamped.type("receipt", "list", "--json").json["receipts"][1]["run_id"]
    folder = exported(stamped, "part", "--run", run)
    assert sorted(path.name for path in (folder / "stamps").iterdir()) == ["00000002.note", "00000002.tsr"]
    assert judged(folder, "--key", fingerprint(stamped))[0] == 0


def test_a_checkpoint_of_another_log_is_disproven(stamped: Cli, tmp_path: Path) -> None:
    """Somebody who has the key puts the time stamp of another history of the log into the folder."""
    push(stamped)
    assert stamped.type("journal", "backup", "backup.sqlite3").code == 0
    push(stamped)
    other = exported(stamped, "other")
    assert stamped.type("journal", "restore", "backup.sqlite3").code == 0
    push(stamped)
    folder, key = exported(stamped), fingerprint(stamped)
    assert judged(folder, "--key", key)[0] == 0
    assert (folder / "stamps" / "00000001.tsr").is_file()
    for name in ("00000002.note", "00000002.tsr"):
        shutil.copy(other / "stamps" / name, folder / "stamps" / name)
    forger = Forger(folder, stamped.folder / "receipts.key", key)
    forger.manifest()
    code, words = forger.judged()
    assert code == 1
    assert "stamps/00000002.note: the log does not go on from it" in words


def granted_with_modifications(query: bytes) -> tuple[int, bytes]:
    return 200, der(0x30, der(0x30, number(1)))


def refusing(query: bytes) -> tuple[int, bytes]:
    return 200, der(0x30, der(0x30, number(2)))


def of_another_text(query: bytes) -> tuple[int, bytes]:
    return 200, ANSWERS["another"]


ANSWERS: dict[str, bytes] = {}
REFUSALS: dict[str, tuple[Callable[[bytes], tuple[int, bytes]], str]] = {
    "refuses": (refusing, "the authority has refused"),
    "grants something else": (granted_with_modifications, "something else than it was asked for"),
    "nonsense": (lambda query: (200, b"<html>"), "is no time stamp"),
    "nothing": (lambda query: (200, b""), "is no time stamp"),
    "too much": (lambda query: (200, b"x" * 100_000), "cannot be reached (ClientPayloadError)"),
    "busy": (lambda query: (503, b""), "the authority answered 503"),
    "not there": (lambda query: (404, b""), "the authority answered 404"),
    "a redirect": (lambda query: (302, b""), "redirects are not followed"),
    "another authority": (lambda query: (200, Authority().stamped(query)), "does not verify"),
    "an answer of before": (of_another_text, "does not verify"),
}


@pytest.mark.parametrize(("answers", "why"), REFUSALS.values(), ids=REFUSALS)
def test_a_run_does_not_depend_on_it(
    stamped: Cli, authority: Authority, answers: Callable[[bytes], tuple[int, bytes]], why: str
) -> None:
    """It is said what is missing, and the next run gets a time stamp that covers all."""
    push(stamped)
    ANSWERS["another"] = authority.stamped(authority.queries[-1])
    authority.answers = answers
    notes = push(stamped)
    assert len(notes) == 1
    assert why in notes[0]
    listed = stamped.type("receipt", "list", "--json").json
    assert (listed["unstamped"], listed["receipts"][1]["stamped"]) == (1, None)
    assert "unstamped the last 1" in stamped.type("receipt", "list").words
    assert "Receipts without a time stamp: 1" in stamped.type("status").words
    assert stamped.type("status", "--json").json["unstamped"] == 1
    typed = stamped.type("receipt", "checkpoint")
    assert (typed.code, why in " ".join(typed.err.split())) == (0, True)
    assert SECRET not in typed.err + notes[0]
    authority.answers = None
    assert push(stamped) == []
    assert stamped.type("receipt", "list", "--json").json["unstamped"] == 0
    assert None not in times(stamped)


def test_an_error_that_nobody_foresaw_does_not_lose_the_report(
    stamped: Cli, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it end a worker, which asks again."""

    async def broken(*_: object) -> bytes:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr("proofport.gateway.stamping.asked", broken)
        [note] = push(stamped)
        assert "not foreseen (RuntimeError)" in note
        asyncio.run(queued(stamped, 3, 2))
    assert push(stamped) == []


def test_an_authority_that_is_away_is_a_finding_of_doctor(stamped: Cli, authority: Authority) -> None:
    push(stamped)
    assert "receipts without one: 0" in stamped.type("doctor").words
    authority.answers = lambda query: (503, b"")
    typed = stamped.type("doctor", "--json")
    assert typed.code == 1
    assert "the authority answered 503" in typed.words


@pytest.mark.parametrize(
    ("timestamps", "why"),
    [
        ({"url": "http://127.0.0.1:1/", "roots": "none.pem"}, "none.pem"),
        ({"url": "http://127.0.0.1:1/", "roots": "receipts.key"}, "holds no certificate in PEM"),
        ({"url": "env:NO_SUCH_ADDRESS", "roots": "roots.pem"}, "NO_SUCH_ADDRESS"),
        ({"url": "http://127.0.0.1:1/", "roots": "roots.pem"}, "cannot be reached (ClientConnector"),
    ],
)
def test_wrong_settings_are_told(stamped: Cli, timestamps: dict[str, str], why: str) -> None:
    stamped.configure(receipts={"key": "file:receipts.key", "timestamps": timestamps})
    assert why in push(stamped)[0]
    assert why.replace(" ", "") in "".join(stamped.type("doctor").out.split()), "a long path is cut into lines"


def test_an_address_is_checked_with_the_configuration(stamped: Cli) -> None:
    timestamps = {"url": "ftp://tsa.example", "roots": "roots.pem"}
    stamped.configure(receipts={"key": "file:receipts.key", "timestamps": timestamps})
    typed = stamped.type("status")
    assert typed.code == 2
    assert "receipts.timestamps.url" in typed.words


def test_a_worker_asks_when_it_stops(stamped: Cli, authority: Authority) -> None:
    asyncio.run(queued(stamped, 3, 2))
    assert None not in times(stamped)
    assert len(authority.queries) == 1


def test_nobody_is_asked_where_nothing_is_signed(stamped: Cli, authority: Authority) -> None:
    stamped.type("push", "a.ndjson", *ACCOUNTS, *DRATA, "--dry-run")
    stamped.type("plan", "a.ndjson", *ACCOUNTS, *DRATA)
    assert authority.queries == []
