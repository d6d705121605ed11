"""Decides about refused records in a set that removes what it lacks.

A refused record is present: it is not gone. One that the vendor does not hold is left out. One that it holds blocks the
set, unless its last body is sent in its place, or a person has agreed that it is dropped. So does one that had left and
that the set has as gone; its last body says that it is gone, so that does not go in its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proofport.accounting import Status
from proofport.adapter import Batch
from proofport.delivery.books import NOWHERE
from proofport.delivery.report.report import DestinationReport
from proofport.delivery.snapshot.gone import SetBefore
from proofport.delivery.snapshot.guard import WAYS, Terms
from proofport.delivery.snapshot.whole import records
from proofport.text.wording import listing

NO_RECORD = "no record has every value that the vendor requires, and an empty set is not sent"
NAMED = 20
"""At most so many ids stand in the sentence that says why a set is blocked."""

OF_GONE = 'Correct the source, and push the whole set again; or drop what is refused with --override-guard "why".'
UNREADABLE = 'Correct the source, and push the whole set again; or drop what was not found with --override-guard "why".'


@dataclass(frozen=True, slots=True)
class Held:
    """The records that the set before holds, and that this one can neither send as they are nor call gone."""

    #: The last bodies of refused records, to be sent in their place.
    kept: Batch
    #: Refused records that a person has agreed to drop.
    dropped: Sequence[str] = ()
    #: The number of records that leave although nobody knows that they are gone, with those that were not found.
    lost: int = 0
    #: Why the set cannot take the place of the one before, if it cannot.
    flaw: str | None = None
    #: Those of `kept` that were rejected, and not just withheld for a value that they lack.
    kept_rejected: int = 0

    def note(self, before: SetBefore, report: DestinationReport) -> None:
        """Put them into the report: the set is about to take its place."""
        report.kept_last.extend(self.kept.ids)
        report.kept_rejected = self.kept_rejected
        report.dropped.extend([*self.dropped, *before.doubtful.ids])
        report.dropped.count = self.lost


async def held_back(before: SetBefore, terms: Terms, report: DestinationReport) -> Held:
    """Decide about what was found in the set before (`note_gone`)."""
    refused = sorted(before.refused)
    bodies = await before.last_bodies(refused) if terms.keep_last else {}
    kept = Batch(
        await before.written(list(bodies)),
        list(bodies.values()),
        [NOWHERE] * len(bodies),
        keys=[before.refused_key(each) for each in bodies],
    )
    kept_rejected = sum(not before.lacks_a_value(each) for each in bodies)
    rest = await before.written([each for each in refused if each not in bodies])
    as_gone = before.refused_as_gone
    if terms.override is not None:
        dropped = [*rest, *as_gone]
        return Held(kept, dropped, len(dropped) + before.doubtful.count, kept_rejected=kept_rejected)
    flaw = None
    if rest or as_gone:
        flaw = " ".join(filter(None, [_blocked(rest, terms), _blocked_as_gone(as_gone, terms)]))
    elif before.why_doubtful is not None:
        flaw = f"{before.why_doubtful}. {UNREADABLE}"
    else:
        flaw = terms.too_many_rejected(report.tally.status[Status.REJECTED], kept_rejected)
    return Held(kept, flaw=flaw, kept_rejected=kept_rejected)


def left_as_it_is(flaw: str | None, *, foretold: bool = False) -> str | None:
    """A sentence about a set that removes nothing by itself, if nothing of it may be ended for this flaw."""
    return f"What is gone {'would be' if foretold else 'is'} left as it is: {flaw}" if flaw is not None else None


def nothing_gone(before: SetBefore) -> str | None:
    """A sentence about a set that removes nothing by itself, if nothing of it may be ended."""
    why = before.why_doubtful
    return f"Nothing counts as gone: {why}. Correct it, and push the whole set again." if why is not None else None


def _blocked(ids: Sequence[str], terms: Terms) -> str | None:
    if not ids:
        return None
    why = ", and their last bodies are not known" if terms.keep_last else ""
    return f"{records(len(ids))} refused that the set before holds{why}: {listing(ids, NAMED)}. {WAYS}"


def _blocked_as_gone(ids: Sequence[str], terms: Terms) -> str | None:
    """Refused records that had left: the last body says that they are gone, so it cannot stand in their place."""
    if not ids:
        return None
    why = ", and their last bodies say so, which keep_last does not send" if terms.keep_last else ""
    return f"{records(len(ids))} refused that the set before has as gone{why}: {listing(ids, NAMED)}. {OF_GONE}"
