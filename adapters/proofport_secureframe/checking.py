"""What `doctor` finds about a Secureframe destination."""

from __future__ import annotations

from proofport.adapter import Finding, Flow
from proofport.errors import Blocked, UsageError
from proofport.wire import Call
from proofport_secureframe.answers import refuse
from proofport_secureframe.bodies import MODELS
from proofport_secureframe.reading import HINT_403
from proofport_secureframe.settings import SecureframeObject, SecureframeSettings


def check(settings: SecureframeSettings) -> Flow[list[Finding]]:
    """Whether the key is accepted, and the schemas defined. No call tells whether it may publish, so it only reads."""
    reply = yield Call("list_connections", "GET", "/integration_connections", (("per_page", "1"),))
    if reply.status == 403:
        findings = [Finding(True, "api_key", "accepted, but it may not read", HINT_403)]
    else:
        try:
            if not reply.ok:
                refuse(reply, "list connections", HINT_403)
        except (Blocked, UsageError) as error:
            return [Finding(False, "api_key", error.message, error.hint)]
        findings = [Finding(True, "api_key", "accepted")]
    return findings + [_about(kind, schema) for kind, schema in settings.objects.items()]


def _about(kind: str, schema: SecureframeObject) -> Finding:
    subject = f"objects.{kind}"
    if kind not in MODELS and not kind.startswith("custom:"):
        return Finding(False, subject, f"there is no kind {kind}", f"The kinds are {', '.join(MODELS)}, custom:<type>.")
    if schema.defined:
        return Finding(True, subject, f"schema {schema.schema_slug!r} is configured as defined")
    return Finding(
        False,
        subject,
        f"schema {schema.schema_slug!r} is not configured as defined",
        "Complete Define Schema in Secureframe, then `proofport schema confirm DEST` or `defined: true`.",
    )
