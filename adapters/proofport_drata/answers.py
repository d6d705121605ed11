"""Drata's answers. A status becomes the error that says what to do, and keeps the vendor's own words."""

from __future__ import annotations

from typing import Any

from proofport.accounting import CONFIRMED, Outcome, unknown
from proofport.errors import Blocked, ConfigError, Problem, Retryable, TooLarge, UsageError
from proofport.wire import Reply

LIST_CONNECTIONS = "Custom Connections Management: List Custom Connections"
CREATE_CONNECTION = "Custom Connections Management: Create Custom Connection"
UPDATE_CONNECTION = "Custom Connections Management: Update Custom Connection"
DELETE_CONNECTION = "Custom Connections Management: Delete Custom Connection"
CREATE_DATA = "Custom Connections Data: Create Custom Connection Data"
UPDATE_DATA = "Custom Connections Data: Create and Update Custom Connection Data"
DELETE_DATA = "Custom Connections Data: Delete Custom Connection Data"
LIST_DEVICES = "Devices: List Devices"
CREATE_DEVICE = "Devices: Create Device"
DELETE_DEVICE = "Devices: Delete Device"
LIST_IDENTITIES = "HRIS User Identities: List"
GET_IDENTITY = "HRIS User Identities: Get"
WRITE_IDENTITIES = "HRIS User Identities: Create or Update"
DELETE_IDENTITY = "HRIS User Identities: Delete"
LIST_MANAGED = "Connections: List Connections"
IMPORT_PERSONNEL = "Personnel: Import Personnel"
"""Permissions of a key, as the product shows them (the vendor's OpenAPI v1 and v2, `x-permission`)."""

CHECK_OBJECTS = "Check connection_id and resource_id in `objects`, and the region; `proofport doctor` reads them."
CHECK_PARAMETERS = (
    "Check the ids and addresses that were given, and the region; the list operations show what there is."
)

KEY_CODES = {
    26430: "No key reached Drata: look for a proxy that takes the Authorization header away.",
    12310: "Drata does not know this key: it may be of another region, or deleted.",
    10000: "The key may be revoked, expired, short of a scope, or not allowed from this address.",
}
"""The meaning of the codes of a 401 (api-evangelist/drata, errors/drata-problem-types.yml; drata-rv/tenable)."""
OTHER_KEY = "Check api_key: it may be revoked, expired, of another region, or not allowed from this address."


def vendor_words(reply: Reply) -> str:
    """Message and code of either error envelope, or the status where the body is something else."""
    body = reply.json()
    if not isinstance(body, dict) or not isinstance(body.get("message"), str):
        return f"HTTP {reply.status}"
    code = body.get("code")
    return f"{body['message']} (HTTP {reply.status}" + (f", code {code})" if code is not None else ")")


def expect_ok(reply: Reply, asked: str, permission: str, *, missing: str = CHECK_OBJECTS) -> Any:
    """The decoded body of a success.

    `asked` finishes the sentence "Drata refused to …". `missing` is the hint of a 404. Raises Blocked (401, 402, 403,
    412), ConfigError (404, a redirect), TooLarge (413) or UsageError (any other status). The engine handles 408, 429
    and 5xx: they do not come here.
    """
    if reply.ok:
        return reply.json()
    words = vendor_words(reply)
    refusal = f"Drata refused to {asked}: {words}"
    match reply.status:
        case 401 | 402 | 403 | 412:
            raise Blocked(refusal, hint=_who_must_act(reply, permission))
        case 404:
            raise ConfigError(refusal, hint=missing)
        case 413:
            raise TooLarge(refusal)
        case status if 300 <= status < 400:
            raise ConfigError(f"Drata answered with a redirect: {words}", hint="Check region or base_url.")
        case status:
            raise UsageError(refusal, hint=FINAL.get(status, FINAL[400]))


FINAL = {
    400: "Sending the same again gives the same answer: change what is sent.",
    409: "Another program is at work on the same resource: let it finish, or let one program write there.",
    422: "The session's state does not allow this; `proofport call DEST list_sessions …` shows it.",
}
"""Hints for the statuses that a repetition does not change."""


def _who_must_act(reply: Reply, permission: str) -> str:
    if reply.status == 401:
        body = reply.json()
        code = body.get("code") if isinstance(body, dict) else None
        why = KEY_CODES.get(code, OTHER_KEY) if isinstance(code, int) else OTHER_KEY
        return f"{why} Keys are made in Drata under Settings, API Keys."
    return {
        402: "The Drata plan lacks “Custom Connections and Tests”, which Advanced and Enterprise have: ask whoever "
        "manages the subscription.",
        403: f"Give the API key the permission “{permission}”, in Drata under Settings, API Keys.",
        412: "An administrator must accept Drata's API terms first, in the web application where API keys are made.",
    }[reply.status]


def refused(reply: Reply, expected: str, hint: str | None = None) -> Problem:
    """The problem of a record whose request was refused."""
    return Problem(
        found=f"an answer with status {reply.status}", expected=expected, hint=hint, vendor_message=vendor_words(reply)
    )


DELETED = 204
"""The one answer to a deletion that Drata documents (OpenAPI v2)."""


def not_answered(reply: Reply, expected: str) -> Outcome:
    """The outcome of a record whose request reads as a success, by an answer that is not about it."""
    found = f"an answer with status {reply.status} that is not about this record"
    return unknown("no_verdict", Problem(found, expected, vendor_message=vendor_words(reply)))


def deleted(reply: Reply, asked: str, permission: str) -> Outcome:
    """The outcome of a deletion. `asked` and `permission`: see `expect_ok`."""
    expect_ok(reply, asked, permission)
    return CONFIRMED if reply.status == DELETED else not_answered(reply, "status 204")


def malformed(what: str) -> Retryable:
    """The error for an answer that is not as Drata documents it. Going on could lose records, so the run does not."""
    return Retryable(f"Drata's answer cannot be relied on: {what}")
