"""A folder with a configuration and both emulators, what is typed and asked there, and the shape of the answers.

Only what a user can reach is used: the command line, the relay over HTTP, and the emulators.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import yaml

from proofport.cli import main

PROGRAM = [sys.executable, "-c", "import sys; from proofport.cli import main; sys.exit(main())"]

VENDORS = ("drata", "secureframe")
"""Those that these tests are about; others may be installed."""

VOLATILE = (
    *("run_id", "run", "seconds", "requests", "bytes", "digest", "at", "started", "ended", "created", "finished"),
    *("expires", "oldest", "rests_until", "published", "looks", "key", "prefix", "next", "cursor"),
)
"""Of these only the type is compared: they differ from run to run, or may."""

FREE = ("owner", "held", "last_used")
"""Of these only the name is compared: whether there is something depends on the moment."""

PROSE = (
    *("notes", "found", "expected", "vendor_message", "message", "detail", "summary", "title", "description"),
    *("parked", "guard", "incomplete"),
)
"""Of these only whether there is something is compared, where they are text."""

EXACT = frozenset(["neutral", "bodies", "evidence", "body", "fields"])
"""Below these stands evidence, whose keys have no meaning here."""

TYPES = {type(None): "null", str: "text", int: "number", float: "number", bool: "boolean", list: "list", dict: "object"}

MASKS = (
    (re.compile(r"127\.0\.0\.1:\d+"), "HOST"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "TIME"),
    (re.compile(r"pp_[a-z0-9]{10}(_[A-Za-z0-9]{43})?"), "KEY"),
    (re.compile(r"(?<![0-9a-z])[0-9a-f]{12,16}(?![0-9a-z])"), "HEX"),
)
PATIENCE = 30.0
ACCOUNTS = ("--kind", "personnel_account")
CLOUD = ("--kind", "cloud_resource")
DRATA, SECUREFRAME = ("--to", "drata"), ("--to", "secureframe")
BOTH = (*DRATA, *SECUREFRAME)
SNAPSHOT = ("--mode", "snapshot")
HEADERS = ("Location", "Retry-After", "Idempotent-Replayed", "Allow", "WWW-Authenticate")


def masked(text: str) -> str:
    for pattern, word in MASKS:
        text = pattern.sub(word, text)
    return text


def numbered(text: str) -> str:
    """What was typed or asked, without what differs from run to run: ids are numbers, too."""
    return re.sub(r"(?<=[ /])\d+(?=[ /?]|$)", "N", masked(text))


def shape(value: Any, key: str = "") -> Any:
    """The structure, names, codes and counts of an answer; `key` is the name under which it stands."""
    if key in EXACT:
        return exact(value)
    if isinstance(value, float) or (key == "id" and isinstance(value, int)):
        return "<number>"
    if key in VOLATILE and not isinstance(value, bool):
        return f"<{TYPES[type(value)]}>"
    if key == "hint":
        return "<prose or null>"
    if key in FREE:
        return "<value>"
    if key in PROSE and isinstance(value, str | list):
        return "<prose>"
    if key == "attempts" and isinstance(value, list):
        return [dict.fromkeys(value[0], "<value>")] if value else []
    if isinstance(value, dict):
        return {name: shape(each, key if key in PROSE else name) for name, each in value.items()}
    if isinstance(value, list):
        found = [shape(each) for each in value]
        # lanes are listed by name, and a name begins with a port that is another one each time
        return (
            sorted(found, key=json.dumps) if any("lane" in each for each in value if isinstance(each, dict)) else found
        )
    return exact(value)


def exact(value: Any) -> Any:
    if isinstance(value, dict):
        return {masked(name): exact(each) for name, each in value.items()}
    if isinstance(value, list):
        return list(map(exact, value))
    return masked(value) if isinstance(value, str) else value


def shipped(names: Iterable[str]) -> list[str]:
    """The names of mappings, without those of vendors that these tests are not about."""
    return [name for name in names if name.startswith((*VENDORS, "sources/"))]


def differences(before: Any, now: Any, path: str = "") -> Iterator[str]:
    """One line for each place where a recorded shape and that of today are not the same."""
    if isinstance(before, dict) and isinstance(now, dict):
        for name in before.keys() | now.keys():
            here = f"{path}/{name}"
            if name not in now:
                yield f"{here}: gone, was {before[name]!r}"
            elif name not in before:
                yield f"{here}: new, {now[name]!r}"
            else:
                yield from differences(before[name], now[name], here)
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for number, (one, other) in enumerate(zip(before, now, strict=True)):
            yield from differences(one, other, f"{path}/{number}")
    elif before != now:
        yield f"{path}: was {before!r}, is {now!r}"


@contextmanager
def program(*arguments: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """`proofport ARGUMENTS` as a process of its own, which is gone at the end."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen([*PROGRAM, *arguments], **{**pipes, **options}) as process:
        try:
            yield process
        finally:
            process.kill()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def fetch(
    method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> tuple[int, dict[str, str], Any]:
    """Status, headers and body, which is bytes where it is no JSON. A body that is not bytes is sent as JSON."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    given = {"Content-Type": "application/json", **(headers or {})}
    request = urllib.request.Request(url, data, given, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            found = answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        found = error.code, dict(error.headers), error.read()
    try:
        return found[0], found[1], json.loads(found[2])
    except ValueError:
        return found


@dataclass
class World:
    """`golden` gets a shape for each name. `settings` is what `proofport emulate` wrote; `fresh` what vendors hold."""

    folder: Path
    settings: dict[str, Any]
    fresh: dict[str, Any]
    golden: dict[str, Any] = field(default_factory=dict)

    def begin(self, folder: Path) -> None:
        """A new folder with an empty journal, and vendors that hold nothing yet."""
        self.folder, self.golden = folder, {}
        for name, state in self.fresh.items():
            self.control(name, "DELETE", "faults")
            self.control(name, "POST", "reset")
            self.control(name, "POST", "seed", **state)
        self.configure()

    # ------------------------------------------------------------------ files and vendors
    def configure(self, **changes: Any) -> None:
        """Write the configuration with these changes; those named like a destination change that."""
        destinations = {
            name: {**block, "requests_per_minute": 0, **changes.pop(name, {})}
            for name, block in self.settings["destinations"].items()
        }
        first = {"instance": "golden", "patience": 0, "relay": {"port": 0}}
        self.write("proofport.yaml", yaml.safe_dump({**first, "destinations": destinations, **changes}))

    def write(self, name: str, *records: Any) -> str:
        lines = (each if isinstance(each, str) else json.dumps(each) for each in records)
        (self.folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        return name

    def control(self, name: str, method: str, path: str, **body: Any) -> Any:
        origin = self.settings["destinations"][name]["base_url"]
        return fetch(method, f"{origin}/_emulator/{path}", body or None)[2]

    def fault(self, name: str, **faults: Any) -> None:
        self.control(name, "DELETE", "faults")
        if faults:
            self.control(name, "POST", "faults", **faults)

    # ------------------------------------------------------------------ what is typed
    def type(self, *arguments: str, stdin: str = "") -> tuple[int, str]:
        """Exit code and stdout of a command line, run in this process."""
        out, given = io.StringIO(), io.TextIOWrapper(io.BytesIO(stdin.encode()))
        with (
            contextlib.chdir(self.folder),
            patch.object(sys, "argv", ["proofport", *arguments]),
            patch.object(sys, "stdin", given),
            redirect_stdout(out),
            redirect_stderr(io.StringIO()),
        ):
            return main(), out.getvalue()

    def note(self, name: str, *arguments: str, stdin: str = "", view: Callable[[Any], Any] = shape) -> Any:
        """Type a command, and note its exit code and the shape of what it prints as JSON. Returns the JSON."""
        code, out = self.type(*arguments, stdin=stdin)
        assert name not in self.golden, name
        self.golden[name] = {"command": numbered(" ".join(arguments)), "exit_code": code}
        if "--json" not in arguments and arguments[:2] != ("dead-letter", "show"):
            return None
        answer = json.loads(out) if out else None
        self.golden[name]["json"] = view(answer)
        return answer

    # ------------------------------------------------------------------ what is asked of a relay
    def ask(
        self, name: str, method: str, url: str, body: Any = None, view: Callable[[Any], Any] = shape, **headers: str
    ) -> Any:
        """Ask, and note status, headers and shape. Returns the body."""
        status, answered, found = fetch(method, url, body, {k.replace("_", "-"): v for k, v in headers.items()})
        path = re.sub(r"^\w+://[^/]+", "", url)
        self.golden[name] = {
            "request": numbered(f"{method} {path}"),
            "status": status,
            "headers": [header for header in HEADERS if header in answered],
            "json": None if isinstance(found, bytes) else view(found),
        }
        return found


@contextmanager
def emulating(folder: Path) -> Iterator[World]:
    file = folder / "emulated.yaml"
    with program("emulate", "--write-config", str(file)) as process:
        assert first_line(process) == "ready\n"
        settings = yaml.safe_load(file.read_text(encoding="utf-8"))
        del settings["journal"]
        settings["destinations"] = {name: settings["destinations"][name] for name in VENDORS}
        world = World(folder, settings, {})
        world.fresh = {name: world.control(name, "GET", "state") for name in settings["destinations"]}
        yield world


def wait(until: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not until():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)


# ------------------------------------------------------------------ evidence
def account(number: int, **more: Any) -> dict[str, Any]:
    return {"id": f"a{number}", "email": f"p{number}@example.com", "active": True, **more}


def accounts(world: World, name: str, *numbers: int, **more: Any) -> str:
    return world.write(name, *(account(number, **more) for number in numbers))


def resource(number: int, **more: Any) -> dict[str, Any]:
    return {"id": f"i-{number}", "type": "aws.ec2.instance", "name": f"web {number}", **more}


def device(number: int, **more: Any) -> dict[str, Any]:
    return {"id": f"d{number}", "owner_email": "ana@example.com", "platform": "macos", "os_version": "15", **more}
