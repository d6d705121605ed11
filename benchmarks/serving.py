"""Servers in processes of their own, on the last core. Clients are pinned to the first."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, TypeAlias

Server: TypeAlias = Callable[..., Awaitable[None]]
"""Gets its end of the pipe and the arguments, sends its origin as soon as it listens, and serves."""


@contextmanager
def serving(server: Server, *arguments: Any) -> Iterator[tuple[str, Connection]]:
    """The origin of `server`, and the other end of its pipe, as long as the block runs."""
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_serve, args=(server, theirs, *arguments), daemon=True)
    process.start()
    try:
        yield ours.recv(), ours
    finally:
        process.kill()
        process.join()


def _serve(server: Server, pipe: Connection, *arguments: Any) -> None:
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    asyncio.run(_awaited(server(pipe, *arguments)))


async def _awaited(work: Awaitable[None]) -> None:
    await work


def on_first_core() -> None:
    """Pin this process, and those that it starts, away from the servers."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
