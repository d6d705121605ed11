"""People: who works for the company, their accounts in other systems, and their courses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from proofport.evidence.base import Evidence, Text, Timestamp

CLOCK_SKEW = timedelta(minutes=5)


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


class PersonnelAccount(Evidence):
    """One person's account in one system.

    `admin`, `active` and `mfa_enabled` are three-state: null or omitted means that the source did not say.
    """

    email: str | None = None
    secondary_email: str | None = None
    username: str | None = None
    first_name: str | None = None
    preferred_first_name: str | None = None
    last_name: str | None = None
    #: The name as one text, where the source has no first and last name.
    full_name: str | None = None
    system: str | None = None
    #: A link to the account in its system, for people.
    url: str | None = None
    roles: list[str] | None = None
    admin: bool | None = None
    #: `admin` manages the system, `editor` changes what is in it, `base` does neither.
    permission_level: Literal["admin", "editor", "base"] | None = None
    active: bool | None = None
    #: How the person signs in, before a second factor.
    auth_method: Literal["sso", "password", "token", "biometric"] | None = None
    mfa_enabled: bool | None = None
    #: The second factors that are set up. Empty: there are none.
    mfa_methods: list[Literal["sms", "email", "otp", "hardware_token", "push"]] | None = None
    created_at: Timestamp | None = None
    #: When the account was locked or closed.
    deactivated_at: Timestamp | None = None
    last_login_at: Timestamp | None = None


def _not_in_the_future(value: datetime) -> datetime:
    if value > datetime.now(UTC) + CLOCK_SKEW:
        raise PydanticCustomError("future", "expected a time that has passed: a training cannot be completed yet")
    return value


class TrainingRecord(Evidence):
    """One person's assignment to one course, completed or not."""

    email: Text
    #: The person's name as one text, and the name of the person's account, where the courses are kept.
    full_name: str | None = None
    username: str | None = None
    #: The course's stable name, for example `security_awareness`.
    course: Text
    title: str | None = None
    #: A link to the assignment, for people.
    url: str | None = None
    #: The frameworks that the course counts for, in the vendor's words, for example `SOC2`. Empty: for none.
    frameworks: list[Text] | None = None
    #: Null means not yet.
    completed_at: Annotated[Timestamp, AfterValidator(_not_in_the_future)] | None = None
    assigned_at: Timestamp | None = None
    due_at: Timestamp | None = None
    score: float | None = None
