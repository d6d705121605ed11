"""The behaviours that the emulator imitates, with their sources. Those with more than one reading have a switch.

Sources: R the recipe, V1 and V2 the published OpenAPI documents, H1 and H2 the help articles, O-n an observation of a
real client.
"""

from __future__ import annotations

from functools import partial

from proofport.testing import Behaviour
from proofport.testing.emulator_behaviours import Tag, Value


def _behaviour(tag: Tag, name: str, says: str, source: str, *readings: Value) -> Behaviour:
    """`readings`: the default of the switch, then its other choices. One reading alone: any value of its type."""
    default = readings[0] if readings else None
    return Behaviour(name, says, tag, source, default, readings if len(readings) > 1 else ())


documented = partial(_behaviour, "documented")
observed = partial(_behaviour, "observed")
assumed = partial(_behaviour, "assumed")

BEHAVIOURS = (
    documented("bearer_key", "Authorization: Bearer KEY, one opaque key.", "V2"),
    documented(
        "access",
        "A good key may do everything, or every request is refused: 401 (the key has expired), 402 (the plan lacks "
        "the feature), 403 (the key lacks the permission) or 412 (the API terms are not accepted).",
        "V2",
        "granted",
        "expired",
        "plan",
        "permission",
        "terms",
    ),
    documented(
        "paging",
        "v2 lists take cursor and size (1 to 500, default 50). A null cursor is the end. The first page has the "
        "total, on request.",
        "V2",
    ),
    documented("two_envelopes", "The errors 401, 402, 403, 412, 429, 500 have no name field.", "V2"),
    documented(
        "create_rules",
        "CUSTOM needs workspaceIds, displayNameKey and one of schema and sampleData. MDM and HRIS refuse all four.",
        "R",
    ),
    documented("alias", "name comes back as clientAlias, displayNameKey and workspaceIds do not.", "V2"),
    documented("mutable_fields", "Only clientAlias and description can change.", "R"),
    documented("delete_connection", "Deleting a connection removes its records.", "R"),
    documented("expand", "expand[]=customResources shows the resources of a connection.", "R, V2"),
    documented("upsert_key", "An upsert matches on the record's own id. It removes no other record.", "R"),
    documented("direct_upload", "A record that is uploaded without a session is live at once.", "R"),
    documented("result_form", "An object is answered by one result, an array by a bare array of results.", "V2"),
    documented("upload_times", "Upload results give times as 2020-07-06 12:00:00.000000.", "V2"),
    documented("delete_record", "204, or 404 when the record is unknown.", "V2"),
    documented("one_open_session", "A resource has at most one session in progress.", "R"),
    documented(
        "complete",
        "Completing makes the session's records the live ones. All others are deleted, the former session is ARCHIVED.",
        "R",
    ),
    documented("cancel", "Cancelling deletes the staged records and leaves the live ones alone.", "R"),
    documented(
        "canceled_spelling",
        "A cancelled session is CANCELED in the OpenAPI enum and in production, CANCELLED in the recipe.",
        "V2, O-4; R",
        "CANCELED",
        "CANCELLED",
    ),
    documented(
        "item_error",
        "error is {message, code} in the schema, {error: {message, code}} in the vendor's example.",
        "V2",
        "flat",
        "nested",
    ),
    documented(
        "device_keys",
        "A device is matched on any of serialNumber, macAddress, externalId. One device a request, no update by id.",
        "V2",
    ),
    documented(
        "device_reads", "Devices are shown without alias, screenLockEnabled, platformName and platformVersion.", "V2"
    ),
    documented("identity_fields", "An omitted field of a person stays, null clears it.", "V2"),
    documented(
        "separated_at",
        "separatedAt is written once: another date is ignored until null clears it, also on a restored row.",
        "V2",
    ),
    documented("identity_unchanged", "The result of an unchanged person is 200 with data null.", "V2"),
    documented("identity_status", "201 all created, 200 at least one updated, 207 some failed.", "V2"),
    documented("identity_delete", "Deleting hides a row until its identityId is posted again.", "V2"),
    documented("identity_provider", "v1 uploads make an identity provider, or send people to one.", "V1"),
    documented("rate_limit", "Requests a minute and address; the vendor's is 500. 0 = off.", "H1", 0),
    observed("codes_401", "26430 without a header, 12300 on v1 paths, 12310 unknown, 10000 no Bearer.", "O-6"),
    observed(
        "failed_item_status",
        "The result of a failed record has statusCode 201 beside its error (documented: 400).",
        "O-1; V2",
        201,
        400,
    ),
    observed("failed_item_has_id", "The result of a failed record has its id outside data.", "O-1", False),
    observed("array_upload_status", "An upload of an array is answered 200 (201 is declared, too).", "O-1", 200, 201),
    observed("required_default", "Without required, every property of a schema is required.", "O-2"),
    observed("empty_completion", "Completing a session without records is refused with 422.", "O-3"),
    observed("status_filter_ignored", "The session list ignores ?status=.", "O-4", True),
    observed("session_id_rule", "A sessionId outside 3 to 64 characters is answered 400.", "O-5, R"),
    observed("device_update_status", "Updating a device answers 200, though only 201 is declared.", "O-7", 200, 201),
    observed(
        "unknown_owner",
        "A device of an address that is not in `personnel` is answered 404. Off: the address is added.",
        "O-7",
        False,
    ),
    observed("retry_after", "A 429 carries Retry-After in seconds.", "O-7", True),
    observed("max_body_bytes", "Larger bodies are answered 413. One client states 5 MB. 0 = any.", "O-9", 5_000_000),
    assumed("default_sort_dir", "Lists come in the order of creation.", "not published", "ASC", "DESC"),
    assumed(
        "delete_unknown_connection", "The status of deleting an unknown connection.", "404 is not declared", 404, 204
    ),
    assumed("mixed_provider_types", "A connection may have several provider types.", "not published", False),
    assumed("empty_required_kept", "required: [] is kept. Off: every property is required.", "extends O-2", True),
    assumed("sample_data_required", "Every field of sampleData is required.", "extends O-2", True),
    assumed("upsert_existing", "An upsert of a known id replaces the record.", "not published", "replace", "merge"),
    assumed("put_record", "PUT merges into the record.", "the recipe sends a subset", "merge", "replace"),
    assumed(
        "record_without_id", "A record without an id gets one, as in v1.", "V1; v2 does not say", "generate", "refuse"
    ),
    assumed(
        "mixed_array",
        "The good records of an array with bad ones are stored.",
        "from the form of the answer",
        "store_good",
        "store_nothing",
    ),
    assumed(
        "single_failure",
        "A single bad record is answered by a result with error, or by 400.",
        "not published for the single form",
        "item",
        "400",
    ),
    assumed("list_shows_staged", "The list without sessionId shows staged records.", "not published", False),
    assumed("staged_records_readable", "The list with sessionId shows staged records.", "not published", True),
    assumed(
        "direct_upload_joins",
        "An upload without a session joins the ACTIVE one (V2), or the one in progress (a reading of R).",
        "V2 and R differ",
        "active",
        "open",
    ),
    assumed("second_session", "The status of opening a second session.", "status not published", 409, 422, 400),
    assumed("ended_session_upload", "The status of an upload to an ended session.", "not published", 422, 409, 400),
    assumed(
        "ended_session_action", "The status of completing or cancelling an ended session.", "not published", 422, 400
    ),
    assumed(
        "unknown_session_action",
        "The status of completing or cancelling an unknown session.",
        "V2 declares 404",
        404,
        422,
    ),
    assumed("empty_upload_opens_session", "data: [] opens a session.", "not published", True),
    assumed("device_update", "Updating a device keeps what is omitted.", "not published", "merge", "replace"),
    assumed("device_without_key", "A device without a key is created.", "not published", True),
    assumed(
        "keys_of_two_devices",
        "Keys that belong to different devices: the first device is updated, or 400.",
        "not published",
        "first",
        "refused",
    ),
    assumed(
        "repeated_identity",
        "When an identityId occurs twice in one body, all copies fail, or the later ones.",
        "which copies fail is not published",
        "all",
        "later",
    ),
    assumed("all_identities_failed", "The status of an upload of people that all fail.", "not published", 207, 400),
    assumed("restored_identity", "The statusCode of a restored row.", "not published", 200, 201),
    assumed(
        "absent_people",
        "People that a v1 update does not list are kept, or removed.",
        "not published",
        "kept",
        "removed",
    ),
)
