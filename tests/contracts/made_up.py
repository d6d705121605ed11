"""Requests that Schemathesis makes up from an operation of a document: a fixed sample; in a soak, many others.

It calls as a plain client does, and waits. So whatever answers has a thread of its own.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, TypeVar

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

T = TypeVar("T")
SOAK = bool(os.environ.get("PROOFPORT_SOAK"))


@contextmanager
def in_a_thread(opened: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """Enter an asynchronous context in a thread of its own, and leave it when the block ends."""
    ready, stop = threading.Event(), asyncio.Event()
    found: list[tuple[T, asyncio.AbstractEventLoop]] = []

    async def run() -> None:
        async with opened as entered:
            found.append((entered, asyncio.get_running_loop()))
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert ready.wait(60)
    [(entered, loop)] = found
    yield entered
    loop.call_soon_threadsafe(stop.set)
    thread.join()


def each_request(
    operation: Any,
    mode: str,
    check: Callable[[Any], None],
    *,
    examples: int,
    known: Mapping[str, Sequence[Any]],
    places: Sequence[str] = ("path_parameters",),
) -> None:
    """Call `check` with so many cases. In `places`, a parameter is now and then one of those that are `known` there."""
    cases = operation.as_strategy(generation_mode=schemathesis.GenerationMode(mode))

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=not SOAK,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, data=st.data())
    def one(case: Any, data: st.DataObject) -> None:
        for parameters in (getattr(case, place) for place in places):
            for name in parameters if isinstance(parameters, dict) else ():
                if name in known and data.draw(st.booleans()):
                    parameters[name] = data.draw(st.sampled_from(known[name]))
        check(case)

    one()
