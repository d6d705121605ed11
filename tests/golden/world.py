"""What is typed and asked, and the shape of the answers.

Only what a user can reach is used: the command line, the relay over HTTP, and the emulators.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.support.cli import Cli
from tests.support.emulators import Emulators
from tests.support.evidence import cloud_resource, personnel_accounts
from tests.support.programs import fetch

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
    """The names of mappings, without those of vendors that these tests are not about. Of the sources, which become
    more, a few stand for all; `docs/sources.md` has them."""
    return sorted(name for name in names if name.startswith((*VENDORS, "sources/aws.ec2.")))


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


class World(Cli):
    """A command line whose answers are noted: `golden` gets a shape for each name."""

    def __init__(self, folder: Path, emulators: Emulators) -> None:
        """Begin with an empty journal, and vendors that hold nothing yet."""
        super().__init__(folder, emulators, instance="golden", patience=0, relay={"port": 0})
        self.destinations = {name: {**self.destinations[name], "requests_per_minute": 0} for name in VENDORS}
        self.golden: dict[str, Any] = {}
        emulators.restart()
        self.configure()

    def note(self, name: str, *arguments: str, stdin: str = "", view: Callable[[Any], Any] = shape) -> Any:
        """Type a command, and note its exit code and the shape of what it prints as JSON. Returns the JSON."""
        code, out, _ = self.type(*arguments, stdin=stdin)
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


# ------------------------------------------------------------------ evidence
def accounts(world: World, name: str, *numbers: int, **more: Any) -> str:
    return world.write(name, *personnel_accounts(*numbers, **more))


def named(number: int, **more: Any) -> dict[str, Any]:
    return cloud_resource(number, **{"name": f"web {number}", **more})
