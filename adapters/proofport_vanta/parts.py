"""The resources of a kind: each is replaced by one request, and listed by one call.

Sources: OAS, the vendor's OpenAPI document; GUIDE, its pages; observed: llamalync and speakeasy-api/gram.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from proofport.accounting import ACCEPTED, Outcome, rejected, unknown, withheld
from proofport.adapter import Flow, Walk
from proofport.errors import OutcomeUnknown, Problem, Retryable, UsageError
from proofport.wire import Call
from proofport_vanta.answers import expect_ok, vendor_words
from proofport_vanta.bodies import ID_FIELD
from proofport_vanta.common import has_fraction, looks_like_a_time, whole_seconds
from proofport_vanta.refusals import refusal_of

MAX_RECORDS, MAX_BYTES = 10_000, 10_000_000
"""Of one request (GUIDE). A set cannot be split: each request replaces the one before."""

EMPTY = (
    "Vanta removes no records by id. If all of them are gone, delete the resource in Vanta's developer console, and "
    "take it out of `objects`."
)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rows:
    """A page of a list: the rows that are live, all of them, and where the next page begins. None: this is the last."""

    live: Sequence[Row]
    all: Sequence[Row]
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One resource of the application, which a person has made for one base type."""

    base_type: str
    resource_id: str
    #: The names of the fields that are sent. A row shows others, too.
    fields: frozenset[str]
    #: The own properties that are declared as times. None: what is declared is not known.
    times: frozenset[str] | None = frozenset()
    #: What `platform` says in the bodies of its records. It is not sent. Empty: they do not have it.
    platform: str = ""

    @property
    def path(self) -> str:
        return f"/v1/resources/{self.base_type}"

    @property
    def head(self) -> bytes:
        """The bytes of a request before its records."""
        return b'{"resourceId":%b,"resources":[' % json.dumps(self.resource_id).encode()

    @property
    def room(self) -> int:
        """The bytes of a request that are left for records."""
        return MAX_BYTES - len(self.head) - len(b"]}")

    # ------------------------------------------------------------------ sending
    def put(self, bodies: Sequence[bytes], ids: Sequence[str], counted: int) -> Flow[list[Outcome]]:
        """Replace the resource. Returns the outcomes of the first `counted` records.

        The answer names no record. All of a set, or nothing, is stored (observed). Where no record is counted, none can
        say that the set was not taken: then UsageError or OutcomeUnknown does.
        """
        content = b"%b%b]}" % (self.head, b",".join(bodies))
        reply = yield Call(f"sync_{self.base_type}", "PUT", self.path, body=content, destructive=True)
        if reply.status == 400 and not reply.is_page and counted:
            refusal = refusal_of(reply, ids)
            outcomes = [withheld("set_refused")] * counted
            problem = refusal.problem
            if refusal.place is None:
                return [withheld("set_refused", problem)] * counted
            if refusal.place >= counted:
                found = f"{problem.found}, in {ids[refusal.place]}, which is sent as gone"
                return [withheld("set_refused", replace(problem, found=found))] * counted
            outcomes[refusal.place] = rejected(problem)
            return outcomes
        if reply.status == 400 and not reply.is_page and not bodies:
            words = f"Vanta refuses to empty {self.base_type} {self.resource_id}: {vendor_words(reply)}"
            raise UsageError(words, hint=EMPTY)
        if reply.ok and (doubt := _doubt(reply.json(), len(bodies))):
            problem = Problem(*doubt, vendor_message=vendor_words(reply))
            if not counted:
                raise OutcomeUnknown(
                    f"the set of {self.base_type} {self.resource_id} may not have been taken: {problem}"
                )
            return [unknown("unexpected_answer", problem)] * counted
        expect_ok(reply, f"take the set of {self.base_type} {self.resource_id}")
        return [ACCEPTED] * counted

    # ------------------------------------------------------------------ reading
    def page(self, cursor: str | None = None, *, may_fail: bool = False) -> Flow[Rows]:
        """One page of the list. The list that was seen had no pages (observed); `pageInfo` is assumed.

        `may_fail`: without a usable answer, `OutcomeUnknown` comes here at once.
        """
        query = (("resourceId", self.resource_id), *((("pageCursor", cursor),) if cursor else ()))
        lost = "skip" if may_fail else "repeat"
        reply = yield Call(f"list_{self.base_type}", "GET", self.path, query, lost=lost)  # type: ignore[arg-type]
        answer = expect_ok(reply, f"list {self.base_type} {self.resource_id}")
        rows = answer.get("resources")
        if not isinstance(rows, list) or not all(map(_is_row, rows)):
            raise Retryable(f"Vanta's answer cannot be relied on: the list of {self.base_type} has no rows with ids")
        live = [self._sent(row) for row in rows if row.get("deletedAt") is None]
        return Rows(live, rows, _next_cursor(answer.get("pageInfo"), cursor, self.base_type))

    def live(self, *, may_fail: bool = False) -> Flow[list[Row]]:
        """The rows of all pages."""
        walk, found, cursor = Walk(f"Vanta's list of {self.base_type}"), list[Row](), None
        while True:
            page = yield from self.page(cursor, may_fail=may_fail)
            cursor = page.cursor
            walk.step(page.all, cursor)
            found += page.live
            if cursor is None:
                return found

    def _sent(self, row: Row) -> Row:
        """A row as it was sent: without what Vanta adds to it, and with times in the one spelling."""
        named = {name: value for name, value in row.items() if name in self.fields and value is not None}
        found = {name: _with_times(name, value) for name, value in named.items() if name != "customProperties"}
        own = named.get("customProperties")
        if isinstance(own, dict):
            found["customProperties"] = {name: self._own(name, value) for name, value in own.items()}
        return {"platform": self.platform, **found} if self.platform else found

    def _own(self, name: str, value: Any) -> Any:
        if self.times is None:
            return _seconds(value) if looks_like_a_time(value) and not has_fraction(value) else value
        return _seconds(value) if name in self.times else value

    def shows(self, row: Row, sent: Row) -> bool:
        """True if a live row is what was sent.

        Where it is not known what is declared, a time may be a text, and its fraction is kept; or it is not.
        """
        shown = {name: value for name, value in row.items() if name != "platform"}
        return self._alike(shown) == self._alike(sent)

    def _alike(self, record: Row) -> Row:
        own = record.get("customProperties")
        if self.times is not None or not isinstance(own, dict):
            return record
        cut = {name: _seconds(value) if looks_like_a_time(value) else value for name, value in own.items()}
        return {**record, "customProperties": cut}


def _doubt(answer: Any, sent: int) -> tuple[str, str] | None:
    """The words for what was found and expected, where an answer is none of the two that mean success.

    `success` is the published one (OAS; observed: gram); `results` stands in an older text of the guide.
    """
    if isinstance(answer, dict):
        if answer.get("success") is True and "results" not in answer:
            return None
        counts = answer.get("results")
        if isinstance(counts, dict):
            taken, refused = counts.get("accepted"), counts.get("rejected", 0)
            if (taken, refused) == (sent, 0) and not isinstance(taken, bool) and answer.get("success", True) is True:
                return None
            return f"{taken!r} accepted and {refused!r} rejected of {sent:,} records", "all of the set accepted"
    return "an answer that promises nothing", '{"success": true}'


def _is_row(row: Any) -> bool:
    return isinstance(row, dict) and isinstance(row.get(ID_FIELD), str) and bool(row[ID_FIELD])


def _next_cursor(info: Any, current: str | None, base_type: str) -> str | None:
    if info is None:
        return None
    more = info.get("hasNextPage") if isinstance(info, Mapping) else None
    if more is False:
        return None
    cursor = info.get("endCursor") if isinstance(info, Mapping) else None
    if more is not True or not isinstance(cursor, str) or not cursor or cursor == current:
        raise Retryable(f"Vanta's answer cannot be relied on: a page of {base_type} does not say what comes next")
    return cursor


def _with_times(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_with_times(name, each) for each in value]
    if isinstance(value, dict):
        return {inner: _with_times(inner, each) for inner, each in value.items() if each is not None}
    return _seconds(value) if name.endswith("Timestamp") else value


def _seconds(value: Any) -> Any:
    try:
        return whole_seconds(value) if isinstance(value, str) else value
    except ValueError:
        return value
