"""What `doctor` finds about a Secureframe destination."""

from __future__ import annotations

from proofport.adapter import Finding, Flow
from proofport.errors import Blocked, UsageError
from proofport.wire import Call
from proofport_secureframe.answers import refuse
from proofport_secureframe.bodies import MODELS
from proofport_secureframe.reading import HINT_403
from proofport_secureframe.settings import SecureframeSettings


def check(settings: SecureframeSettings) -> Flow[list[Finding]]:
    """Whether the key is accepted. No call tells whether it may publish, so it only reads."""
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
    unknown = (kind for kind in settings.objects if kind not in MODELS and not kind.startswith("custom:"))
    return findings + [_no_kind(kind) for kind in unknown]


def _no_kind(kind: str) -> Finding:
    known = f"The kinds are {', '.join(MODELS)}, custom:<type>."
    return Finding(False, f"objects.{kind}", f"there is no kind {kind}", known)
