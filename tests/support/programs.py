"""`proofport` as a process of its own, which a test may kill, and plain HTTP to whatever it serves."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from asyncio.subprocess import PIPE, Process, SubprocessStreamProtocol
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import Any, NamedTuple

from tests.support.forked import forked, new
from tests.support.soak import SOAK

PATIENCE = 30.0
"""Seconds for whatever another process has to come to."""


class Program(subprocess.Popen[str]):
    """`proofport ARGUMENTS`. Signals go to itself, and not to the client of the fork server that stands in for it."""

    def __init__(self, *arguments: str, **options: Any) -> None:
        command = ("proofport", *arguments)
        if SOAK:
            super().__init__(new(*command), **options)
            self.program = self.pid
            return
        read, write = os.pipe()
        super().__init__(forked(*command, pid_fd=write), pass_fds=[write], **options)
        self.program = told(read, write)

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.program, sig)


class AsyncProgram(Process):
    """The same in asyncio. `pid` is that of the program."""

    @classmethod
    async def start(cls, *command: str, **options: Any) -> AsyncProgram:
        loop, (read, write) = asyncio.get_running_loop(), os.pipe()
        line = forked(*command, pid_fd=write)
        transport, protocol = await loop.subprocess_exec(
            lambda: SubprocessStreamProtocol(2**16, loop), *line, pass_fds=[write], **options
        )
        started = cls(transport, protocol, loop)
        started.pid = await asyncio.to_thread(told, read, write)
        return started

    def send_signal(self, signal: int) -> None:
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal)

    def terminate(self) -> None:
        self.send_signal(SIGTERM)

    def kill(self) -> None:
        self.send_signal(SIGKILL)


def told(read: int, write: int) -> int:
    """The id of a program, from its pipe."""
    os.close(write)
    with open(read) as pipe:
        return int(pipe.read())


@contextmanager
def program(*arguments: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """`proofport ARGUMENTS`, killed at the end of the block. `options` are those of Popen."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with Program(*arguments, **{**pipes, **options}) as process:
        try:
            yield process
        finally:
            process.kill()


@asynccontextmanager
async def process(
    *arguments: str, folder: Path, script: Sequence[str] = ("proofport",), **environment: str
) -> AsyncIterator[Process]:
    """`proofport ARGUMENTS`, for tests whose vendors run in this process. Killed at the end of the block."""
    options: dict[str, Any] = {
        "cwd": folder,
        "env": {**os.environ, **environment},
        "stdin": None,
        "stdout": PIPE,
        "stderr": PIPE,
    }
    process: Process
    if SOAK or any(name.startswith("PYTHON") for name in environment):
        process = await asyncio.create_subprocess_exec(*new(*script, *arguments), **options)
    else:
        process = await AsyncProgram.start(*script, *arguments, **options)
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
