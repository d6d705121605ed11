"""One person who works, or worked, for the company."""

from __future__ import annotations

from proofport.evidence.base import Evidence, Timestamp


class Person(Evidence):
    """One person. A leaver keeps the record and gets `separated_at`."""

    email: str | None = None
    secondary_email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    job_title: str | None = None
    manager_id: str | None = None
    manager_name: str | None = None
    customer_id: str | None = None
    avatar_url: str | None = None
    started_at: Timestamp | None = None
    separated_at: Timestamp | None = None
    #: Null means unknown.
    is_contractor: bool | None = None
    mfa_enabled: bool | None = None
