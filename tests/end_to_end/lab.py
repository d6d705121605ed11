"""A folder with a configuration, both emulators as they run for a user, and what is typed there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from proofport.cli import app

PROGRAM = [sys.executable, "-c", "import sys; from proofport.cli import main; sys.exit(main())"]
BOTH = ("--to", "drata", "--to", "secureframe")
ACCOUNTS = ("--kind", "personnel_account")
FIVE = ("delivered", "unchanged", "rejected", "withheld", "unknown")


@contextmanager
def program(*arguments: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """`proofport ARGUMENTS` as a process of its own, which is gone at the end."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([*PROGRAM, *arguments], **{**pipes, **options}) as process:
        try:
            yield process
        finally:
            process.terminate()


@contextmanager
def emulating(file: Path) -> Iterator[dict[str, Any]]:
    """`proofport emulate --write-config FILE` from its line `ready` on. Yields what stands in FILE."""
    with program("emulate", "--write-config", str(file), stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield yaml.safe_load(file.read_text())


def wait(process: subprocess.Popen[str], until: Callable[[], bool]) -> None:
    """Go on when `until` holds, or the process has ended."""
    while process.poll() is None and not until():
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.05)


def control(origin: str, method: str, path: str, **body: Any) -> Any:
    """The control plane of the emulator at `origin`."""
    request = urllib.request.Request(f"{origin}/_emulator/{path}", json.dumps(body).encode() if body else None)
    request.method = method
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def account(number: int, **more: Any) -> dict[str, Any]:
    return {"id": f"a{number}", "email": f"p{number}@example.com", "active": True, **more}


def balanced(report: Mapping[str, Any]) -> None:
    for books in report["destinations"].values():
        assert sum(books[word] for word in FIVE) == books["input"]
        assert books["input"] == sum(source["read"] for source in report["sources"])
        assert sum(books["assurance"].values()) == books["delivered"]


@dataclass
class Lab:
    """`type` runs a command line in this process, `run` as a process. No output of either ever holds a secret."""

    folder: Path
    config: dict[str, Any]
    capture: pytest.CaptureFixture[str]

    def type(self, *arguments: str) -> tuple[int, str, str]:
        """Returns the exit code, stdout and stderr."""
        code = app.run(arguments)
        said = self.capture.readouterr()
        self.is_clean(said.out, said.err)
        return code, said.out, said.err

    def report(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """The exit code and the report of a `push … --json`, whose books balance."""
        code, out, _ = self.type(*arguments, "--json")
        return code, self.read_report(out, code)

    def run(self, *arguments: str, environment: Mapping[str, str] | None = None, stdin: str = "") -> Any:
        """Returns the completed process."""
        done = subprocess.run(
            [*PROGRAM, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=self.folder,
            env={**os.environ, **(environment or {})},
        )
        self.is_clean(done.stdout, done.stderr)
        return done

    def read_report(self, out: str, code: int) -> dict[str, Any]:
        report = cast(dict[str, Any], json.loads(out))
        assert report["exit_code"] == code
        balanced(report)
        return report

    def is_clean(self, *texts: str) -> None:
        secrets = self.secrets()
        assert secrets
        for text in texts:
            assert "Traceback" not in text
            for secret in secrets:
                assert secret not in text

    def secrets(self) -> list[str]:
        written = re.findall(r"api_(?:key|secret): (\S+)", (self.folder / "proofport.yaml").read_text())
        return [text for text in written if not text.startswith(("env:", "file:"))]

    def write(self, name: str, *records: Any) -> str:
        lines = (record if isinstance(record, str) else json.dumps(record) for record in records)
        (self.folder / name).write_text("\n".join(lines) + "\n")
        return name

    def configure(self, **changes: Any) -> None:
        """The configuration of the emulators with these changes; `drata` and `secureframe` change a destination."""
        destinations = {name: {**block, **changes.pop(name, {})} for name, block in self.config["destinations"].items()}
        text = yaml.safe_dump({**self.config, "destinations": destinations, **changes})
        (self.folder / "proofport.yaml").write_text(text)

    def control(self, name: str, method: str, path: str, **body: Any) -> Any:
        return control(self.config["destinations"][name]["base_url"], method, path, **body)

    def resource(self, kind: str) -> dict[str, Any]:
        """The Drata object that holds a kind: its records and sessions."""
        objects = [each for held in self.control("drata", "GET", "state")["connections"] for each in held["resources"]]
        return next(each for each in objects if each["kind"] == kind)

    def drata(self, kind: str) -> set[str]:
        return {record["id"] for record in self.resource(kind)["records"]}

    def schema(self, slug: str) -> dict[str, Any]:
        """A Secureframe schema, once all that was queued is worked through."""
        self.control("secureframe", "POST", "settle")
        [connection] = self.control("secureframe", "GET", "state")["connections"]
        return next(each for each in connection["schemas"] if each["slug"] == slug)

    def secureframe(self, slug: str) -> set[str]:
        return {record["id"] for record in self.schema(slug)["resources"]}

    def received(self) -> list[dict[str, Any]]:
        """Every request that reached a vendor."""
        return [*self.control("drata", "GET", "received"), *self.control("secureframe", "GET", "received")]
