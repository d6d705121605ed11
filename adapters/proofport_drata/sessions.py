"""Sessions: a whole dataset is staged unseen, then takes the place of the live one in one step.

One session may be open per resource, an abandoned one blocks all later ones, and completing is final: the records of
the former session and every record uploaded directly are deleted (Drata's recipe “Work with Custom Connections”).
"""

from __future__ import annotations

import hashlib
import re

from proofport.accounting import Outcome
from proofport.adapter import Batch, Flow
from proofport.errors import Blocked, OutcomeUnknown, UsageError
from proofport.wire import Call, Reply
from proofport_drata.answers import CREATE_DATA, expect_ok, malformed, vendor_words
from proofport_drata.paging import every_row
from proofport_drata.records import results, upload

_SESSION_ID = re.compile(r"[A-Za-z0-9_-]{3,64}")
_ATTEMPTS = 3
"""How often `complete` and `cancel` are sent while the session list shows that they had no effect."""


def own_prefix(instance: str) -> str:
    """What the ids of all sessions of one proofport instance begin with."""
    return f"pp-{hashlib.sha256(instance.encode()).hexdigest()[:8]}-"


def session_id(instance: str, run_id: str) -> str:
    """An id of our own, never used before: an id that is ACTIVE, CANCELED or ARCHIVED is refused (assumed)."""
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
    """Session id to status. The rows' short numeric `id` is no session id; the list's own filter is ignored by the
    vendor (both observed: speakeasy-api/gram, drata.go), so nothing is filtered there."""
    found: dict[str, str] = {}
    for row in (yield from every_row("list_sessions", f"{resource}/sessions")):
        session, status = row.get("sessionId"), row.get("status")
        if not isinstance(session, str) or not isinstance(status, str):
            raise malformed("list_sessions gave a session without sessionId or status")
        found[session] = spelled(status)
    return found


def clear_the_way(resource: str, instance: str, keep: str | None = None) -> Flow[None]:
    """Leave no open session but `keep`: cancel what an earlier run of ours left behind, refuse to touch another's.

    Also before direct writes: whether they survive while a session is open is not published.
    """
    found = yield from statuses(resource)
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
    """Add a batch to the session; the first one opens it."""
    reply = yield upload("stage_records", f"{resource}/sessions/{session}", batch)
    refuse_ended(reply, session)
    return results(reply, batch)


def refuse_ended(reply: Reply, session: str) -> None:
    """Raise Blocked for the answers to an upload that are about the session: 409 and 422, neither of them declared.

    409 is assumed for a second open session, 422 for one that is no longer open.
    """
    if reply.status in (409, 422):
        raise Blocked(
            f"Drata refused records for the session {session}: {vendor_words(reply)}",
            hint="Another program opened or ended a session on this resource meanwhile: let one program write to it, "
            "then push again.",
        )


def complete(resource: str, session: str) -> Flow[None]:
    """Make the staged set the live one. A lost answer is never repeated blindly: the session list tells."""
    path = f"{resource}/sessions/{session}/actions"
    for _ in range(_ATTEMPTS):
        call = Call("complete_session", "POST", path, body=b'{"action":"complete"}', lost="ask", destructive=True)
        reply = yield from _ask_if_lost(call)
        if reply is not None and reply.status != 422:
            expect_ok(reply, "complete the session", CREATE_DATA)
            return
        status = (yield from statuses(resource)).get(session)
        if status == "ACTIVE":
            return
        if status != "IN_PROGRESS" or reply is not None:
            words = vendor_words(reply) if reply is not None else "its answer was lost"
            raise Blocked(
                f"the Drata session {session} was not completed: {words}; it is {status or 'not listed'}",
                hint="Let one program write to this resource, then push again. The earlier records are still live, "
                "unless another program completed a session of its own.",
            )
    raise OutcomeUnknown(f"the answers to completing the Drata session {session} were lost; it is still open")


def cancel(resource: str, session: str) -> Flow[None]:
    """Drop an open session and what it staged. Never sent to a session that is not open: the answer is unpublished."""
    path = f"{resource}/sessions/{session}/actions"
    for _ in range(_ATTEMPTS):
        reply = yield from _ask_if_lost(Call("cancel_session", "POST", path, body=b'{"action":"cancel"}', lost="ask"))
        if reply is not None and reply.status not in (404, 422):
            expect_ok(reply, "cancel the session", CREATE_DATA)
            return
        if (yield from statuses(resource)).get(session) != "IN_PROGRESS":
            return
    raise OutcomeUnknown(
        f"the Drata session {session} could not be cancelled",
        hint="The next push to this resource cancels it first.",
    )


def cancel_if_open(resource: str, session: str) -> Flow[None]:
    """Look before cancelling: a run that sent nothing has opened no session."""
    if (yield from statuses(resource)).get(session) == "IN_PROGRESS":
        yield from cancel(resource, session)


def _ask_if_lost(call: Call) -> Flow[Reply | None]:
    """The reply, or None where the request may have taken effect all the same."""
    try:
        reply = yield call
    except OutcomeUnknown:
        return None
    return None if reply.status >= 500 else reply
