"""The parameters of Drata's own operations, and how they become the path, the query and the body of a request."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    AliasGenerator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    model_validator,
)
from pydantic.alias_generators import to_camel

from proofport_drata.bodies import DeviceBody, IdentityBody, IdpPersonBody, ShortText
from proofport_drata.hris import MAX_PEOPLE
from proofport_drata.paging import Query
from proofport_drata.sessions import spelled


# ------------------------------------------------------------------ in common
class DrataParameters(BaseModel):
    """The parameters of one operation: named in snake case, sent in the vendor's camel case."""

    #: The operation, in the list of `proofport call`.
    summary: ClassVar[str] = ""
    #: A person confirms it first.
    destructive: ClassVar[bool] = False
    #: The parameter that is the whole body. None: all that are not in the path are its fields.
    sent_alone: ClassVar[str | None] = None

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=AliasGenerator(serialization_alias=to_camel))

    def given(self, *left_out: str) -> dict[str, Any]:
        """The parameters that were given, under the vendor's names. `left_out`: those that stand in the path."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude={*left_out})

    def query(self, *left_out: str) -> Query:
        """The query of a request. A list repeats its key with brackets, as `expand[]`."""
        pairs: list[tuple[str, str]] = []
        for name, value in self.given(*left_out).items():
            if isinstance(value, list):
                pairs += [(f"{name}[]", str(each)) for each in value]
            elif value is not None:
                pairs.append((name, str(value).lower() if isinstance(value, bool) else str(value)))
        return tuple(pairs)

    def body(self, *left_out: str) -> tuple[str, bytes]:
        """Content type and body of a request."""
        given = self.given(*left_out)
        return "application/json", json.dumps(given[self.sent_alone] if self.sent_alone else given).encode()


class OnConnection(DrataParameters):
    connection_id: int = Field(gt=0)


class OnResource(OnConnection):
    resource_id: int = Field(gt=0)


class Listing(DrataParameters):
    """A page of that size, or with `all` every page from `cursor` on."""

    cursor: str | None = None
    size: int = Field(50, ge=1, le=500)
    sort: Literal["createdAt", "updatedAt"] | None = None
    sort_dir: Literal["ASC", "DESC"] | None = None
    include_total_count: bool = False
    all: bool = Field(False, exclude=True, description="follow the cursor to the end")


# ------------------------------------------------------------------ connections
ConnectionExpansion = Literal["createdByUser", "customResources"]


class ListConnections(Listing):
    summary = "Custom connections, a page or all"
    expand: list[ConnectionExpansion] = Field(default_factory=list)


class GetConnection(OnConnection):
    summary = "One custom connection, with its resources"
    expand: list[ConnectionExpansion] = Field(default_factory=list)


class CreateConnection(DrataParameters):
    """CUSTOM needs `workspace_ids`, `display_name_key` and one of `json_schema` and `sample_data`; MDM and HRIS refuse
    all four (recipe)."""

    summary = "Make a connection"
    name: str = Field(min_length=1)
    provider_types: list[Literal["CUSTOM", "MDM", "HRIS"]] = Field(min_length=1, max_length=1)
    description: str | None = None
    workspace_ids: list[int] | None = Field(None, min_length=1)
    json_schema: dict[str, Any] | None = Field(None, serialization_alias="schema")
    sample_data: dict[str, Any] | None = None
    display_name_key: str | None = None

    @model_validator(mode="after")
    def _fits_the_provider(self) -> Self:
        custom = {"workspace_ids", "json_schema", "sample_data", "display_name_key"}
        given = {name for name in custom if getattr(self, name) is not None}
        if self.provider_types != ["CUSTOM"]:
            if given:
                raise ValueError(f"expected no {', '.join(sorted(given))} for {self.provider_types[0]}")
        elif not {"workspace_ids", "display_name_key"} <= given or len(given) != 3:
            raise ValueError("expected workspace_ids, display_name_key and either json_schema or sample_data")
        return self

    def given(self, *left_out: str) -> dict[str, Any]:
        """Send `required`, empty if need be. Without it every property becomes required (observed: gram, b5f47cb)."""
        given = super().given(*left_out)
        body = {name: value for name, value in given.items() if value is not None or name == "description"}
        return body | ({"schema": {"required": [], **body["schema"]}} if "schema" in body else {})


class DeleteConnection(OnConnection):
    summary = "Delete a connection and every record in it"
    destructive = True


class UpdateConnection(OnConnection):
    """Only these fields can change (recipe)."""

    summary = "Rename or describe a connection"
    client_alias: str | None = None
    description: str = ""


# ------------------------------------------------------------------ records and sessions
def _has_an_id(record: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(record.get("id"), str) or not record["id"]:
        raise ValueError("expected a record with a text as `id`: it is what Drata matches on")
    return record


Record = Annotated[dict[str, Any], AfterValidator(_has_an_id)]
SessionId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{3,64}$")]
SessionStatus = Annotated[Literal["IN_PROGRESS", "ACTIVE", "CANCELED", "ARCHIVED"], BeforeValidator(spelled)]


class ListRecords(OnResource, Listing):
    summary = "Live records, or those of a session"
    session_id: SessionId | None = None


class UpsertRecords(OnResource):
    summary = "Create or update records, live at once"
    data: Record | list[Record]

    @property
    def ids(self) -> list[str]:
        return [record["id"] for record in (self.data if isinstance(self.data, list) else [self.data])]


class OnRecord(OnResource):
    record_id: str


class UpdateRecord(OnRecord):
    summary = "Update one record (merging is assumed)"
    data: dict[str, Any]


class DeleteRecord(OnRecord):
    summary = "Delete one record"
    destructive = True


class ListSessions(OnResource, Listing):
    summary = "Sessions of a resource, by status"
    status: SessionStatus | None = None


class StageRecords(UpsertRecords):
    summary = "Stage records in a session"
    session_id: SessionId


class ActOnSession(OnResource):
    summary = "Complete a session (all other records go) or cancel it"
    destructive = True
    session_id: SessionId
    action: Literal["complete", "cancel"]


# ------------------------------------------------------------------ devices
DeviceExpansion = Literal["asset", "complianceChecks", "documents", "identifiers"]


class ListDevices(OnConnection, Listing):
    summary = "Devices of a connection, by key or owner"
    external_id: str | None = Field(None, max_length=191)
    mac_address: str | None = None
    serial_number: str | None = None
    personnel_id: int | None = None
    expand: list[DeviceExpansion] = Field(default_factory=list)


Explanation = str | dict[str, JsonValue] | None
"""A text or an object: the published examples have both (V2)."""


class GivenDevice(DeviceBody):
    """A device as the vendor publishes it, which is wider than what proofport sends of its own: no key is required."""

    external_id: ShortText | None = None  # type: ignore[assignment]
    antivirus_explanation: Explanation = None  # type: ignore[assignment]
    auto_update_explanation: Explanation = None  # type: ignore[assignment]
    encryption_explanation: Explanation = None  # type: ignore[assignment]
    firewall_explanation: Explanation = None  # type: ignore[assignment]
    password_manager_explanation: Explanation = None  # type: ignore[assignment]
    screen_lock_explanation: Explanation = None  # type: ignore[assignment]


class UpsertDevice(OnConnection):
    """`device`: the body under the vendor's names, as JSON or @FILE."""

    summary = "Create or update one device"
    sent_alone = "device"
    device: GivenDevice


class GetDevice(DrataParameters):
    summary = "One device, of any connection"
    device_id: int
    expand: list[DeviceExpansion | Literal["deviceApps"]] = Field(default_factory=list)


class DeleteDevice(OnConnection):
    summary = "Delete one device"
    destructive = True
    device_id: int


# ------------------------------------------------------------------ people
class ListIdentities(OnConnection, Listing):
    summary = "People of a connection"


class UpsertIdentities(OnConnection):
    """`people`: bodies under the vendor's names; what one leaves out stays as it was, null clears."""

    summary = "Create or update up to 1,000 people"
    sent_alone = "people"
    people: list[IdentityBody] = Field(min_length=1, max_length=MAX_PEOPLE)


class OnIdentity(OnConnection):
    """`user_identity_id`: the vendor's number, or `identity-id:` and the id that was sent."""

    user_identity_id: Annotated[str, Field(pattern=r"^([0-9]+|identity-id:.+)$", coerce_numbers_to_str=True)]


class GetIdentity(OnIdentity):
    summary = "One person"


class DeleteIdentity(OnIdentity):
    summary = "Delete a person sent by mistake (leavers: separatedAt)"
    destructive = True


# ------------------------------------------------------------------ version 1
_AMERICAN = re.compile(r"(?P<month>\d\d)/(?P<day>\d\d)/(?P<year>\d{4})")
ConnectionState = Literal["ACTIVE", "MISCONFIGURED", "CONFIGURED_PENDING_CONFIRMATION", "IN_PROGRESS"]
Order = Literal["CREATED_AT", "CONNECTED_AT", "CONNECTION_PROVIDER_TYPE", "CONNECTION_CLIENT_TYPE", "CONNECTION_STATE"]


class ListManaged(DrataParameters):
    summary = "Connections of every kind"
    page: int = Field(1, ge=1)
    limit: int = Field(20, ge=1, le=50)
    sort: Order | None = None
    sort_dir: Literal["ASC", "DESC"] | None = None
    provider_types: list[str] = Field(default_factory=list)
    state: ConnectionState | None = None
    all: bool = Field(False, exclude=True, description="every page")

    def query(self, *left_out: str) -> Query:
        """`providerTypes` repeats its key without brackets (OpenAPI v1)."""
        kinds = tuple(("providerTypes", each) for each in self.provider_types)
        return kinds + super().query("page", "limit", "provider_types")


def _a_start_date(text: str) -> str:
    """One of the three forms of V1, and a day that there is. It is sent as it was given."""
    found = _AMERICAN.fullmatch(text)
    try:
        if found:
            date(int(found["year"]), int(found["month"]), int(found["day"]))
            return text
        if "T" in text.upper() or " " in text.strip():
            datetime.fromisoformat(text)
            return text
    except ValueError:
        pass
    raise ValueError("expected a start date as 2024-10-18T01:28:40, 2024-10-18T01:28:40Z or 10/18/2024")


class GivenPerson(IdpPersonBody):
    """A person as the vendor publishes it: the date may lack its zone, or be written as 10/18/2024 (V1)."""

    date: Annotated[str, AfterValidator(_a_start_date)]  # type: ignore[assignment]


class CreateFromJson(DrataParameters):
    """`people`: bodies under the vendor's names, as JSON or @FILE."""

    summary = "Make an identity provider of people"
    people: list[GivenPerson] = Field(serialization_alias="personnelData")


class UpdateFromJson(CreateFromJson):
    summary = "Feed an identity provider a new list"
    destructive = True
    id: int


class CreateFromCsv(DrataParameters):
    """`file`: the CSV, as @FILE. The columns are not published; the names of the JSON form are assumed."""

    summary = "Make an identity provider of a CSV file"
    file: bytes

    def body(self, *left_out: str) -> tuple[str, bytes]:
        """A multipart body with one part, `file` (assumed). The boundary is the digest of the file."""
        boundary = hashlib.sha256(self.file).hexdigest()
        disposition = 'Content-Disposition: form-data; name="file"; filename="people.csv"'
        head = f"--{boundary}\r\n{disposition}\r\nContent-Type: text/csv\r\n\r\n".encode()
        body = head + self.file + f"\r\n--{boundary}--\r\n".encode()
        return f"multipart/form-data; boundary={boundary}", body


class UpdateFromCsv(CreateFromCsv):
    summary = "Feed an identity provider a new CSV file"
    destructive = True
    id: int
