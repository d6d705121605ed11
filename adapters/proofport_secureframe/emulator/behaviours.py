"""The behaviours that the emulator imitates, with their sources. A behaviour with more than one reading has a switch.

Sources: R1 to R3 the published documents, PROSE their introduction, OBS an observation of a real client.
"""

from __future__ import annotations

from proofport.testing import assumed, documented, observed

EVERYWHERE = "R1, R2, R3"

BEHAVIOURS = (
    documented("authorization", "Authorization: KEY SECRET, one space, no scheme word.", "R2, R3, OBS"),
    documented("accepted", "A publication is answered 202 without a body and processed later.", EVERYWHERE),
    documented("order", "Publications of one connection are processed in the order in which they came.", EVERYWHERE),
    documented("first_object", "An unknown schema_slug makes a schema from the first object, if any.", EVERYWHERE),
    documented("definition", "Nothing is processed before a person has defined the schema.", EVERYWHERE),
    documented("arrays", "Arrays are ignored at every level.", EVERYWHERE),
    documented("full", "A full object replaces the resource with its primary ID.", EVERYWHERE),
    documented("partial", "Partial: named fields are set, null deletes, others stay; the primary ID is needed.", "R1"),
    documented("field_map", "Define Schema maps fields of any name onto the model's.", "R1"),
    documented(
        "datetimes",
        "A datetime that is not ISO 8601, such as yesterday, fails: R1 prints the format. Nobody saw it refused.",
        "R1: “type: datetime, format: ISO 8601”",
        "fails",
        "kept",
    ),
    documented(
        "lucene",
        "q takes field:value, quotes, escapes, wildcards, ranges, AND, OR, NOT, parentheses. The rest is a 400.",
        "R2, R3: “Lucene query syntax”",
    ),
    documented("filterable", "Which fields each list can be filtered and sorted by.", "R2, R3"),
    documented("active", "An account reads active: true when no value was supplied.", "R2, R3"),
    documented(
        "completed_at_required",
        "Without completed_at a training is not processed (R1 requires it). Off: R2 and R3, “set when completed”.",
        "R1 against R2, R3",
        True,
    ),
    documented("cloud_resource_types", "The listed types: 182 in R3, 147 in R2.", "R2, R3", "R3", "R2"),
    documented("rate_limit", "Requests a minute and address; the vendor's is 500. 0 = off.", "PROSE", 0),
    observed("unauthorized", '401 says {"message": "Authorization failed"}.', "OBS"),
    observed("per_page", "per_page above 100 is cut to 100; a page past the end is empty.", "OBS"),
    observed("relationships", "relationships is always {} and include has no effect.", "OBS"),
    observed("not_filterable", "Another field in q: 400, <Entity> is not filterable by <field>.", "OBS"),
    observed("case", "Filter values are compared with their case; a wrong one finds nothing.", "OBS"),
    observed("meta", "Lists carry meta.total (declared since R3, absent when probed).", "R3; OBS", False),
    assumed("wrong_vendor_slug", "The answer to a wrong vendor_slug.", "not published", 400, 403, 404),
    assumed("empty_resource_data", "The answer to an empty resource_data.", "not published", 202, 400),
    assumed(
        "before_definition",
        "Items that come before the schema is defined are dropped, or held until then.",
        "not published",
        "dropped",
        "held",
    ),
    assumed(
        "late_fields",
        "A field that the first object lacks joins the schema, or is ignored.",
        "not published",
        "kept",
        "ignored",
    ),
    assumed(
        "unmappable",
        "An item that cannot be mapped (see the next three) fails after the 202, or is a 400.",
        "not published",
        "fails_later",
        "refused",
    ),
    assumed("missing_required", "A missing required field.", "not published", "fails", "kept"),
    assumed("wrong_type", "A value of another type than the model's.", "not published", "fails", "kept"),
    assumed(
        "unlisted_enum",
        "A value that is not listed. It fails; so does the example of R1 and R2 (aws_ec2_instance), which R3 corrects.",
        "not published; the lists of R1, R2, R3 against the example of R1, R2",
        "fails",
        "kept",
    ),
    assumed("null_in_full", "null in a full object is stored, or read as absent.", "not published", "stored", "absent"),
    assumed("partial_of_unknown", "A partial of an unknown resource.", "not published", "fails", "creates"),
    assumed("partial_nested", "A nested object in a partial.", "not published", "replace", "merge"),
    assumed("retry_after", "A 429 carries Retry-After in seconds.", "no header is documented", False),
    assumed("duplicate_delivery", "Each publication is processed twice.", "no delivery promise", False),
    assumed("slow_processing", "Milliseconds that each publication takes after its 202.", "no time is promised", 0),
    assumed("lost_response", "The answer to one of this many publications is lost. 0 = none.", "networks do that", 0),
    assumed("max_body_bytes", "Larger bodies are answered 413. 0 = any.", "no limit is published", 0),
    assumed("published_id", "third_party_id carries the published primary ID.", "not published", True),
    assumed("listed_connection", "integration_connections has it under its own ID.", "not published", True),
)
