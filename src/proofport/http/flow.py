"""Leads one flow of an adapter to its end: sends its calls, hands it the replies, stops it before harm."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeAlias, TypeVar

from proofport.adapter import Flow, Page
from proofport.errors import AdapterFault, GuardRefused, OutcomeUnknown, ProofportError
from proofport.wire import Call, Reply

T = TypeVar("T")

Gate: TypeAlias = Callable[[Call], Awaitable[None]]
"""Asked before every request, repeated ones included; raises to keep it from being sent."""


class Sends(Protocol):
    """The part of a `Sender` that a flow needs."""

    def credentials(self) -> AbstractAsyncContextManager[None]: ...

    async def send(self, call: Call, gate: Gate | None = None) -> Reply: ...


async def refuse_destruction(call: Call) -> None:
    """The default gate: a destructive call is let through only by an engine that has asked the guard."""
    if call.destructive:
        raise GuardRefused(f"{call.operation} destroys data and was not cleared by the guard")


async def allow_destruction(call: Call) -> None:
    """The gate for what a person has asked for by name."""


async def lead(flow: Flow[T], sender: Sends, *, gate: Gate = refuse_destruction) -> T:
    """Return the flow's result. A lost answer to a call that cannot be repeated is thrown into the flow, which looks.

    An error that ends the flow after something may have taken effect is marked `lost`.
    """
    async with sender.credentials():
        return await follow(flow, lambda call: sender.send(call, gate))


async def pages(read: Callable[[str | None], Awaitable[Page]]) -> AsyncIterator[Page]:
    """The pages of a list. `read` is given the cursor of the page."""
    page = await read(None)
    yield page
    while page.cursor is not None:
        page = await read(page.cursor)
        yield page


async def follow(flow: Flow[T], send: Callable[[Call], Awaitable[Reply]], *, quiet: bool = False) -> T:
    """Lead a flow whose calls go out by `send`. `quiet`: an AdapterFault does not repeat the words of the breakdown,
    because the flow handles a secret that nobody can recognise yet."""
    try:
        return await _follow(flow, send)
    except ProofportError:
        raise
    except Exception as error:
        breakdown = error
    what = type(breakdown).__name__ if quiet else f"{type(breakdown).__name__}: {breakdown}"
    raise AdapterFault(
        f"the adapter broke down in {getattr(flow, '__name__', 'a flow')}: {what}",
        hint="This is a bug in the adapter; nothing more was sent.",
    ) from (None if quiet else breakdown)


async def _follow(flow: Flow[T], send: Callable[[Call], Awaitable[Reply]]) -> T:
    acted = False
    try:
        call = next(flow)
        while True:
            try:
                reply = await send(call)
            except OutcomeUnknown as error:
                acted = True
                call = flow.throw(error)
            else:
                acted = acted or (reply.ok and call.method != "GET")
                call = flow.send(reply)
    except StopIteration as end:
        result: T = end.value
        return result
    except ProofportError as error:
        error.lost = error.lost or acted
        raise
    finally:
        flow.close()
