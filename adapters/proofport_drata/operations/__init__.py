"""The 25 operations of Drata's document, each under its operationId in snake case."""

from __future__ import annotations

from proofport_drata.operations import connections, devices, identities, records, sessions, v1

OPERATIONS = (
    *connections.OPERATIONS,
    *records.OPERATIONS,
    *sessions.OPERATIONS,
    *devices.OPERATIONS,
    *identities.OPERATIONS,
    *v1.OPERATIONS,
)

__all__ = ["OPERATIONS"]
