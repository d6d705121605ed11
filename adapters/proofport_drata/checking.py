"""What `doctor` finds about a Drata destination: key, connections, resources, open sessions."""

from __future__ import annotations

from proofport.adapter import Finding, Flow
from proofport.errors import Blocked, UsageError
from proofport_drata.bodies import is_custom_record
from proofport_drata.paging import every_row
from proofport_drata.provisioning import CONNECTIONS, resource_path, resources
from proofport_drata.sessions import statuses
from proofport_drata.settings import DrataObject, DrataSettings


def check(settings: DrataSettings) -> Flow[list[Finding]]:
    try:
        yield from every_row("list_connections", CONNECTIONS)
    except (Blocked, UsageError) as error:
        return [Finding(False, "api_key", error.message, error.hint)]
    findings = [Finding(True, "api_key", "accepted, and may list connections")]
    for kind, configured in settings.objects.items():
        try:
            findings += yield from _check_object(kind, configured)
        except (Blocked, UsageError) as error:
            findings.append(Finding(False, f"objects.{kind}", error.message, error.hint))
    return findings


def _check_object(kind: str, configured: DrataObject) -> Flow[list[Finding]]:
    subject, connection, wanted = f"objects.{kind}", configured.connection_id, configured.resource_id
    if not is_custom_record(kind):
        return [Finding(True, subject, f"{kind} is not delivered yet; connection {connection} is left alone")]
    if wanted is None:
        return [Finding(False, subject, "no resource_id is configured", "Run `proofport provision`.")]
    held = [row.get("id") for row in (yield from resources(connection))]
    if wanted not in held:
        detail = f"connection {connection} has no resource {wanted}; it has {', '.join(map(str, held)) or 'none'}"
        return [Finding(False, subject, detail, f"Correct resource_id in `{subject}`.")]
    found = yield from statuses(resource_path(connection, wanted))
    is_open = [session for session, status in found.items() if status == "IN_PROGRESS"]
    findings = [Finding(True, subject, f"connection {connection} holds resource {wanted}")]
    if is_open:
        hint = "Sessions of this instance are cancelled by the next push; another program must end its own."
        findings.append(Finding(False, subject, f"open sessions: {', '.join(is_open)}", hint))
    return findings
