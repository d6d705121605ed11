"""The behaviours that the emulator imitates, with their sources. A behaviour with more than one reading has a switch.

Sources: OAS the published OpenAPI document, REF, GUIDE, AUTH, PRIV and FAQ the published pages, SYNC and GRAM the
observations of two real clients, TOLL, FLEET the code of two others.
"""

from __future__ import annotations

from proofport.testing import assumed, client_only, documented, observed

BEHAVIOURS = (
    documented("bearer_token", "Authorization: Bearer TOKEN, of grant_type client_credentials, with scopes.", "AUTH"),
    documented("one_token", "A new token of an application revokes the one before at once.", "AUTH, SYNC", True),
    documented("token_seconds", "The seconds that a token lives.", "AUTH, PRIV", 3600),
    documented("rate_limit", "Requests a minute and application; the vendor's are 20. 0 = off.", "SYNC; REF", 0),
    documented("mint_limit", "Tokens a minute and application, while rate_limit is on. 0 = any.", "REF", 5),
    documented("full_state", "PUT replaces all of a resource. An empty list empties it.", "OAS, SYNC"),
    documented(
        "answer", '{"success": true}, or the older {"results": {...}}.', "OAS, GRAM; PRIV", "success", "results"
    ),
    documented("seconds", "Fractions of a second are not kept. Off: times come back as they were sent.", "FAQ", True),
    documented(
        "gone_account",
        "A user account that is gone stays listed and shows as deactivated: in `status` too, or in deletedAt alone.",
        "GUIDE",
        "DEACTIVATED",
        "as_sent",
    ),
    documented("max_records", "At most so many resources a request. 0 = any.", "GUIDE", 10_000),
    documented("max_body_bytes", "Larger bodies are answered 413. 0 = any.", "GUIDE", 10_000_000),
    documented(
        "required", "Every property is required, but for the few that are optional at a base type.", "OAS, SYNC"
    ),
    observed("invalid_client", "A wrong secret is a 401 invalid_client.", "SYNC"),
    observed("json_token_request", "A token request in form encoding is refused.", "TOLL"),
    observed("unauthorized", 'A token that is unknown or revoked is a 401 {"error": "unauthorized"}.', "SYNC"),
    observed("wrong_application", "The token of a Manage Vanta application, or a missing scope, is a 403.", "SYNC"),
    observed("unknown_resource", "A resourceId that is not declared is a 404 in JSON.", "SYNC"),
    observed("paths", "The name of the base type works as its path, too: MacosUserComputer.", "SYNC"),
    observed("slugs", "A slug works as resourceId, too.", "SYNC"),
    observed("soft_delete", "What is gone stays listed with deletedAt, the time of the PUT.", "SYNC"),
    observed("atomic", "A set with one violation is refused, and the set before stays.", "SYNC, GRAM"),
    observed(
        "violations",
        "One violation is named, of four sorts: a missing property, another type, a value that is not allowed (those "
        "that are allowed are not listed), too many fields.",
        "SYNC",
    ),
    observed("custom_properties", "Only a custom resource may have customProperties.", "SYNC"),
    observed("owner", "The owner of a computer is any text.", "SYNC"),
    observed(
        "html_errors",
        "A wrong path is a 404 in HTML, a GET with a body a 403 in HTML. Or no error is HTML, or all of them are.",
        "SYNC",
        "some",
        "none",
        "all",
    ),
    observed("page_size", "Rows of a page of a list. 0 = all rows, as seen. Pages are assumed.", "SYNC", 0),
    observed("redirect_to", "The origin that every request is redirected to, as from regional hosts.", "GRAM", ""),
    client_only("retry_after", "A 429 carries Retry-After in seconds.", "SYNC", True),
    client_only("other_members", "Other members of a PUT, such as sourceId, are ignored.", "FLEET", True),
    assumed("resent", "A record that is sent again after it was gone is no longer deleted.", "not published", True),
    assumed("stale_lists", "The number of lists after a PUT that still show the set before.", "not published", 0),
    assumed("duplicate", "A uniqueId twice in a set.", "not published", "refused", "last_wins"),
    assumed("too_many_records", "The status for too many resources.", "not published", 413, 400),
    assumed("form_token_request", "The status for a token request in form encoding.", "not published", 400, 415),
    assumed("mfa_enabled_null", "mfaEnabled may be null.", "one client sends it", False),
    assumed(
        "training_status", "The statuses of a training are INCOMPLETE and COMPLETE, or any.", "GUIDE", "two", "any"
    ),
    assumed("time_form", "The form of times without fractions.", "as in other lists", ".000Z", "Z"),
)
