"""Records of a CUSTOM resource: upsert, update, delete, list, and the verdicts in an upload's answer."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from proofport.accounting import CONFIRMED, Outcome, rejected, unknown
from proofport.adapter import Batch, Flow, Observed, Page
from proofport.errors import Problem, Rejected
from proofport.wire import Call, Reply
from proofport_drata.answers import CREATE_DATA, DELETE_DATA, UPDATE_DATA, expect_ok, malformed, refused
from proofport_drata.paging import one_page

SCHEMA_VALIDATION = 28022
"""`code` of a record that the resource's schema refuses (example in the vendor's OpenAPI v2)."""

ENVELOPE = b'{"data":[', b"]}"


def upload(operation: str, path: str, batch: Batch) -> Call:
    """POST an array, to the records or to a session. Repeating it converges: matching is on each record's id."""
    head, tail = ENVELOPE
    return Call(operation, "POST", path, body=head + b",".join(batch.items) + tail)


def results(reply: Reply, batch: Batch) -> list[Outcome]:
    """One outcome per record of an upload. Raises what `expect_ok` raises."""
    if reply.status == 400:
        return [rejected(refused(reply, "an upload that Drata accepts"))] * len(batch)
    return verdicts(expect_ok(reply, "store records", CREATE_DATA), batch)


def upsert(records: str, batch: Batch) -> Flow[list[Outcome]]:
    """Complete records, live at once."""
    return results((yield upload("upsert_records", records, batch)), batch)


def verdicts(answer: Any, batch: Batch) -> list[Outcome]:
    """One outcome per record of an upload that was answered with success, which says nothing about its items.

    An item failed if and only if it has `error`; its `statusCode` lies, and its id may stand in `data.id` only
    (observed: drata-rv/OCI-custom-connection, src/oci_drata/delivery/drata.py). An item is matched by id, or by
    position where it names none and the answer is as long as the upload.
    """
    items = answer if isinstance(answer, list) else [answer]
    aligned = len(items) == len(batch)
    found: dict[str, Outcome] = {}
    for index, item in enumerate(items):
        if not isinstance(item, dict) or not item:
            continue
        record = _id_of(item) or (batch.ids[index] if aligned else None)
        error = item.get("error")
        if record is not None and (error is not None or record not in found):
            found[record] = CONFIRMED if error is None else rejected(_problem(error))
    silent = unknown("no_verdict", Problem("no result for this record in Drata's answer", "one result per record"))
    return [found.get(record, silent) for record in batch.ids]


def _id_of(item: dict[str, Any]) -> str | None:
    data = item.get("data")
    for candidate in (item.get("id"), data.get("id") if isinstance(data, dict) else None):
        if isinstance(candidate, str):
            return candidate
    return None


def _problem(error: Any) -> Problem:
    """An item's error: `{message, code}` by the vendor's schema, one level deeper in its own example."""
    inner = error.get("error") if isinstance(error, dict) else None
    details = inner if isinstance(inner, dict) else error if isinstance(error, dict) else {"message": str(error)}
    message, code = str(details.get("message") or "no message"), details.get("code")
    words = message if code is None else f"{message} (code {code})"
    if code != SCHEMA_VALIDATION:
        return Problem("a record that Drata refuses", "one that it accepts", vendor_message=words)
    field, rule = _broken_rule(message)
    return Problem(
        found="a record that the schema of the Drata resource refuses",
        expected=rule or "a record that fits it",
        field=field,
        hint="Change the mapping; a schema cannot be changed, another one needs a new connection.",
        vendor_message=words,
    )


def _broken_rule(message: str) -> tuple[str | None, str | None]:
    """Field and rule of `Schema validation failed for data: [{"/path": "text"}]`, where the text is what it seems."""
    try:
        (broken, *_) = json.loads(message[message.index("[") :])
        (path, text), *_ = broken.items()
    except (ValueError, AttributeError):
        return None, None
    return path.strip("/").replace("/", ".") or None, str(text)


def path_of(records: str, record: str) -> str:
    """The path of one record. Raises Rejected for an id that no URL can carry."""
    try:
        encoded = quote(record, safe="")
    except UnicodeEncodeError:
        encoded = ""
    if encoded in ("", ".", ".."):
        raise Rejected(
            Problem(
                found=repr(record),
                expected="an id that can stand in a URL",
                field="id",
                hint="Drata addresses a single record by its URL; replace the whole set by a snapshot instead.",
            )
        )
    return f"{records}/{encoded}"


def remove(records: str, batch: Batch) -> Flow[list[Outcome]]:
    """DELETE one by one; what is gone already is gone."""
    outcomes = []
    for record in batch.ids:
        try:
            path = path_of(records, record)
        except Rejected as error:
            outcomes.append(rejected(error.problem))
            continue
        reply = yield Call("delete_record", "DELETE", path, destructive=True)
        if reply.status != 404:
            expect_ok(reply, "delete a record", DELETE_DATA)
        outcomes.append(CONFIRMED)
    return outcomes


def update(records: str, batch: Batch) -> Flow[list[Outcome]]:
    """PUT one by one; only for those who allow the assumption that it merges."""
    outcomes = []
    for record, item in zip(batch.ids, batch.items, strict=True):
        try:
            path = path_of(records, record)
        except Rejected as error:
            outcomes.append(rejected(error.problem))
            continue
        reply = yield Call("update_record", "PUT", path, body=b'{"data":' + item + b"}")
        if reply.status in (400, 404):
            hint = "Upsert the whole record first." if reply.status == 404 else None
            outcomes.append(rejected(refused(reply, "a record that Drata holds and accepts", hint)))
            continue
        expect_ok(reply, "update a record", UPDATE_DATA)
        outcomes.append(CONFIRMED)
    return outcomes


def live(records: str, cursor: str | None) -> Flow[Page]:
    """A page of live records: without `sessionId` the list holds no staged ones (assumed)."""
    rows, following = yield from one_page("list_records", records, cursor)
    if not all(isinstance(row.get("id"), str) for row in rows):
        raise malformed("list_records gave a record without an id")
    return Page([_observed(row) for row in rows], following)


def _observed(row: dict[str, Any]) -> Observed:
    """Without a sessionId it was uploaded directly, and a completion deletes it all the same (recipe)."""
    return Observed(row["id"], row.get("attributes") or {}, whole=True, outside=row.get("sessionId") is None)
