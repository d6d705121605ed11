"""One batch to its outcomes: halved while it is too large, one verdict for every record."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from proofport.accounting import Outcome, rejected, unknown
from proofport.adapter import Batch
from proofport.delivery.batching import halves
from proofport.errors import Problem, ProofportError, Rejected, TooLarge


async def exchange(batch: Batch, send: Callable[[Batch], Awaitable[Sequence[Outcome] | None]]) -> Sequence[Outcome]:
    """The outcomes of a batch's records, in order. Errors that are not about the records go to the caller.

    An error after a part of the batch was sent is marked `lost`: that part has taken effect.
    """
    try:
        return _verdicts(await send(batch), batch)
    except Rejected as error:
        return [rejected(error.problem)] * len(batch)
    except TooLarge as error:
        if len(batch) == 1:
            found = f"a record of {len(batch.items[0])} bytes"
            return [rejected(Problem(found, "a record that fits one request", vendor_message=str(error)))]
    first, second = halves(batch)
    taken = await exchange(first, send)
    try:
        return [*taken, *await exchange(second, send)]
    except ProofportError as error:
        error.lost = True
        raise


def _verdicts(outcomes: Sequence[Outcome] | None, batch: Batch) -> Sequence[Outcome]:
    """One outcome for each record. More than that belong to none of them for sure; a missing one is unknown."""
    given = outcomes if outcomes and len(outcomes) <= len(batch) else ()
    missing = len(batch) - len(given)
    return [*given, *[unknown("no_verdict")] * missing] if missing else given
