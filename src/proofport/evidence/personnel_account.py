"""One person's account in one system."""

from __future__ import annotations

from proofport.evidence.base import Evidence, Timestamp


class PersonnelAccount(Evidence):
    """`admin`, `active` and `mfa_enabled` are three-state: null or omitted means that the source did not say."""

    email: str | None = None
    secondary_email: str | None = None
    username: str | None = None
    first_name: str | None = None
    preferred_first_name: str | None = None
    last_name: str | None = None
    system: str | None = None
    roles: list[str] | None = None
    admin: bool | None = None
    active: bool | None = None
    mfa_enabled: bool | None = None
    created_at: Timestamp | None = None
    last_login_at: Timestamp | None = None
