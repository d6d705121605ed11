"""Records what emulators receive and answer, and answers from such a recording.

A recording is NDJSON: a line for each exchange, with the emulator, the request and the answer. It has no credentials.
"""

from __future__ import annotations

import base64
import os
from collections import deque
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, TextIO

import orjson
from aiohttp import web

from proofport.errors import UsageError
from proofport.testing.emulator_faults import BY_ORDER
from proofport.testing.emulator_log import Received, without_secrets

MEMBERS = {"emulator", "method", "path", "query", "body", "status", "headers", "answer"}
OF_THE_CONNECTION = frozenset({"content-length", "date", "server", "connection", "transfer-encoding"})
"""Headers of an answer that are not recorded."""


class Recording:
    """A new file, which gets a line for each exchange. Raises UsageError where the file exists or cannot be written."""

    def __init__(self, path: Path) -> None:
        try:
            self._file: TextIO = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w")
        except OSError as error:
            raise UsageError(
                f"{path} cannot be written: {error.strerror}", hint="Name a file that does not exist yet."
            ) from None

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def note(self, emulator: str, received: Received, answer: web.Response) -> None:
        """Write one exchange. One whose connection was cut has no answer, and is left out."""
        if answer.headers.get(BY_ORDER) == "cut":
            return
        body = answer.body if isinstance(answer.body, bytes) else b""
        headers = {str(name): text for name, text in answer.headers.items() if name.lower() not in OF_THE_CONNECTION}
        line = {
            "emulator": emulator,
            "method": received.method,
            "path": received.path,
            "query": received.query,
            "body": _shown(received.body),
            "status": answer.status,
            "headers": headers,
            "answer": _shown(without_secrets(body)),
        }
        self._file.write(orjson.dumps(line).decode() + "\n")
        self._file.flush()


class Replay:
    """The recorded answers of one emulator. Each is given once, in the order of the recording."""

    def __init__(self, emulator: str, file: Path, lines: Mapping[int, Mapping[str, Any]]) -> None:
        self._emulator, self._file, self._lines = emulator, file, lines
        self._waiting: dict[bytes, deque[int]] = {}
        for number, line in lines.items():
            self._waiting.setdefault(_key(line), deque()).append(number)

    def answer(self, received: Received) -> web.Response | str:
        """The recorded answer to a request, or why there is none."""
        asked = {
            "method": received.method,
            "path": received.path,
            "query": received.query,
            "body": _shown(received.body),
        }
        waiting = self._waiting.get(_key(asked))
        if not waiting:
            return self._unknown(asked)
        line = self._lines[waiting.popleft()]
        return web.Response(body=_bytes(line["answer"]), status=line["status"], headers=line["headers"])

    def _unknown(self, asked: Mapping[str, Any]) -> str:
        words = f"{_title(asked)} is not in the recording {self._file.name}"
        if not self._lines:
            return f"{words}, which has nothing of {self._emulator}"
        number, nearest = max(self._lines.items(), key=lambda item: _likeness(item[1], asked))
        if _key(nearest) == _key(asked):
            return f"{_title(asked)} is recorded, and its answers were all given. The last is line {number}"
        where = _first_difference(nearest["body"], asked["body"]) if _title(nearest) == _title(asked) else None
        return f"{words}. The nearest is line {number}: {_title(nearest)}" + (f", whose body {where}" if where else "")


def replays(file: Path, emulators: list[str]) -> dict[str, Replay]:
    """The recorded answers of each emulator. Raises UsageError for a file that is no recording."""
    lines: dict[str, dict[int, Mapping[str, Any]]] = {name: {} for name in emulators}
    try:
        texts = file.read_bytes().splitlines()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from None
    for number, text in enumerate(texts, 1):
        line = _line(text)
        if line is None:
            raise UsageError(
                f"{file}, line {number}: found {text[:60].decode(errors='replace')!r}, expected an exchange",
                hint="Record one: proofport emulate --record FILE.",
            )
        lines.setdefault(line["emulator"], {})[number] = line
    return {name: Replay(name, file, found) for name, found in lines.items()}


def _line(text: bytes) -> dict[str, Any] | None:
    try:
        line = orjson.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) and line.keys() == MEMBERS and isinstance(line["status"], int) else None


def _shown(body: bytes | None) -> dict[str, Any] | None:
    """A body as JSON where it is JSON, as a text, or as base64."""
    if not body:
        return None
    try:
        return {"json": orjson.loads(body)}
    except ValueError:
        pass
    try:
        return {"text": body.decode()}
    except ValueError:
        return {"base64": base64.b64encode(body).decode()}


def _bytes(shown: Mapping[str, Any] | None) -> bytes:
    match shown:
        case {"json": value}:
            return orjson.dumps(value)
        case {"text": str(text)}:
            return text.encode()
        case {"base64": str(text)}:
            return base64.b64decode(text)
    return b""


def _key(request: Mapping[str, Any]) -> bytes:
    """The parts that a request is found by."""
    parts = [request["method"], request["path"], request["query"], request["body"]]
    return orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)


def _title(request: Mapping[str, Any]) -> str:
    query = "&".join(f"{name}={text}" for name, texts in sorted(request["query"].items()) for text in texts)
    return f"{request['method']} {request['path']}" + (f"?{query}" if query else "")


def _likeness(recorded: Mapping[str, Any], asked: Mapping[str, Any]) -> tuple[bool, float]:
    same = _key(recorded) == _key(asked)
    return same, SequenceMatcher(None, _title(recorded), _title(asked), autojunk=False).ratio()


def _first_difference(recorded: Any, asked: Any) -> str | None:
    return next(_differences(recorded, asked, ""), None)


def _differences(recorded: Any, asked: Any, where: str) -> Iterator[str]:
    """Where a body differs. The first step, `json` or `text`, is not said."""
    if isinstance(recorded, dict) and isinstance(asked, dict):
        for name in [*recorded, *(name for name in asked if name not in recorded)]:
            yield from _differences(recorded.get(name), asked.get(name), f"{where}/{name}")
    elif isinstance(recorded, list) and isinstance(asked, list) and len(recorded) == len(asked):
        for place, each in enumerate(recorded):
            yield from _differences(each, asked[place], f"{where}/{place}")
    elif recorded != asked:
        pointer = where.removeprefix("/json").removeprefix("/text")
        yield f"has {_short(recorded)} at {pointer or 'its top'}; sent was {_short(asked)}"


def _short(value: Any) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) <= 60 else text[:59] + "…"
