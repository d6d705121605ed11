"""People of an HRIS connection: up to a thousand at a time, and a leaver's date that is written once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from proofport.accounting import CONFIRMED, UNCHANGED, Outcome, Status, rejected, unknown
from proofport.adapter import Batch, Blueprint, Body, Capability, Finding, Flow, Job, Mode, Observed, Page, Provisioned
from proofport.errors import Problem
from proofport.evidence.base import format_timestamp
from proofport.wire import Call
from proofport_drata import bodies, provisioning
from proofport_drata.answers import GET_IDENTITY, LIST_IDENTITIES, WRITE_IDENTITIES, expect_ok, malformed, refused
from proofport_drata.paging import every_row, one_page
from proofport_drata.room import MAX_BYTES, Room

MAX_ITEMS = 1000
"""The vendor's OpenAPI v2, `hris-user-identities`."""

FEW = 20
"""Up to so many people are read one by one; for more, a look through the list costs fewer requests."""

NOT_READ_BACK = {"id", "createdAt", "updatedAt"}

Result = tuple[Outcome, dict[str, Any] | None]


def identities(connection: int) -> str:
    return f"/public/v2/custom-connections/{connection}/hris-user-identities"


def identity_path(connection: int, identity: str) -> str:
    """The path of one person by the caller's own id. A colon stays as the vendor writes it."""
    return f"{identities(connection)}/identity-id:{quote(identity, safe='', errors='replace')}"


class Identities(Room):
    def lane(self) -> str:
        return f"{self.settings.connection(self.kind)}/identities"

    def capability(self, mode: Mode) -> Capability:
        self.settings.connection(self.kind)
        return Capability(MAX_ITEMS, MAX_BYTES, gone="ended", listed=True, dated=True)

    def body(self, mode: Mode) -> Body:
        return bodies.identity(mode)

    def send(self, job: Job, memory: Mapping[str, Any], batch: Batch) -> Flow[list[Outcome]]:
        if job.mode == "remove":
            return (yield from self.bury(job, memory, batch))
        results = yield from self._post(batch.ids, batch.items)
        outcomes = [outcome for outcome, _ in results]
        late = yield from self._ignored_dates(batch, results)
        if late:
            corrected = yield from self._correct(late)
            outcomes = [corrected.get(person, found) for person, found in zip(batch.ids, outcomes, strict=True)]
        return outcomes

    def bury(self, job: Job, memory: Mapping[str, Any], batch: Batch) -> Flow[list[Outcome]]:
        """Give those who still work here a separation date: the one that the removal names, else when the source had
        looked, or the run began. A date that differs from the one it names is corrected.

        Never DELETE, which the vendor has for rows that were sent by mistake. Who is not there, or has left, stays so.
        """
        held = yield from self._held(batch.ids)
        named = {person: date for person, item in zip(batch.ids, batch.items, strict=True) if (date := _named(item))}
        days = {person: named.get(person) or _day(job, batch, index) for index, person in enumerate(batch.ids)}
        leaving = [person for person in batch.ids if person in held and held[person] is None]
        items = [_item(person, days[person]) for person in leaving]
        written = yield from self._post(leaving, items, destructive=True)
        ends = {person: outcome for person, (outcome, _) in zip(leaving, written, strict=True)}
        late = {each: named[each] for each in named if held.get(each) and not _same_time(held[each], named[each])}
        ends |= (yield from self._correct(late)) if late else {}
        return [ends.get(person, UNCHANGED if person in held else CONFIRMED) for person in batch.ids]

    def observe(self, cursor: str | None) -> Flow[Page]:
        path = identities(self.settings.connection(self.kind))
        rows, following = yield from one_page("list_hris_identities", path, cursor, permission=LIST_IDENTITIES)
        if not all(isinstance(row.get("identityId"), str) for row in rows):
            raise malformed("list_hris_identities gave a person without identityId")
        return Page([_observed(row) for row in rows], following)

    def provision(self, blueprint: Blueprint) -> Flow[Provisioned]:
        return (yield from provisioning.find_or_create_plain(self.settings, self.kind, "HRIS"))

    def check(self) -> Flow[list[Finding]]:
        connection = self.settings.connection(self.kind)
        query = (("size", "1"),)
        yield from one_page(
            "list_hris_identities", identities(connection), None, query=query, permission=LIST_IDENTITIES
        )
        return [Finding(True, f"objects.{self.kind}", f"the people of connection {connection} can be listed")]

    # ------------------------------------------------------------------ writing
    def _post(self, ids: Sequence[str], items: Sequence[bytes], *, destructive: bool = False) -> Flow[list[Result]]:
        """The outcome of each person, and the stored row where the answer holds it."""
        if not ids:
            return []
        body = b"[" + b",".join(items) + b"]"
        path = identities(self.settings.connection(self.kind))
        reply = yield Call("upsert_hris_identities", "POST", path, body=body, destructive=destructive)
        if reply.status == 400:
            return [(rejected(refused(reply, "a list of people that Drata accepts")), None)] * len(ids)
        answer = expect_ok(reply, "store people", WRITE_IDENTITIES)
        return verdicts(answer, ids)

    def _ignored_dates(self, batch: Batch, results: Sequence[Result]) -> Flow[dict[str, str]]:
        """The separation dates that were sent and are not what is stored: another one was written before.

        An answer that nothing changed is also given where the new date alone was ignored, so those are read back.
        """
        wanted = {
            person: date
            for person, item, (outcome, _) in zip(batch.ids, batch.items, results, strict=True)
            if outcome.status in (Status.DELIVERED, Status.UNCHANGED) and (date := _separation(item)) is not None
        }
        stored = {person: row.get("separatedAt") for person, (_, row) in zip(batch.ids, results, strict=True) if row}
        silent = [person for person in wanted if person not in stored]
        stored |= yield from self._held(silent)
        return {person: date for person, date in wanted.items() if not _same_time(stored.get(person), date)}

    def _correct(self, late: Mapping[str, str]) -> Flow[dict[str, Outcome]]:
        """Clear the old date, then write the new one, in two requests in this order (OpenAPI v2)."""
        people = list(late)
        cleared = yield from self._post(people, [_item(person, None) for person in people])
        outcomes = {person: outcome for person, (outcome, _) in zip(people, cleared, strict=True)}
        good = [person for person in people if outcomes[person].status in (Status.DELIVERED, Status.UNCHANGED)]
        written = yield from self._post(good, [_item(person, late[person]) for person in good])
        for person, (outcome, row) in zip(good, written, strict=True):
            stored = row is not None and _same_time(row.get("separatedAt"), late[person])
            confirmed = outcome.status is not Status.DELIVERED or stored
            outcomes[person] = outcome if confirmed and outcome != UNCHANGED else _NOT_WRITTEN
        return outcomes

    # ------------------------------------------------------------------ reading
    def _held(self, people: Sequence[str]) -> Flow[dict[str, str | None]]:
        """The separation date of those of `people` that the connection holds."""
        connection = self.settings.connection(self.kind)
        if len(people) > FEW:
            path, wanted = identities(connection), set(people)
            rows = yield from every_row("list_hris_identities", path, permission=LIST_IDENTITIES)
            return {row["identityId"]: row.get("separatedAt") for row in rows if row.get("identityId") in wanted}
        held = {}
        for person in people:
            reply = yield Call("get_hris_identity", "GET", identity_path(connection, person))
            if reply.status != 404:
                row = expect_ok(reply, "read a person", GET_IDENTITY)
                if not isinstance(row, dict) or "separatedAt" not in row:
                    raise malformed("get_hris_identity gave no person")
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
    """One result per person. A failed item carries no id, so its place is the only link (OpenAPI v2).

    `200` with data null and no error means that nothing changed.
    """
    items = answer if isinstance(answer, list) else []
    rows = [item.get("data") if isinstance(item, dict) else None for item in items]
    in_order = len(items) == len(ids) and all(
        row is None or (isinstance(row, dict) and row.get("identityId") == person)
        for row, person in zip(rows, ids, strict=True)
    )
    if in_order:
        return [_verdict(item) for item in items]
    named = {row["identityId"]: (CONFIRMED, row) for row in rows if isinstance(row, dict) and "identityId" in row}
    return [named.get(person, (_SILENT, None)) for person in ids]


_SILENT = unknown("no_verdict", Problem("no result for this person in Drata's answer", "one result per person"))


def _verdict(item: Any) -> Result:
    if not isinstance(item, dict) or "statusCode" not in item:
        return _SILENT, None
    error, row, status = item.get("error"), item.get("data"), item["statusCode"]
    if error is not None or (isinstance(status, int) and status >= 400):
        words = error.get("message") if isinstance(error, dict) else error
        problem = Problem(
            "a person whom Drata refuses",
            "one whom it accepts",
            hint="Correct the field that Drata names.",
            vendor_message=str(words) if words else f"status {status} without a message",
        )
        return rejected(problem), None
    return (CONFIRMED, row) if isinstance(row, dict) else (UNCHANGED, None)


def _observed(row: Mapping[str, Any]) -> Observed:
    fields = {name: value for name, value in row.items() if name not in NOT_READ_BACK}
    fields |= {name: _canonical(fields[name]) for name in ("startedAt", "separatedAt") if name in fields}
    return Observed(row["identityId"], fields, ended=row.get("separatedAt") is not None)


def _item(person: str, date: str | None) -> bytes:
    return json.dumps({"identityId": person, "separatedAt": date}).encode()


def _named(item: bytes) -> str | None:
    """The date that a removal names; what is gone from a snapshot names none."""
    date = json.loads(item).get("separated_at") if item else None
    return date if isinstance(date, str) else None


def _separation(item: bytes) -> str | None:
    """The separation date of a rendered person. Decoded only where the field is there and not null."""
    if b'"separatedAt":' not in item or b'"separatedAt":null' in item:
        return None
    date = json.loads(item).get("separatedAt")
    return date if isinstance(date, str) else None


def _same_time(stored: object, wanted: str) -> bool:
    try:
        return isinstance(stored, str) and datetime.fromisoformat(stored) == datetime.fromisoformat(wanted)
    except (ValueError, TypeError):
        return False


def _canonical(date: object) -> object:
    """A time as it is sent: the vendor gives it back with milliseconds."""
    try:
        return format_timestamp(datetime.fromisoformat(date)) if isinstance(date, str) else date
    except ValueError:
        return date


def _day(job: Job, batch: Batch, index: int) -> str:
    moment = (batch.observed[index] if batch.observed else 0.0) or job.started
    return format_timestamp(datetime.fromtimestamp(moment, UTC).replace(microsecond=0))
