"""What the emulator claims about Drata, where each claim comes from, and which of them can be switched.

Sources are named as in the contract: R the recipe, V1 and V2 the published OpenAPI documents, H1 and H2 the help
articles, O-n what a real client observed.
"""

from __future__ import annotations

from proofport.testing import Behaviour

DOCUMENTED = (
    Behaviour("bearer_key", "Authorization: Bearer KEY, one opaque key.", "documented", "V2"),
    Behaviour(
        "access",
        "What the tenant grants a good key: all, or a refusal of everything: 401 (the key has expired), 402 (the plan "
        "lacks the feature), 403 (the key lacks the permission) or 412 (the API terms are not accepted).",
        "documented",
        "V2",
        "granted",
        ("granted", "expired", "plan", "permission", "terms"),
    ),
    Behaviour(
        "paging",
        "v2 lists take cursor and size (1 to 500, default 50); a null cursor ends them; the total comes on the first "
        "page, on request.",
        "documented",
        "V2",
    ),
    Behaviour(
        "two_envelopes", "400, 404, 413, 422, 503 carry a name; 401, 402, 403, 412, 500 do not.", "documented", "V2"
    ),
    Behaviour(
        "create_rules",
        "CUSTOM needs workspaceIds, displayNameKey and one of schema and sampleData; MDM and HRIS refuse all four.",
        "documented",
        "R",
    ),
    Behaviour("alias", "name comes back as clientAlias; displayNameKey and workspaceIds never do.", "documented", "V2"),
    Behaviour("mutable_fields", "Only clientAlias and description can change.", "documented", "R"),
    Behaviour("delete_connection", "Deleting a connection removes its records.", "documented", "R"),
    Behaviour("expand", "The resource id is read with expand[]=customResources.", "documented", "R, V2"),
    Behaviour("upsert_key", "A record is matched on its own id and never removes another.", "documented", "R"),
    Behaviour("direct_upload", "A direct upload is live at once.", "documented", "R"),
    Behaviour(
        "result_form", "An object is answered by one result, an array by a bare array of results.", "documented", "V2"
    ),
    Behaviour("upload_times", "Upload results give times as 2020-07-06 12:00:00.000000.", "documented", "V2"),
    Behaviour("delete_record", "204, or 404 when the record is unknown.", "documented", "V2"),
    Behaviour("one_open_session", "One session in progress for each connection and resource.", "documented", "R"),
    Behaviour(
        "complete",
        "Completing swaps the dataset: the former session is ARCHIVED, its records and all direct ones are deleted.",
        "documented",
        "R",
    ),
    Behaviour("cancel", "Cancelling deletes what was staged and leaves the live records alone.", "documented", "R"),
    Behaviour(
        "canceled_spelling",
        "The third state is spelled CANCELED by the OpenAPI enum and in production, CANCELLED by the recipe.",
        "documented",
        "V2, O-4; R",
        "CANCELED",
        ("CANCELED", "CANCELLED"),
    ),
    Behaviour(
        "item_error",
        "error is {message, code} by schema and nested once more in the vendor's example.",
        "documented",
        "V2",
        "flat",
        ("flat", "nested"),
    ),
    Behaviour(
        "device_keys",
        "A device is matched on any of serialNumber, macAddress, externalId; one at a time, no update by id.",
        "documented",
        "V2",
    ),
    Behaviour(
        "device_reads",
        "Devices are shown without alias, screenLockEnabled, platformName and platformVersion.",
        "documented",
        "V2",
    ),
    Behaviour("identity_fields", "HRIS: an omitted field stays, null clears it.", "documented", "V2"),
    Behaviour(
        "separated_at",
        "separatedAt is written once: another date is ignored, null clears it, also on a restored row.",
        "documented",
        "V2",
    ),
    Behaviour("identity_unchanged", "An unchanged item answers 200 with data null.", "documented", "V2"),
    Behaviour("identity_status", "201 all created, 200 at least one updated, 207 some failed.", "documented", "V2"),
    Behaviour("identity_delete", "Deleting hides a row until its identityId is posted again.", "documented", "V2"),
    Behaviour("identity_provider", "v1 uploads make and feed an identity provider.", "documented", "V1"),
    Behaviour("rate_limit", "Requests a minute and address; the vendor's is 500. 0 = off.", "documented", "H1", 0),
)

OBSERVED = (
    Behaviour(
        "codes_401", "26430 without a header, 12300 on v1 paths, 12310 unknown, 10000 no Bearer.", "observed", "O-6"
    ),
    Behaviour(
        "failed_item_status",
        "An item that failed carries statusCode 201 beside its error (documented: 400).",
        "observed",
        "O-1; V2",
        201,
        (201, 400),
    ),
    Behaviour("failed_item_has_id", "A failed item carries its id outside data.", "observed", "O-1", False),
    Behaviour(
        "array_upload_status",
        "An array upload is answered 200 (201 is declared too).",
        "observed",
        "O-1",
        200,
        (200, 201),
    ),
    Behaviour("required_default", "Without required, every property of a schema is required.", "observed", "O-2"),
    Behaviour("empty_completion", "Completing a session without records is refused with 422.", "observed", "O-3"),
    Behaviour("status_filter_ignored", "The session list ignores ?status=.", "observed", "O-4", True),
    Behaviour("session_id_rule", "A sessionId outside 3 to 64 characters is answered 400.", "observed", "O-5, R"),
    Behaviour(
        "device_update_status",
        "Updating a device answers 200, though only 201 is declared.",
        "observed",
        "O-7",
        200,
        (200, 201),
    ),
    Behaviour(
        "unknown_owner",
        "A device of an address that is not in `personnel` is answered 404; off, the address is added.",
        "observed",
        "O-7",
        False,
    ),
    Behaviour("retry_after", "A 429 carries Retry-After in seconds.", "observed", "O-7", True),
    Behaviour(
        "max_body_bytes",
        "Larger bodies are answered 413; one client states 5 MB. 0 = any.",
        "observed",
        "O-9",
        5_000_000,
    ),
)

ASSUMED = (
    Behaviour(
        "default_sort_dir", "Lists come in the order of creation.", "assumed", "not published", "ASC", ("ASC", "DESC")
    ),
    Behaviour(
        "delete_unknown_connection",
        "Deleting an unknown connection.",
        "assumed",
        "404 is not declared",
        404,
        (404, 204),
    ),
    Behaviour("mixed_provider_types", "Several provider types at once are taken.", "assumed", "not published", False),
    Behaviour("empty_required_kept", "required: [] is kept, not read as everything.", "assumed", "extends O-2", True),
    Behaviour("sample_data_required", "Every field of sampleData is required.", "assumed", "extends O-2", True),
    Behaviour(
        "upsert_existing",
        "An upsert of a known id replaces the record.",
        "assumed",
        "not published",
        "replace",
        ("replace", "merge"),
    ),
    Behaviour(
        "put_record",
        "PUT merges into the record.",
        "assumed",
        "the recipe sends a subset",
        "merge",
        ("merge", "replace"),
    ),
    Behaviour(
        "record_without_id",
        "A record without an id gets one, as in v1.",
        "assumed",
        "V1; v2 does not say",
        "generate",
        ("generate", "refuse"),
    ),
    Behaviour(
        "mixed_array",
        "Of an array with bad items the good ones are stored.",
        "assumed",
        "from the form of the answer",
        "store_good",
        ("store_good", "store_nothing"),
    ),
    Behaviour(
        "single_failure",
        "One bad record is answered by a result with error, or by 400.",
        "assumed",
        "not published for the single form",
        "item",
        ("item", "400"),
    ),
    Behaviour(
        "list_shows_staged", "The list without sessionId shows staged records.", "assumed", "not published", False
    ),
    Behaviour(
        "staged_records_readable", "The list with sessionId shows staged records.", "assumed", "not published", True
    ),
    Behaviour(
        "direct_upload_joins",
        "A direct upload joins the ACTIVE session (V2), or the one that is open (a reading of R).",
        "assumed",
        "V2 and R differ",
        "active",
        ("active", "open"),
    ),
    Behaviour("second_session", "Opening a second session.", "assumed", "status not published", 409, (409, 422, 400)),
    Behaviour(
        "ended_session_upload", "Uploading to an ended session.", "assumed", "not published", 422, (422, 409, 400)
    ),
    Behaviour(
        "ended_session_action",
        "Completing or cancelling an ended session.",
        "assumed",
        "not published",
        422,
        (422, 400),
    ),
    Behaviour(
        "unknown_session_action",
        "Completing or cancelling an unknown session.",
        "assumed",
        "V2 declares 404",
        404,
        (404, 422),
    ),
    Behaviour("empty_upload_opens_session", "data: [] opens a session.", "assumed", "not published", True),
    Behaviour(
        "device_update",
        "Updating a device keeps what is omitted.",
        "assumed",
        "not published",
        "merge",
        ("merge", "replace"),
    ),
    Behaviour("device_without_key", "A device without a key is created.", "assumed", "not published", True),
    Behaviour(
        "keys_of_two_devices",
        "Keys that belong to different devices: the first is updated, or 400.",
        "assumed",
        "not published",
        "first",
        ("first", "refused"),
    ),
    Behaviour(
        "repeated_identity",
        "Of an identityId that occurs twice in one body all copies fail, or the later ones.",
        "assumed",
        "which copies fail is not published",
        "all",
        ("all", "later"),
    ),
    Behaviour("all_identities_failed", "A body whose items all fail.", "assumed", "not published", 207, (207, 400)),
    Behaviour("restored_identity", "The statusCode of a restored row.", "assumed", "not published", 200, (200, 201)),
    Behaviour(
        "absent_people",
        "People that a v1 update does not list are kept, or removed.",
        "assumed",
        "not published",
        "kept",
        ("kept", "removed"),
    ),
)

BEHAVIOURS = DOCUMENTED + OBSERVED + ASSUMED
