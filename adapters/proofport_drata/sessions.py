"""Sessions: a whole set of records is staged, invisible, then replaces the live set in one step.

Only one session may be open on a resource, and an abandoned one blocks all later ones. Completing is final: the records
of the session before and every record that was uploaded directly are deleted (Drata's recipe “Work with Custom
Connections”).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from proofport.accounting import Outcome
from proofport.adapter import Batch, Flow
from proofport.errors import Blocked, OutcomeUnknown, UsageError
from proofport.wire import Call, Reply
from proofport_drata.answers import CREATE_DATA, expect_ok, malformed, vendor_words
from proofport_drata.paging import DrataList
from proofport_drata.records import outcomes_of, upload

_SESSION_ID = re.compile(r"[A-Za-z0-9_-]{3,64}")
_ATTEMPTS = 3
"""Requests of `complete` and `cancel`, as long as the answer says nothing and the session is still open."""


def own_prefix(instance: str) -> str:
    """The beginning of the ids of all sessions of one proofport instance."""
    return f"pp-{hashlib.sha256(instance.encode()).hexdigest()[:8]}-"


def session_id(instance: str, run_id: str) -> str:
    """An id that was never used before: one that is ACTIVE, CANCELED or ARCHIVED is refused (assumed)."""
    session = own_prefix(instance) + run_id
    if not _SESSION_ID.fullmatch(session):
        raise UsageError(
            f"the run id {run_id!r} cannot name a Drata session",
            hint="Drata takes 3 to 64 letters, digits, - and _; twelve characters go to proofport's prefix.",
        )
    return session


def spelled(status: str) -> str:
    """One spelling of the cancelled state: the recipe writes CANCELLED, the OpenAPI and production CANCELED."""
    return "CANCELED" if status == "CANCELLED" else status


def statuses(resource: str) -> Flow[dict[str, str]]:
    """The status of every session, by its session id.

    The short numeric `id` of a row is no session id, and the vendor ignores the filter of its list (both observed:
    speakeasy-api/gram, drata.go). So the filter is not used.
    """
    found: dict[str, str] = {}
    for row in (yield from DrataList("list_sessions", f"{resource}/sessions").rows()):
        session, status = row.get("sessionId"), row.get("status")
        if not isinstance(session, str) or not isinstance(status, str):
            raise malformed("list_sessions gave a session without sessionId or status")
        found[session] = spelled(status)
    return found


def open_sessions(resource: str) -> Flow[list[str]]:
    found = yield from statuses(resource)
    return [session for session, status in found.items() if status == "IN_PROGRESS"]


def begin(resource: str, instance: str, run_id: str, earlier: object) -> Flow[str]:
    """Choose the session of a run, and leave no other one open. `earlier` is the session of a run that is resumed.

    It is kept, unless somebody cancelled it meanwhile, as a direct write does: then another one takes its place. So it
    does when the list lacks it. Drata may not know it, and would open it anew, without the records that it held; or the
    list may be cut short, so it is cancelled.
    """
    session = session_id(instance, run_id)
    found = yield from statuses(resource)
    if isinstance(earlier, str) and earlier.startswith(session):
        if earlier not in found:
            yield from cancel(resource, earlier)
        if found.get(earlier, "CANCELED") == "CANCELED":
            used = int(earlier.removeprefix(f"{session}-")) if earlier != session else 1
            new = (f"{session}-{number}" for number in count(used + 1))
            session = next(each for each in new if each not in found)
        else:
            session = earlier
    yield from _end_open(resource, instance, found, keep=session)
    return session


def end_stale(resource: str, instance: str) -> Flow[None]:
    """Leave no session open. Direct writes need this, too: Drata does not publish whether they survive while one is."""
    yield from _end_open(resource, instance, (yield from statuses(resource)))


def _end_open(resource: str, instance: str, found: Mapping[str, str], keep: str | None = None) -> Flow[None]:
    """Cancel the sessions of earlier runs of ours. Raises Blocked for another program's."""
    is_open = [session for session, status in found.items() if status == "IN_PROGRESS" and session != keep]
    foreign = [session for session in is_open if not session.startswith(own_prefix(instance))]
    if foreign:
        raise Blocked(
            f"another program has an open session on this Drata resource: {', '.join(foreign)}",
            hint="Let it finish, or cancel that session if its program is gone; Drata allows one at a time. "
            "If it is a proofport with another `instance:`, give each its own resource.",
        )
    for stale in is_open:
        yield from cancel(resource, stale)


def stage(resource: str, session: str, batch: Batch) -> Flow[list[Outcome]]:
    """Add a batch to the session. The first one opens it."""
    reply = yield from upload("stage_records", f"{resource}/sessions/{session}", batch)
    refuse_ended(reply, session)
    return outcomes_of(reply, batch.ids)


def refuse_ended(reply: Reply, session: str) -> None:
    """Raise Blocked for an answer to an upload that is about the session.

    Neither status is declared: 409 is assumed for a second open session, 422 for one that is no longer open.
    """
    if reply.status in (409, 422):
        raise Blocked(
            f"Drata refused records for the session {session}: {vendor_words(reply)}",
            hint="Another program opened or ended a session on this resource meanwhile: let one program write to it, "
            "then push again.",
        )


def complete(resource: str, session: str) -> Flow[None]:
    """Make the staged set the live one. Unless the answer says that it is, the list of sessions is asked."""
    for _ in range(_ATTEMPTS):
        doubt = yield from _act(resource, session, "complete", "ACTIVE", (409, 422))
        if doubt is None:
            return
        status = (yield from statuses(resource)).get(session)
        if status == "ACTIVE":
            return
        if status != "IN_PROGRESS" or doubt.refused:
            raise Blocked(
                f"the Drata session {session} was not completed: {doubt.words}; it is {status or 'not listed'}",
                hint="Let one program write to this resource, then push again. The earlier records are still live, "
                "unless another program completed a session of its own.",
            )
    raise malformed(f"it says nothing about completing the session {session}, which is still open")


def cancel(resource: str, session: str) -> Flow[None]:
    """Drop an open session and its records. Unless the answer says that it is cancelled, the list of sessions is asked.

    A list that lacks the session is believed only beside a refusal: it may be cut short. Drata does not publish its
    answer for a session that is not open.
    """
    for _ in range(_ATTEMPTS):
        doubt = yield from _act(resource, session, "cancel", "CANCELED", (404, 409, 422))
        if doubt is None:
            return
        status = (yield from statuses(resource)).get(session)
        if status != "IN_PROGRESS" and (status is not None or doubt.refused):
            return
    raise malformed(f"it says nothing about cancelling the session {session}; the next push cancels it first")


@dataclass(frozen=True, slots=True)
class _Doubt:
    """The reason why it is not known what became of a session."""

    words: str
    refused: bool = False  #: Drata refused the action: the session is unknown, or in another state.


def _act(resource: str, session: str, action: str, makes: str, refusals: Sequence[int]) -> Flow[_Doubt | None]:
    """Complete or cancel a session. None: the answer names the session, in the state that the action makes."""
    path, body = f"{resource}/sessions/{session}/actions", f'{{"action":"{action}"}}'.encode()
    destructive = action == "complete"
    try:
        reply = yield Call(f"{action}_session", "POST", path, body=body, lost="ask", destructive=destructive)
    except OutcomeUnknown:
        return _Doubt("its answer was lost")
    if reply.status in refusals:
        return _Doubt(vendor_words(reply), refused=True)
    answer = expect_ok(reply, f"{action} the session", CREATE_DATA)
    said = (answer.get("sessionId"), spelled(str(answer.get("status")))) if isinstance(answer, dict) else None
    return None if said == (session, makes) else _Doubt(f"{vendor_words(reply)} says nothing about it")


def cancel_if_open(resource: str, session: str) -> Flow[None]:
    """Look before cancelling. A session that is not listed is cancelled, too: the list may be cut short."""
    if (yield from statuses(resource)).get(session) in (None, "IN_PROGRESS"):
        yield from cancel(resource, session)
