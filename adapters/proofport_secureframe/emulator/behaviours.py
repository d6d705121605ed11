"""The claims of the emulator about Secureframe, with their sources, and which of them can be switched.

Sources are named as in the contract: R1 to R3 are the published documents, PROSE is their introduction, OBS is what
others observed.
"""

from __future__ import annotations

from proofport.testing import Behaviour

EVERYWHERE = "R1, R2, R3"


def _documented(name: str, says: str, source: str = EVERYWHERE) -> Behaviour:
    return Behaviour(name, says, "documented", source)


def _assumed(name: str, says: str, *values: bool | int | str, source: str = "not published") -> Behaviour:
    """The first value is the default. More than one value: the switch takes only these."""
    return Behaviour(name, says, "assumed", source, values[0], values if len(values) > 1 else ())


DOCUMENTED = (
    _documented("authorization", "Authorization: KEY SECRET, one space, no scheme word.", "R2, R3, OBS"),
    _documented("accepted", "A publication is answered 202 without a body and processed later."),
    _documented("order", "The publications of one connection are processed in the order in which they came."),
    _documented("first_object", "An unknown schema_slug makes a schema from the first object."),
    _documented("definition", "Nothing is processed before a person has defined the schema."),
    _documented("arrays", "Arrays are ignored at every level."),
    _documented("full", "A full object replaces the resource with its primary ID."),
    _documented("partial", "Partial: named fields are set, null deletes, others stay; the primary ID is needed.", "R1"),
    _documented("filterable", "Which fields each list can be filtered and sorted by.", "R2, R3"),
    _documented("active", "An account reads active: true when no value was supplied.", "R2, R3"),
    Behaviour(
        "completed_at_required",
        "completed_at is required (R1); R2 and R3 only say to set it when completed.",
        "documented",
        "R1 against R2, R3",
        False,
    ),
    Behaviour(
        "cloud_resource_types", "The listed types: 182 in R3, 147 in R2.", "documented", "R2, R3", "R3", ("R3", "R2")
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

ASSUMED = (
    _assumed("wrong_vendor_slug", "The answer to a wrong vendor_slug.", 400, 403, 404),
    _assumed("empty_resource_data", "The answer to an empty resource_data.", 202, 400),
    _assumed(
        "before_definition",
        "Items that are published before the schema is defined are dropped, or held until then.",
        "dropped",
        "held",
    ),
    _assumed(
        "late_fields", "A field that the first object did not have joins the schema, or is ignored.", "kept", "ignored"
    ),
    _assumed(
        "unmappable",
        "A missing primary ID or required field, a wrong type or an unlisted value fails after the 202, or is a 400.",
        "fails_later",
        "refused",
    ),
    _assumed("missing_required", "A missing required field.", "fails", "kept"),
    _assumed("wrong_type", "A value of another type than the model's.", "fails", "kept"),
    _assumed("unlisted_enum", "A value that is not listed.", "fails", "kept"),
    _assumed("null_in_full", "null in a full object is stored, or read as absent.", "stored", "absent"),
    _assumed("partial_of_unknown", "A partial of an unknown resource.", "fails", "creates"),
    _assumed("partial_nested", "A nested object in a partial.", "replace", "merge"),
    _assumed("retry_after", "A 429 carries Retry-After in seconds.", False, source="no header is documented"),
    _assumed("duplicate_delivery", "Each publication is processed twice.", False, source="no delivery promise"),
    _assumed(
        "slow_processing", "Milliseconds that each publication takes after its 202.", 0, source="no time is promised"
    ),
    _assumed(
        "lost_response",
        "One of this many publications is queued and its answer is lost. 0 = none.",
        0,
        source="networks do that",
    ),
    _assumed("max_body_bytes", "Larger bodies are answered 413. 0 = any.", 0, source="no limit is published"),
    _assumed("published_id", "third_party_id carries the published primary ID.", True),
    _assumed("listed_connection", "A custom connection is listed under its own ID in integration_connections.", True),
)

BEHAVIOURS = DOCUMENTED + OBSERVED + ASSUMED
