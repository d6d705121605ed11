"""Leads one flow of an adapter to its end: sends its calls, hands it the answers, stops it before harm."""

from __future__ import annotations

from typing import TypeVar

from proofport.adapter import Flow
from proofport.delivery.sender import Gate, Sender
from proofport.errors import AdapterFault, GuardRefused, OutcomeUnknown, ProofportError
from proofport.wire import Call

T = TypeVar("T")


async def refuse_destruction(call: Call) -> None:
    """The default gate: a destructive call is let through only by an engine that has asked the guard."""
    if call.destructive:
        raise GuardRefused(f"{call.operation} destroys data and was not cleared by the guard")


async def allow_destruction(call: Call) -> None:
    """The gate for what a person has asked for by name."""


async def converse(flow: Flow[T], sender: Sender, *, gate: Gate = refuse_destruction) -> T:
    """The flow's result. A lost answer to a call that cannot be repeated is thrown into the flow, which looks.

    An error that ends the flow after something may have taken effect is marked `lost`.
    """
    try:
        return await _lead(flow, sender, gate)
    except ProofportError:
        raise
    except Exception as error:
        raise AdapterFault(
            f"the adapter broke down in {getattr(flow, '__name__', 'a flow')}: {type(error).__name__}: {error}",
            hint="This is a bug in the adapter; nothing more was sent.",
        ) from error


async def _lead(flow: Flow[T], sender: Sender, gate: Gate) -> T:
    acted = False
    try:
        call = next(flow)
        while True:
            try:
                reply = await sender.send(call, gate)
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
