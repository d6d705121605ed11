"""What the emulator claims about Secureframe, where each claim comes from, and which of them can be switched.

Sources are named as in the contract: R1 to R3 the published documents, PROSE their introduction, OBS what others
observed.
"""

from __future__ import annotations

from proofport.testing import Behaviour

DOCUMENTED = (
    Behaviour("authorization", "Authorization: KEY SECRET, one space, no scheme word.", "documented", "R2, R3, OBS"),
    Behaviour(
        "accepted", "A publication is answered 202 without a body and processed later.", "documented", "R1, R2, R3"
    ),
    Behaviour(
        "order", "One connection's publications are processed in the order they came.", "documented", "R1, R2, R3"
    ),
    Behaviour(
        "first_object", "An unknown schema_slug makes a schema from the first object.", "documented", "R1, R2, R3"
    ),
    Behaviour("definition", "Nothing is processed before a person has defined the schema.", "documented", "R1, R2, R3"),
    Behaviour("arrays", "Arrays are ignored, wherever they stand.", "documented", "R1, R2, R3"),
    Behaviour("full", "A full object replaces the resource with its primary ID.", "documented", "R1, R2, R3"),
    Behaviour(
        "partial",
        "Partial: named fields are set, null deletes, others stay; the primary ID is needed.",
        "documented",
        "R1",
    ),
    Behaviour("filterable", "Which fields each list can be filtered and sorted by.", "documented", "R2, R3"),
    Behaviour("active", "An account reads active: true when no value was supplied.", "documented", "R2, R3"),
    Behaviour(
        "completed_at_required",
        "completed_at is required (R1); R2 and R3 only say to set it when completed.",
        "documented",
        "R1 against R2, R3",
        False,
    ),
    Behaviour(
        "cloud_resource_types",
        "The listed types: 182 in R3, 147 in R2.",
        "documented",
        "R2, R3",
        "R3",
        ("R3", "R2"),
    ),
    Behaviour("rate_limit", "Requests a minute and address; the vendor's is 500. 0 = off.", "documented", "PROSE", 0),
)

OBSERVED = (
    Behaviour("unauthorized", '401 says {"message": "Authorization failed"}.', "observed", "OBS"),
    Behaviour("per_page", "per_page above 100 is cut to 100; a page past the end is empty.", "observed", "OBS"),
    Behaviour("relationships", "relationships is always {} and include has no effect.", "observed", "OBS"),
    Behaviour("not_filterable", "Another field in q: 400, <Entity> is not filterable by <field>.", "observed", "OBS"),
    Behaviour("case", "Filter values are compared with their case; a wrong one finds nothing.", "observed", "OBS"),
    Behaviour("meta", "Lists carry meta.total (declared since R3, absent when probed).", "observed", "R3; OBS", False),
)

LATER_OR_KEPT = ("fails", "kept")

ASSUMED = (
    Behaviour(
        "wrong_vendor_slug", "The answer to a wrong vendor_slug.", "assumed", "not published", 400, (400, 403, 404)
    ),
    Behaviour(
        "empty_resource_data", "The answer to an empty resource_data.", "assumed", "not published", 202, (202, 400)
    ),
    Behaviour(
        "before_definition",
        "What is published before the schema is defined is dropped, or held until then.",
        "assumed",
        "not published",
        "dropped",
        ("dropped", "held"),
    ),
    Behaviour(
        "late_fields",
        "A field that the first object did not have joins the schema, or is ignored.",
        "assumed",
        "not published",
        "kept",
        ("kept", "ignored"),
    ),
    Behaviour(
        "unmappable",
        "A missing primary ID or required field, a wrong type or an unlisted value fails after the 202, or is a 400.",
        "assumed",
        "not published",
        "fails_later",
        ("fails_later", "refused"),
    ),
    Behaviour("missing_required", "A missing required field.", "assumed", "not published", "fails", LATER_OR_KEPT),
    Behaviour(
        "wrong_type", "A value of another type than the model's.", "assumed", "not published", "fails", LATER_OR_KEPT
    ),
    Behaviour("unlisted_enum", "A value that is not listed.", "assumed", "not published", "fails", LATER_OR_KEPT),
    Behaviour(
        "null_in_full",
        "null in a full object is stored, or read as absent.",
        "assumed",
        "not published",
        "stored",
        ("stored", "absent"),
    ),
    Behaviour(
        "partial_of_unknown",
        "A partial of an unknown resource.",
        "assumed",
        "not published",
        "fails",
        ("fails", "creates"),
    ),
    Behaviour(
        "partial_nested", "A nested object in a partial.", "assumed", "not published", "replace", ("replace", "merge")
    ),
    Behaviour("retry_after", "A 429 carries Retry-After in seconds.", "assumed", "no header is documented", False),
    Behaviour("duplicate_delivery", "Each publication is processed twice.", "assumed", "no delivery promise", False),
    Behaviour(
        "slow_processing",
        "Milliseconds that each publication takes after its 202.",
        "assumed",
        "no time is promised",
        0,
    ),
    Behaviour(
        "lost_response",
        "Of so many publications one is queued and its answer lost. 0 = none.",
        "assumed",
        "networks do that",
        0,
    ),
    Behaviour("max_body_bytes", "Larger bodies are answered 413. 0 = any.", "assumed", "no limit is published", 0),
    Behaviour("published_id", "third_party_id carries the published primary ID.", "assumed", "not published", True),
    Behaviour(
        "listed_connection",
        "A custom connection is listed under its own ID in integration_connections.",
        "assumed",
        "not published",
        True,
    ),
)

BEHAVIOURS = DOCUMENTED + OBSERVED + ASSUMED
