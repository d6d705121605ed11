"""`proofport` as a process of its own, which a test may kill, and plain HTTP to whatever it serves."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

PROGRAM = (sys.executable, "-c", "import sys; from proofport.cli import main; sys.exit(main())")
PATIENCE = 30.0
"""Seconds for whatever another process has to come to."""


@contextmanager
def program(*arguments: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """`proofport ARGUMENTS`, killed at the end of the block. `options` are those of Popen."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen([*PROGRAM, *arguments], **{**pipes, **options}) as process:
        try:
            yield process
        finally:
            process.kill()


@asynccontextmanager
async def process(
    *arguments: str, folder: Path, program: Sequence[str] = PROGRAM, **environment: str
) -> AsyncIterator[Process]:
    """`proofport ARGUMENTS`, for tests whose vendors run in this process. Killed at the end of the block."""
    process = await asyncio.create_subprocess_exec(
        *program, *arguments, cwd=folder, env={**os.environ, **environment}, stdin=None, stdout=PIPE, stderr=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def wait(until: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not until():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)


class Fetched(NamedTuple):
    status: int
    headers: dict[str, str]
    #: Bytes where it is no JSON.
    body: Any


def fetch(method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Fetched:
    """Ask, and return the answer whatever its status. A body that is not bytes is sent as JSON."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    given = {"Content-Type": "application/json", **(headers or {})}
    request = urllib.request.Request(url, data, given, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            status, told, content = answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        status, told, content = error.code, dict(error.headers), error.read()
    try:
        return Fetched(status, told, json.loads(content))
    except ValueError:
        return Fetched(status, told, content)
