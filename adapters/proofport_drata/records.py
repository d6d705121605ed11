"""Records of a CUSTOM resource: uploading with one result for each record, updating, deleting, listing."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

from proofport.accounting import CONFIRMED, NOT_HELD, Outcome, rejected, unknown
from proofport.adapter import Batch, Flow, Observed, Page
from proofport.errors import Problem, Rejected
from proofport.wire import Call, Reply
from proofport_drata.answers import (
    CREATE_DATA,
    DELETE_DATA,
    UPDATE_DATA,
    deleted,
    expect_ok,
    not_answered,
    refused,
)
from proofport_drata.paging import DrataList

SCHEMA_VALIDATION = 28022
"""`code` of a record that the resource's schema refuses (example in the vendor's OpenAPI v2)."""


def upload(operation: str, path: str, batch: Batch) -> Flow[Reply]:
    """POST an array, to the records or to a session. Repeating it converges: matching is on each record's id."""
    return (yield Call(operation, "POST", path, body=b'{"data":[' + b",".join(batch.bodies) + b"]}"))


def outcomes_of(reply: Reply, ids: Sequence[str]) -> list[Outcome]:
    """One outcome for each record of an upload. Raises what `expect_ok` raises."""
    if reply.status == 400:
        return [rejected(refused(reply, "an upload that Drata accepts"))] * len(ids)
    return verdicts(expect_ok(reply, "store records", CREATE_DATA), ids)


def verdicts(answer: Any, ids: Sequence[str]) -> list[Outcome]:
    """One outcome for each record of an upload whose status is a success: the status says nothing about its records.

    A result is a failure if it has `error`. Its `statusCode` is sometimes wrong, and its id may stand in `data.id` only
    (observed: drata-rv/OCI-custom-connection, src/oci_drata/delivery/drata.py). A result is about the record that it
    names. One that names none is about nobody, wherever it stands: any JSON object would look like it.
    """
    found: dict[str, Outcome] = {}
    for result in answer if isinstance(answer, list) else [answer]:
        if not isinstance(result, dict):
            continue
        record, error, status = _id_of(result), result.get("error"), result.get("statusCode")
        if error is not None:
            found[record] = rejected(_problem(error))
        elif not (isinstance(status, int) and status >= 400):
            found.setdefault(record, CONFIRMED)
    nobody = found.pop("", CONFIRMED).problem
    words = nobody.vendor_message if nobody else None
    problem = Problem("no result for this record in Drata's answer", "one result per record", vendor_message=words)
    silent = unknown("no_verdict", problem)
    return [found.get(record, silent) for record in ids]


def _id_of(result: dict[str, Any]) -> str:
    """The id of the record that a result is about. Empty: it names none."""
    data = result.get("data")
    found = (result.get("id"), data.get("id") if isinstance(data, dict) else None)
    return next((str(each) for each in found if type(each) in (str, int)), "")


def _problem(error: Any) -> Problem:
    """The error of a result: `{message, code}` by the vendor's schema, one level deeper in its own example."""
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
    """Field and rule of a message such as `Schema validation failed for data: [{"/path": "must be string"}]`."""
    try:
        (broken, *_) = json.loads(message[message.index("[") :])
        (path, text), *_ = broken.items()
    except (ValueError, AttributeError):
        return None, None
    return path.strip("/").replace("/", ".") or None, str(text)


def segment(text: str, safe: str = "") -> str:
    """An id as one segment of a path. Raises Rejected for an id that no URL can carry."""
    try:
        encoded = quote(text, safe=safe)
    except UnicodeEncodeError:
        encoded = ""
    if encoded in ("", ".", ".."):
        raise Rejected(
            Problem(
                found=repr(text),
                expected="an id that can stand in a URL",
                field="id",
                hint="Drata addresses a single record by its URL; replace the whole set by a snapshot instead.",
            )
        )
    return encoded


def one_by_one(records: str, batch: Batch, write: Callable[[str, str, bytes], Flow[Outcome]]) -> Flow[list[Outcome]]:
    """Write each record of a batch: `write` gets its path, its id and its body."""
    outcomes = []
    for record, body in zip(batch.ids, batch.bodies, strict=True):
        try:
            outcomes.append((yield from write(f"{records}/{segment(record)}", record, body)))
        except Rejected as error:
            outcomes.append(rejected(error.problem))
    return outcomes


def delete(path: str, _: str, body: bytes) -> Flow[Outcome]:
    """Delete a record. 204: done (OpenAPI v2). 404: Drata does not hold it."""
    reply = yield Call("delete_record", "DELETE", path, destructive=True)
    if reply.status == 404:
        return NOT_HELD
    return deleted(reply, "delete a record", DELETE_DATA)


def update(path: str, record: str, body: bytes) -> Flow[Outcome]:
    """Update a record, where the configuration allows the assumption that PUT merges."""
    reply = yield Call("update_record", "PUT", path, body=b'{"data":' + body + b"}")
    if reply.status in (400, 404):
        hint = "Upsert the whole record first." if reply.status == 404 else None
        return rejected(refused(reply, "a record that Drata holds and accepts", hint))
    answer = expect_ok(reply, "update a record", UPDATE_DATA)
    stored = isinstance(answer, dict) and _id_of(answer) == record
    return CONFIRMED if stored else not_answered(reply, "the record as it is stored")


def live(records: str, cursor: str | None) -> Flow[Page]:
    """A page of live records. Without `sessionId` the list holds no staged ones (assumed)."""
    return (yield from DrataList("list_records", records).observed(cursor, "id", _observed))


def _observed(row: dict[str, Any]) -> Observed:
    """A record without a sessionId was uploaded directly. Completing a session deletes it all the same (recipe)."""
    return Observed(row["id"], row.get("attributes") or {}, whole=True, outside=row.get("sessionId") is None)
