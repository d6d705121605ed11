"""People of an HRIS connection: up to a thousand in a request, with a separation date that Drata writes only once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import quote

from proofport.accounting import CONFIRMED, NOT_HELD, UNCHANGED, Outcome, Status, rejected, unknown
from proofport.adapter import Batch, Body, Ends, Flow, Job, Limits, Lists, Matches, Memory, Mode, Observed, Page
from proofport.errors import Problem
from proofport.evidence.base import format_timestamp
from proofport.wire import Call
from proofport_drata import bodies
from proofport_drata.answers import GET_IDENTITY, LIST_IDENTITIES, WRITE_IDENTITIES, expect_ok, malformed, refused
from proofport_drata.connections import CONNECTIONS
from proofport_drata.paging import DrataList
from proofport_drata.resource import MAX_BYTES, DrataConnection

MAX_PEOPLE = 1000
"""The largest array of an upload (OpenAPI v2, `hris-user-identities`)."""

FEW = 20
"""Up to this number, people are read one by one. For more, reading the list takes fewer requests."""

NOT_READ_BACK = {"id", "createdAt", "updatedAt"}

Result = tuple[Outcome, dict[str, Any] | None]
"""The outcome of a person, and the stored row where the answer holds it."""


class HrisPeople(DrataConnection, Ends, Lists, Matches):
    provider = "HRIS"
    things = "people"
    suffix = "identities"
    ends: Literal["always"] = "always"

    def limits(self, mode: Mode) -> Limits:
        self.settings.connection(self.kind)
        return Limits(MAX_PEOPLE, MAX_BYTES)

    def body(self, mode: Mode) -> Body:
        return bodies.hris_person(mode)

    def send(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        if job.mode == "remove":
            return (yield from self._separate(job, batch, _named_dates(batch)))
        results = yield from self._post(batch.ids, batch.bodies)
        outcomes = [outcome for outcome, _ in results]
        late = yield from self._ignored_dates(batch, results)
        if late:
            corrected = yield from self._correct(late)
            outcomes = [corrected.get(person, found) for person, found in zip(batch.ids, outcomes, strict=True)]
        return outcomes

    def end(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        return (yield from self._separate(job, batch, {}))

    def matched_on(self, body: bytes) -> Sequence[tuple[str, str]]:
        """The address finds a Drata user at sync (OpenAPI v2), so two people with one address would be one user.

        Drata does not publish how it compares, so case and blanks do not count (assumed).
        """
        address = (json.loads(body).get("email") or "").strip().casefold()
        return [("email", address)] if "@" in address else []

    def page(self, cursor: str | None) -> Flow[Page]:
        return (yield from self.listing.observed(cursor, "identityId", _observed))

    @property
    def _path(self) -> str:
        return f"{CONNECTIONS}/{self.connection}/hris-user-identities"

    @property
    def listing(self) -> DrataList:
        return DrataList("list_hris_identities", self._path, LIST_IDENTITIES)

    # ------------------------------------------------------------------ writing
    def _separate(self, job: Job, batch: Batch, named: Mapping[str, str]) -> Flow[list[Outcome]]:
        """Give a separation date to those who still work here.

        It is the date of the removal, else the time when the source looked, else the time when the run began. Somebody
        who has left keeps the date, unless the removal names another one. DELETE is never used: the vendor has it for
        rows that were sent by mistake.
        """
        held = yield from self._held(batch.ids)
        days = {person: named.get(person) or _day(job, batch, index) for index, person in enumerate(batch.ids)}
        leaving = [person for person in batch.ids if person in held and held[person] is None]
        written = yield from self._post(leaving, [_date(each, days[each]) for each in leaving], destructive=True)
        ends = {person: _dated(*result, days[person]) for person, result in zip(leaving, written, strict=True)}
        late = {each: named[each] for each in named if held.get(each) and not _same_time(held[each], named[each])}
        ends |= (yield from self._correct(late)) if late else {}
        return [ends.get(person, UNCHANGED if person in held else NOT_HELD) for person in batch.ids]

    def _post(self, ids: Sequence[str], people: Sequence[bytes], *, destructive: bool = False) -> Flow[list[Result]]:
        if not ids:
            return []
        body = b"[" + b",".join(people) + b"]"
        reply = yield Call("upsert_hris_identities", "POST", self._path, body=body, destructive=destructive)
        if reply.status == 400:
            return [(rejected(refused(reply, "a list of people that Drata accepts")), None)] * len(ids)
        return verdicts(expect_ok(reply, "store people", WRITE_IDENTITIES), ids)

    def _ignored_dates(self, batch: Batch, results: Sequence[Result]) -> Flow[dict[str, str]]:
        """The separation dates that were sent and are not stored, because another date was written before.

        Drata also answers "nothing changed" when it ignored a new date, so those people are read back.
        """
        wanted = {
            person: date
            for person, body, (outcome, _) in zip(batch.ids, batch.bodies, results, strict=True)
            if outcome.status in (Status.DELIVERED, Status.UNCHANGED) and (date := _separation(body)) is not None
        }
        stored = {person: row.get("separatedAt") for person, (_, row) in zip(batch.ids, results, strict=True) if row}
        silent = [person for person in wanted if person not in stored]
        stored |= yield from self._held(silent)
        return {person: date for person, date in wanted.items() if not _same_time(stored.get(person), date)}

    def _correct(self, late: Mapping[str, str]) -> Flow[dict[str, Outcome]]:
        """Clear the old date, then write the new one, in two requests in this order (OpenAPI v2)."""
        people = list(late)
        cleared = yield from self._post(people, [_date(person, None) for person in people])
        outcomes = {person: outcome for person, (outcome, _) in zip(people, cleared, strict=True)}
        good = [person for person in people if outcomes[person].status in (Status.DELIVERED, Status.UNCHANGED)]
        written = yield from self._post(good, [_date(person, late[person]) for person in good])
        return outcomes | {person: _dated(*result, late[person]) for person, result in zip(good, written, strict=True)}

    # ------------------------------------------------------------------ reading
    def _held(self, people: Sequence[str]) -> Flow[dict[str, str | None]]:
        """The separation date of those of `people` that the connection holds. Whom a list lacks is asked for alone."""
        held: dict[str, str | None] = {}
        if len(people) > FEW:
            wanted = set(people)
            rows = yield from self.listing.rows()
            held = {row["identityId"]: row.get("separatedAt") for row in rows if row.get("identityId") in wanted}
        for person in people:
            if person in held:
                continue
            # A colon after identity-id stays as the vendor writes it.
            path = f"{self._path}/identity-id:{quote(person, safe='', errors='replace')}"
            reply = yield Call("get_hris_identity", "GET", path)
            if reply.status != 404:
                expect_ok(reply, "read a person", GET_IDENTITY)
                row = reply.expect(dict, "identityId", "separatedAt", of="get_hris_identity")
                if row["identityId"] != person:
                    raise malformed("get_hris_identity gave another person")
                held[person] = row["separatedAt"]
        return held


_NOT_WRITTEN = unknown(
    "separation_date",
    Problem(
        "another separation date than the one that was sent",
        "the date that was sent",
        field="separatedAt",
        hint="Push this person again; if that does not help, look at the person in Drata.",
    ),
)


def verdicts(answer: Any, ids: Sequence[str]) -> list[Result]:
    """One result for each person. A failed one carries no id, so its position is the only link (OpenAPI v2)."""
    results = answer if isinstance(answer, list) else []
    rows = [result.get("data") if isinstance(result, dict) else None for result in results]
    in_order = len(results) == len(ids) and all(
        row is None or (isinstance(row, dict) and row.get("identityId") == person)
        for row, person in zip(rows, ids, strict=True)
    )
    if in_order:
        return [_verdict(result) for result in results]
    named = {row["identityId"]: (CONFIRMED, row) for row in rows if isinstance(row, dict) and "identityId" in row}
    return [named.get(person, (_SILENT, None)) for person in ids]


_SILENT = unknown("no_verdict", Problem("no result for this person in Drata's answer", "one result per person"))


def _dated(outcome: Outcome, row: Mapping[str, Any] | None, date: str) -> Outcome:
    """The outcome of writing a separation date where there was none: the answer has to show it."""
    if outcome.status is not Status.DELIVERED and outcome != UNCHANGED:
        return outcome
    return outcome if row is not None and _same_time(row.get("separatedAt"), date) else _NOT_WRITTEN


def _verdict(result: Any) -> Result:
    """Status 200 with data null and no error is a success: nothing changed (OpenAPI v2)."""
    if not isinstance(result, dict) or "statusCode" not in result or "data" not in result:
        return _SILENT, None
    error, row, status = result.get("error"), result.get("data"), result["statusCode"]
    if error is not None or (isinstance(status, int) and status >= 400):
        words = error.get("message") if isinstance(error, dict) else error
        problem = Problem(
            "a person whom Drata refuses",
            "one whom it accepts",
            hint="Correct the field that Drata names.",
            vendor_message=str(words) if words else f"status {status} without a message",
        )
        return rejected(problem), None
    if isinstance(row, dict):
        return CONFIRMED, row
    return (UNCHANGED if status == 200 and row is None else _SILENT), None


def _observed(row: Mapping[str, Any]) -> Observed:
    fields = {name: value for name, value in row.items() if name not in NOT_READ_BACK}
    # The vendor returns a time with milliseconds.
    times = {name: time for name in ("startedAt", "separatedAt") if (time := _time(fields.get(name))) is not None}
    fields |= {name: format_timestamp(time) for name, time in times.items()}
    return Observed(row["identityId"], fields, ended=row.get("separatedAt") is not None)


def _date(person: str, date: str | None) -> bytes:
    """The body that changes the separation date alone."""
    return json.dumps({"identityId": person, "separatedAt": date}).encode()


def _named_dates(batch: Batch) -> dict[str, str]:
    """The dates that removals name. A removal is evidence: `id`, and perhaps `separated_at`."""
    dates = {
        person: json.loads(removal).get("separated_at") if removal else None
        for person, removal in zip(batch.ids, batch.bodies, strict=True)
    }
    return {person: date for person, date in dates.items() if isinstance(date, str) and date}


def _separation(body: bytes) -> str | None:
    """The separation date in the body of a person. Decoded only where the field is there and not null."""
    if b'"separatedAt":' not in body or b'"separatedAt":null' in body:
        return None
    date = json.loads(body).get("separatedAt")
    return date if isinstance(date, str) else None


def _time(date: object) -> datetime | None:
    """The time that a text names. None: it names none."""
    try:
        return datetime.fromisoformat(date) if isinstance(date, str) else None
    except ValueError:
        return None


def _same_time(stored: object, wanted: str) -> bool:
    return (time := _time(stored)) is not None and time == _time(wanted)


def _day(job: Job, batch: Batch, index: int) -> str:
    moment = (batch.observed[index] if batch.observed else 0.0) or job.started
    return format_timestamp(datetime.fromtimestamp(moment, UTC).replace(microsecond=0))
