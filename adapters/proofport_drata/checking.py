"""What `doctor` finds about a Drata destination: key, connections, resources, open sessions."""

from __future__ import annotations

from collections.abc import Sequence

from proofport.adapter import Finding, Flow
from proofport.errors import Blocked, UsageError
from proofport_drata.paging import every_row
from proofport_drata.provisioning import CONNECTIONS, resource_path, resources
from proofport_drata.room import Room
from proofport_drata.sessions import statuses
from proofport_drata.settings import DrataObject


def check(rooms: Sequence[Room]) -> Flow[list[Finding]]:
    try:
        yield from every_row("list_connections", CONNECTIONS)
    except (Blocked, UsageError) as error:
        return [Finding(False, "api_key", error.message, error.hint)]
    findings = [Finding(True, "api_key", "accepted, and may list connections")]
    for room in rooms:
        try:
            findings += yield from room.check()
        except (Blocked, UsageError) as error:
            findings.append(Finding(False, f"objects.{room.kind}", error.message, error.hint))
    return findings


def check_resource(kind: str, configured: DrataObject) -> Flow[list[Finding]]:
    """Whether a CUSTOM connection holds the resource, and whether a session is open on it."""
    subject, connection, wanted = f"objects.{kind}", configured.connection_id, configured.resource_id
    if connection is None or wanted is None:
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
