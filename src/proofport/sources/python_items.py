"""Records from Python code that the user names: `python:package.module:function`.

It runs in a thread of its own, so that whoever sends and renews leases is not kept waiting. An asynchronous generator
has an event loop there.
"""

from __future__ import annotations

import asyncio
import dataclasses
import importlib
import inspect
import os
import re
import sys
from collections.abc import AsyncIterable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from proofport.errors import Problem, UsageError
from proofport.evidence import Evidence
from proofport.sources.reader import Malformed, Reader
from proofport.sources.values import record_of

PREFIX = "python:"
BLOCK = 64
"""Records that are fetched together."""

_EXPECTED = "python:package.module:function"
_SECRET = re.compile(r"token|secret|passw|key|credential|auth", re.IGNORECASE)
_IN_TEXT = re.compile(
    r"""(?i)(://[^\s/@:]*:)[^\s/@]+(?=@)|((?:bearer|basic)\s+|(?:token|secret|password|key)['"]?\s*[=:]\s*)[^\s&,;]+"""
)


class PythonReader(Reader):
    """Reads what a function gives, one after the other: `fetch` runs it, and iterating gives what was fetched.

    It is whole if it ends without an exception, unless the function, or what it returns, has `whole = False`.
    Raises UsageError on opening if there is no such function.
    """

    numbered_by = "#"

    def __init__(self, name: str) -> None:
        self.name = name
        self.incomplete = None
        self._made_by = _imported(name)
        self._given: Any = None
        self._items: Iterator[object] | None = None
        self._thread = ThreadPoolExecutor(1, "proofport-input")
        self._loop = asyncio.Runner()
        self._fetched: list[object] = []
        self._read = 0

    async def fetch(self) -> bool:
        self._read += len(self._fetched)
        self._fetched = []
        running = asyncio.get_running_loop()
        self._fetched = await running.run_in_executor(self._thread, self._next_block)
        return len(self._fetched) == BLOCK and self.incomplete is None

    def __iter__(self) -> Iterator[tuple[int, object]]:
        return self._documents()

    def _documents(self) -> Iterator[tuple[int, object]]:
        yield from enumerate(self._fetched, self._read + 1)

    @property
    def modified(self) -> None:
        """None: a function has no age."""

    @property
    def digest(self) -> None:
        """None: what a function gives is no bytes."""

    def changed(self) -> bool:
        return False

    @property
    def sizes(self) -> None:
        """None: nobody knows how much comes."""

    def close(self) -> None:
        with suppress(RuntimeError):  # closed before
            self._thread.submit(self._end)
        self._thread.shutdown(wait=False)

    # ------------------------------------------------------------------ in its thread
    def _next_block(self) -> list[object]:
        found: list[object] = []
        try:
            if self._items is None:
                self._given = self._made()
                self._items = self._flat(self._given)
            found.extend(islice(self._items, BLOCK))
            if len(found) < BLOCK:
                self._require_whole()
        except (Exception, SystemExit) as error:
            words = f"{type(error).__name__}: {without_secrets(str(error))}".rstrip(": ")
            self.incomplete = f"{self.name} failed after record {self._read + len(found)}: {words}"
        return found

    def _made(self) -> Any:
        given = self._made_by
        if isinstance(given, type) or not isinstance(given, Iterable | AsyncIterable):
            given = given()
        if inspect.iscoroutine(given):
            given = self._loop.run(given)
        if isinstance(given, Iterable | AsyncIterable) and not isinstance(given, str | bytes | Mapping):
            return given
        raise TypeError(f"it gives a {type(given).__name__}; expected records, one after the other")

    def _flat(self, given: Any) -> Iterator[object]:
        """The records. A list among them is a page of records."""
        for item in self._awaited(given) if isinstance(given, AsyncIterable) else given:
            for each in item if isinstance(item, list) else (item,):
                yield _record(each, given)

    def _awaited(self, given: AsyncIterable[object]) -> Iterator[object]:
        items = aiter(given)

        async def step() -> object:
            return await anext(items)

        while True:
            try:
                yield self._loop.run(step())
            except StopAsyncIteration:
                return

    def _require_whole(self) -> None:
        if not (getattr(self._given, "whole", True) and getattr(self._made_by, "whole", True)):
            self.incomplete = f"{self.name} says that it is not whole"

    def _end(self) -> None:
        """Let a generator clean up, in the thread that it ran in."""
        with suppress(Exception):
            for each in (self._items, self._given):
                getattr(each, "close", lambda: None)()
            if hasattr(self._given, "aclose"):
                self._loop.run(self._given.aclose())
        self._loop.close()


def _imported(name: str) -> Any:
    module, colon, attribute = name.removeprefix(PREFIX).partition(":")
    if not (module and colon and attribute):
        raise UsageError(f"found {name!r}, expected {_EXPECTED}")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        hint = f"It is looked for in {here}, and where Python looks for packages."
        raise UsageError(f"{name}: there is no module {error.name!r}", hint=hint) from None
    except (Exception, SystemExit) as error:
        words = without_secrets(str(error))
        raise UsageError(f"{name}: importing {module} failed: {type(error).__name__}: {words}") from error
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise UsageError(f"{name}: {module} has no {attribute!r}", hint=f"Expected {_EXPECTED}.")
        found = getattr(found, part)
    if not callable(found) and not isinstance(found, Iterable | AsyncIterable):
        raise UsageError(f"{name} is a {type(found).__name__}", hint="Expected a function that gives records.")
    return found


def _record(item: object, given: object) -> object:
    """A record as a dict of JSON values, from what libraries give as a row."""
    row = _row(item, given)
    if row is not None:
        return record_of(row)
    return Malformed(
        Problem(f"a {type(item).__name__}", "a dict from names to values", hint="Yield dicts, or return a cursor.")
    )


def _row(item: object, given: object) -> Mapping[Any, Any] | None:
    match item:
        case Mapping():
            return item
        case Evidence():
            return item.neutral()
        case BaseModel():
            return item.model_dump(mode="json")
    if dataclasses.is_dataclass(item) and not isinstance(item, type):
        return dataclasses.asdict(item)
    for mapping in ("_mapping", "_asdict"):  # of SQLAlchemy; of named tuples
        if hasattr(item, mapping):
            found = getattr(item, mapping)
            return dict(found() if callable(found) else found)
    if hasattr(item, "keys"):
        return {name: item[name] for name in item.keys()}  # type: ignore[index]  # noqa: SIM118 - sqlite3.Row
    if isinstance(item, tuple) and (columns := getattr(given, "description", None)):
        return {column[0]: value for column, value in zip(columns, item, strict=True)}
    return None


def without_secrets(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """A text without the values of variables named like secrets, and without what stands in a secret's place."""
    known = (value for name, value in environment.items() if _SECRET.search(name) and len(value) >= 8)
    for value in sorted(known, key=len, reverse=True):
        text = text.replace(value, "[secret]")
    return _IN_TEXT.sub(lambda found: f"{found[1] or found[2]}[secret]", text)
