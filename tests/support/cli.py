"""A folder with a configuration, and what is typed there."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple, cast
from unittest.mock import patch

import yaml
from tests.support.emulators import Emulators, records
from tests.support.forked import forked
from tests.support.reports import balanced

from proofport.cli import main

CONFIGURATION = "proofport.yaml"
ACCOUNTS, CLOUD = ("--kind", "personnel_account"), ("--kind", "cloud_resource")
SNAPSHOT = ("--mode", "snapshot")
DRATA, SECUREFRAME = ("--to", "drata"), ("--to", "secureframe")
BOTH = (*DRATA, *SECUREFRAME)


class Typed(NamedTuple):
    """The result of a command line."""

    code: int
    out: str
    err: str

    @property
    def words(self) -> str:
        """All that it says, in one line."""
        return " ".join((self.out + self.err).split())

    @property
    def lines(self) -> list[str]:
        return (self.out + self.err).splitlines()

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class CommandLine:
    """`type` runs a command line in this process, `run` in one of its own. No output of either ever holds a secret.

    `destinations` and `options` are what `configure` writes, with changes.
    """

    def __init__(self, folder: Path, destinations: Mapping[str, Mapping[str, Any]], **options: Any) -> None:
        self.folder = folder
        self.destinations = destinations
        self.options = options

    # ------------------------------------------------------------------ files
    def configure(self, **changes: Any) -> None:
        """Write the configuration with these changes; those named like a destination change that."""
        blocks = {name: {**block, **changes.pop(name, {})} for name, block in self.destinations.items()}
        self.write(
            CONFIGURATION, yaml.dump({**self.options, "destinations": blocks, **changes}, Dumper=yaml.CSafeDumper)
        )

    def write(self, name: str, *records: Any) -> str:
        """A file of these lines; a text stands for itself."""
        lines = (each if isinstance(each, str) else json.dumps(each) for each in records)
        (self.folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        return name

    def read(self, name: str) -> str:
        """What a file says, in which there is no secret either."""
        text = (self.folder / name).read_text(encoding="utf-8")
        self.is_clean(text)
        return text

    # ------------------------------------------------------------------ commands
    def type(self, *arguments: str, stdin: str = "") -> Typed:
        out, err, given = io.StringIO(), io.StringIO(), io.TextIOWrapper(io.BytesIO(stdin.encode()))
        with (
            contextlib.chdir(self.folder),
            patch.object(sys, "argv", ["proofport", *arguments]),
            patch.object(sys, "stdin", given),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            code = main()
        self.is_clean(out.getvalue(), err.getvalue())
        return Typed(code, out.getvalue(), err.getvalue())

    def report(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """The exit code and the report of a `push … --json`, whose books balance."""
        typed = self.type(*arguments, "--json")
        return typed.code, self.read_report(typed)

    def run(self, *arguments: str, stdin: str = "", **environment: str) -> Typed:
        done = subprocess.run(
            forked("proofport", *arguments),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=self.folder,
            env={**os.environ, **environment},
        )
        self.is_clean(done.stdout, done.stderr)
        return Typed(done.returncode, done.stdout, done.stderr)

    def read_report(self, typed: Typed) -> dict[str, Any]:
        report = cast(dict[str, Any], typed.json)
        assert report["exit_code"] == typed.code
        balanced(report)
        return report

    # ------------------------------------------------------------------ secrets
    def is_clean(self, *texts: str) -> None:
        for text in texts:
            assert "Traceback" not in text
            for secret in self.secrets():
                assert secret not in text

    def secrets(self) -> list[str]:
        file = self.folder / CONFIGURATION
        written = re.findall(r"(?:api_key|api_secret|client_secret): (\S+)", file.read_text() if file.exists() else "")
        return [text for text in written if not text.startswith(("env:", "file:"))]


class Cli(CommandLine):
    """A command line whose destinations are the emulators, as `proofport emulate` configures them."""

    def __init__(self, folder: Path, emulators: Emulators, **options: Any) -> None:
        super().__init__(folder, **{**emulators.config, **options})
        self.emulators = emulators

    def held(self, name: str, kind: str) -> set[str]:
        """The ids of what a vendor holds, once everything it accepted has been processed."""
        return {record["id"] for record in records(name, self.emulators.state(name), kind)}
