"""Runs a flow of an adapter to its end: sends its calls, gives it the replies, and asks the gate before each call."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeAlias, TypeVar

from proofport.adapter import Flow, Page, Walk
from proofport.errors import AdapterFault, GuardRefused, OutcomeUnknown, ProofportError, Retryable
from proofport.wire import Call, Reply

T = TypeVar("T")

Gate: TypeAlias = Callable[[Call], Awaitable[None]]
"""Asked before every request, also before repeated ones. It raises to prevent the request."""


class Sends(Protocol):
    """The part of a `Sender` that a flow needs."""

    def credentials(self) -> AbstractAsyncContextManager[None]: ...

    async def send(self, call: Call, gate: Gate | None = None) -> Reply: ...


async def refuse_destruction(call: Call) -> None:
    """The default gate. It refuses destructive calls, which only a caller that has asked the guard may send."""
    if call.destructive:
        raise GuardRefused(f"{call.operation} destroys data and was not cleared by the guard")


async def allow_destruction(call: Call) -> None:
    """The gate for calls that a person has named."""


async def lead(flow: Flow[T], sender: Sends, *, gate: Gate = refuse_destruction) -> T:
    """Return the flow's result. When the answer to a call with `lost="ask"` is lost, OutcomeUnknown is thrown into it.

    An error that ends the flow is marked `lost` when a call before it may have taken effect.
    """
    async with sender.credentials():
        return await follow(flow, lambda call: sender.send(call, gate))


async def pages(read: Callable[[str | None], Awaitable[Page]]) -> AsyncIterator[Page]:
    """The pages of a list. `read` is given the cursor of the page. Raises Retryable for a list that has no end."""
    walk, cursor = Walk("the vendor's list"), None
    while True:
        page = await read(cursor)
        cursor = page.cursor
        walk.step(page.records if page.rows is None else page.rows, cursor, total=page.total)
        yield page
        if cursor is None:
            return


async def follow(flow: Flow[T], send: Callable[[Call], Awaitable[Reply]], *, quiet: bool = False) -> T:
    """Run a flow whose calls go out by `send`. `quiet`: an AdapterFault does not repeat the exception's text, which may
    hold a secret that cannot be recognised yet."""
    acted = False

    async def noted(call: Call) -> Reply:
        nonlocal acted
        acted = acted or call.method != "GET"
        return await send(call)

    try:
        return await _follow(flow, noted)
    except ProofportError:
        raise
    except Exception as error:
        failure = error
    what = type(failure).__name__ if quiet else f"{type(failure).__name__}: {failure}"
    fault = AdapterFault(
        f"the adapter broke down in {getattr(flow, '__name__', 'a flow')}: {what}",
        hint="This is a bug in the adapter; nothing more was sent.",
    )
    fault.lost = acted
    raise fault from (None if quiet else failure)


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
            except Retryable as error:
                if call.lost != "skip":
                    raise
                call = flow.throw(OutcomeUnknown(error.message, hint=error.hint))
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
