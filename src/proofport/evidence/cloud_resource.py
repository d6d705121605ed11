"""Something that exists in a cloud account."""

from __future__ import annotations

from proofport.evidence.base import Evidence, Part, Text, Timestamp


class Tag(Part):
    key: Text
    value: str | None = None


class CloudResource(Evidence):
    """One resource: a machine, a bucket, a user of the account."""

    #: `<provider>.<service>.<thing>`, for example `aws.ec2.instance`: free text, checked by the mappings.
    type: Text
    provider: Text | None = None
    account_id: str | None = None
    region: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    #: For vendors that cannot delete: `removed` says that the resource is gone.
    lifecycle_state: str | None = None
    owner_email: str | None = None
    created_at: Timestamp | None = None
    encrypted: bool | None = None
    public: bool | None = None
    mfa_enabled: bool | None = None
    tags: list[Tag] | None = None
