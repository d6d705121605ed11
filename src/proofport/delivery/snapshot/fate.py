"""The end of records that are gone, in the vendor's terms: for reports, dry runs and plans alike."""

from __future__ import annotations

import json

from proofport.adapter import Ends, ReadsBack
from proofport.delivery.destination_run import DestinationRun
from proofport.delivery.lane.live_set import kept_as

COMPLETED = "What is gone is deleted when the snapshot completes."
REPLACED = "What is gone is left out of the set that is sent, which replaces the one before."
DELETABLE = "What is gone stays there, unless it is pushed with --delete-gone."
KEPT = "What is gone stays there: the vendor has no call that removes it."


def fate_of(destination: DestinationRun, *, delete_gone: bool, foretold: bool = False) -> str:
    """Say what becomes of what is gone, as "deleted at NAME by this snapshot"; `foretold`: "to be deleted at NAME …".

    `delete_gone`: a person wants it deleted where that takes a request.
    """
    name, resource, to_be = destination.name, destination.resource, "to be " if foretold else ""
    if destination.replaces:
        if kept := kept_as(resource):
            return f"{to_be}sent to {name} as {kept}"
        return f"missing from the set that {name} would get" if foretold else f"not in the set that {name} was sent"
    if destination.stages:
        return f"{to_be}deleted at {name} by this snapshot"
    if not isinstance(resource, Ends) or (resource.ends == "on_request" and not delete_gone):
        return f"still held by {name}"
    if resource.ends == "on_request":
        return f"{to_be}deleted at {name} by this snapshot"
    if isinstance(resource, ReadsBack) and resource.ended_fields:
        fields = ", ".join(f"{field}: {json.dumps(value)}" for field, value in resource.ended_fields.items())
        return f"{to_be}sent once more to {name} with {fields}"
    return f"{to_be}ended at {name} by this snapshot"


def rule_of(destination: DestinationRun) -> str:
    """Say what a push does about what is gone, for a plan."""
    resource = destination.resource
    if destination.stages:
        return COMPLETED
    if destination.replaces:
        kept = kept_as(resource)
        return f"What is gone is sent as {kept}." if kept else REPLACED
    if not isinstance(resource, Ends):
        return KEPT
    if resource.ends == "on_request":
        return DELETABLE
    return f"What is gone is {fate_of(destination, delete_gone=False, foretold=True)}."
