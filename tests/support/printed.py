"""The blocks of code that a page prints, and a shell in an empty folder that runs them as they are printed."""

from __future__ import annotations

import os
import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from tests.support.forked import commands
from tests.support.programs import PATIENCE

ROOT = Path(__file__).parents[2]
DOCS = sorted(f"docs/{each.name}" for each in (ROOT / "docs").glob("*.md"))
PAGES = ("README.md", *DOCS, "adapters/README.md", "mappings/README.md")
CODE = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
DONE = "== done"
BINARIES = Path(sys.prefix) / "bin"
"""Where the commands are that are installed with proofport."""


class Block(NamedTuple):
    page: str
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: str) -> list[Block]:
    """Each fenced block of a page that names a language, without the indentation that it has in a list."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [
        Block(
            page,
            text.count("\n", 0, found.start()) + 1,
            found[2],
            re.sub(f"^{found[1]}", "", found[3], flags=re.MULTILINE),
        )
        for found in CODE.finditer(text)
    ]


class Printed:
    """The blocks of one page, which a test takes one by one."""

    def __init__(self, page: str) -> None:
        self.blocks = blocks(page)
        self.taken: list[Block] = []

    def block(self, start: str) -> Block:
        """The next block that begins with these words."""
        found = next(each for each in self.blocks if each.text.startswith(start) and each not in self.taken)
        self.taken.append(found)
        return found

    def text(self, start: str) -> str:
        return self.block(start).text

    def commands(self, start: str) -> list[tuple[str, list[str]]]:
        """Of a block of commands: each one, whole, with the lines that are printed under it."""
        return list(steps(self.block(start).text))


def steps(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each command after a `$`, and the lines that stand under it. Lines after `>`, or after a `\\`, belong to it."""
    for step in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, *rest = step.rstrip("\n").split("\n")
        while rest and (rest[0].startswith("> ") or command.endswith("\\")):
            command += "\n" + rest.pop(0).removeprefix("> ")
        yield command, rest


class Said(NamedTuple):
    """What a command printed, and its exit code."""

    code: int
    out: str

    @property
    def words(self) -> str:
        return " ".join(self.out.split())


class Terminal:
    """A process that is typed into, and its lines."""

    def __init__(self, folder: Path, environment: Mapping[str, str], *command: str) -> None:
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._lines = queue.Queue[str]()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def write(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def until(self, words: str) -> str:
        """All lines up to one with these words."""
        text, end = "", time.monotonic() + PATIENCE
        while words not in text:
            try:
                text += self._lines.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"{words!r} was not printed, but\n{text}") from None
        return text

    def close(self) -> None:
        """Wait until it, and all that writes where it does, has ended."""
        self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


class Shell:
    """A bash in a folder, that one types into. `proofport` is found if it is `installed`.

    Its background jobs, and what was started as in a terminal of its own, end with it.
    """

    def __init__(self, folder: Path, *, installed: bool = True, **environment: str) -> None:
        self.folder = folder
        path = "/usr/local/bin:/usr/bin:/bin"
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
        self._environment = {
            **kept,
            "PATH": f"{commands(folder)}:{BINARIES}:{path}" if installed else path,
            "COLUMNS": "80",
            "PYTHONWARNINGS": "",
            **environment,
        }
        self._bash = Terminal(folder, self._environment, "bash", "--norc", "--noprofile")
        self._terminals: list[Terminal] = []
        self._bash.write("set -m")

    def type(self, command: str, *, code: int | None = 0, stdin: str | None = None) -> Said:
        """Type a command, or several, and wait for the last one. `code` is the expected exit code."""
        given = self.folder.parent / f"{self.folder.name}.stdin"
        given.write_text(stdin or "")
        self._bash.write(f"{{\n{command}\n}} < {given}\nprintf '\\n{DONE} %s\\n' $?")
        out = self._bash.until(DONE)
        said = Said(int(out.rpartition(DONE)[2]), out.rpartition(DONE)[0])
        assert "Traceback" not in said.out, said.out
        assert code is None or said.code == code, f"{command}\n--- ended with {said.code} ---\n{said.out}"
        return said

    def await_line(self, words: str) -> str:
        """Wait for a line of a background job."""
        return self._bash.until(words)

    def start(self, command: str, ready: str) -> str:
        """Type a command in a terminal of its own, and wait for a line that it prints."""
        started = Terminal(self.folder, self._environment, "bash", "--norc", "--noprofile", "-c", f"exec {command}")
        self._terminals.append(started)
        return started.until(ready)

    def close(self) -> None:
        self._bash.write("kill $(jobs -p) 2> /dev/null\nexit")
        for each in self._terminals:
            each.process.terminate()
        for each in (self._bash, *self._terminals):
            each.close()


@contextmanager
def shell(folder: Path, *, installed: bool = True, **environment: str) -> Iterator[Shell]:
    folder.mkdir(exist_ok=True)
    opened = Shell(folder, installed=installed, **environment)
    try:
        yield opened
    finally:
        opened.close()


def for_production(opened: Shell, **objects: Any) -> dict[str, str]:
    """Start the emulators, and configure them as pages name their destinations, `drata-prod`. Their addresses.

    `objects` are added to those of Secureframe.
    """
    opened.start("proofport emulate --write-config proofport.yaml", "ready")
    file = opened.folder / "proofport.yaml"
    config = yaml.safe_load(file.read_text(encoding="utf-8"))
    config["destinations"] = {f"{name}-prod": block for name, block in config["destinations"].items()}
    config["destinations"]["secureframe-prod"]["objects"] |= objects
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    return {name: block["base_url"] for name, block in config["destinations"].items()}


def shown(expected: list[str], text: str) -> None:
    """Lines between two `…` stand together; a `…` in a line is anything."""
    parts = "\n".join(line.rstrip() for line in expected).split("…\n")
    pattern = ".*".join(re.escape(part).replace("…", "[^\n]*") for part in parts)
    plain = "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
    assert re.search(pattern, plain, re.DOTALL), f"{plain}\n--- does not hold ---\n{chr(10).join(expected)}"
