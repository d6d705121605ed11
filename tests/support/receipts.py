"""Receipts as tests look at them: listed, exported, and judged by the verifier alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.cli import ACCOUNTS, BOTH, DRATA, SNAPSHOT, Cli
from tests.support.evidence import personnel_account

OVERRIDE = ("--override-guard", "the EU office was closed")


def sign(cli: Cli) -> None:
    """Configure a new key for receipts."""
    cli.configure(receipts={"key": "file:receipts.key"})
    assert cli.type("receipt", "key", "create").code == 0


def three_runs(cli: Cli) -> None:
    """A set from two inputs, one that the guard refuses, and that one with an override. All are signed."""
    cli.write("eu.ndjson", *(personnel_account(n) for n in range(20)))
    cli.write("us.ndjson", *(personnel_account(n) for n in range(20, 30)), {"id": "u-bad", "mfa_enabled": "x"})
    cli.configure(receipts={"key": "file:receipts.key"}, guard={"max_rejected": 1})
    both = ("eu:evidence=eu.ndjson", "us:evidence=us.ndjson", *ACCOUNTS, *SNAPSHOT)
    cli.type("push", *both, *BOTH, *OVERRIDE)
    cli.write("eu.ndjson", personnel_account(1))
    assert cli.type("push", *both, *DRATA).code in (1, 4)
    assert cli.type("push", *both, *DRATA, *OVERRIDE).code == 1


def fingerprint(cli: Cli) -> str:
    return str(cli.type("receipt", "key", "show", "--json").json[0]["fingerprint"])


def statements(cli: Cli) -> list[dict[str, Any]]:
    names = [row["number"] for row in cli.type("receipt", "list", "--json").json["receipts"]]
    return [json.loads(cli.type("receipt", "show", name, "--json").out) for name in names]


def exported(cli: Cli, name: str = "out", *options: str) -> Path:
    assert cli.type("receipt", "export", name, *options).code == 0
    return cli.folder / name


def judged(folder: Path, *options: str) -> tuple[int, str]:
    """What an auditor's machine says, on which there is no proofport."""
    command = [sys.executable, "-I", str(folder / "verify_receipts.py"), str(folder), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    return done.returncode, done.stdout
