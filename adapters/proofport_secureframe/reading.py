"""Reading back: what the vendor lists. It lags behind publishing, by minutes or more; absence proves nothing yet."""

from __future__ import annotations

from proofport.adapter import Finding, Flow, Observed, Page
from proofport.errors import Blocked, ConfigError, Retryable, UsageError
from proofport.wire import Call
from proofport_secureframe.answers import refuse
from proofport_secureframe.settings import SecureframeSettings

PAGE_SIZE = 100
"""Larger pages are cut to 100 without an error (observed)."""

LISTS = {"cloud_resource": "/cloud_resources", "personnel_account": "/user_accounts"}
"""Training records and schemas without a model have no endpoint to read them at (R2, R3)."""

_HINT_403 = "Reading needs a permission of its own; publishing may work all the same."


def page_of(kind: str, vendor_name: str, cursor: str | None) -> Flow[Page]:
    """One page, by number. The end is an empty page: a short one is no proof of it, and `meta` may be missing.

    The id is `third_party_id` (assumed to carry the published id); filter values are case-sensitive.
    """
    number = int(cursor or 1)
    query = (("q", f"vendor_name:{_quoted(vendor_name)}"), ("page", str(number)), ("per_page", str(PAGE_SIZE)))
    reply = yield Call(f"list_{kind}s", "GET", LISTS[kind], query)
    if not reply.ok:
        refuse(reply, f"list {kind}s", _HINT_403)
    answer = reply.json()
    rows = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        raise Retryable(f"Secureframe's answer cannot be relied on: the list of {kind}s has no data")
    attributes = [
        row["attributes"] for row in rows if isinstance(row, dict) and isinstance(row.get("attributes"), dict)
    ]
    records = [Observed(str(a["third_party_id"]), a) for a in attributes if a.get("third_party_id") is not None]
    return Page(records, str(number + 1) if rows else None)


def _quoted(value: str) -> str:
    """A Lucene phrase."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def check(settings: SecureframeSettings) -> Flow[list[Finding]]:
    """What `doctor` prints. No call tells whether a key may publish, so only reading is tried."""
    reply = yield Call("list_connections", "GET", "/integration_connections", (("per_page", "1"),))
    if reply.status == 403:
        findings = [Finding(True, "api_key", "accepted, but it may not read", _HINT_403)]
    else:
        try:
            if not reply.ok:
                refuse(reply, "list connections", _HINT_403)
        except (Blocked, ConfigError, UsageError) as error:
            return [Finding(False, "api_key", error.message, error.hint)]
        findings = [Finding(True, "api_key", "accepted")]
    for kind, schema in settings.objects.items():
        detail = f"schema {schema.schema_slug!r} is {'' if schema.defined else 'not known to be '}defined"
        hint = None if schema.defined else "Complete Define Schema in Secureframe, then set `defined: true`."
        findings.append(Finding(schema.defined, f"objects.{kind}", detail, hint))
    return findings
