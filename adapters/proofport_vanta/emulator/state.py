"""The state as JSON: `/_emulator/state` shows it, `/_emulator/seed` and `/_emulator/applications` take it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from proofport.testing import Switches
from proofport_vanta.emulator.document import BASE_TYPES, CUSTOM
from proofport_vanta.emulator.model import Application, Company, Resource, Row, now
from proofport_vanta.emulator.schemas import definition_problem, moment, record_schema, refusal, timestamp

CLIENT_SECRET = "vanta-emulator-secret"  # noqa: S105 - it opens nothing but this emulator


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ResourceState(_Part):
    """One resource. An id that is not given is made up."""

    id: str | None = Field(None, pattern="^[0-9a-f]{24}$")
    base_type: str
    slug: str | None = Field(None, min_length=1)
    kind: str | None = None
    #: For a custom resource; without it, it has no own properties.
    definition: dict[str, Any] | None = None
    #: None: those that it has already.
    records: list[dict[str, Any]] | None = None
    #: What is gone, each with its `deletedAt`.
    deleted: list[dict[str, Any]] = []


class ApplicationState(_Part):
    """One application. Its secret is not shown."""

    id: str = Field(min_length=1, description="its client id")
    client_secret: str | None = Field(None, min_length=1)
    name: str | None = None
    type: Literal["build", "manage"] | None = None
    resources: list[ResourceState] = []


class CompanyState(_Part):
    connections: list[ApplicationState] = []


def company_from(state: Mapping[str, Any], switches: Switches) -> Company:
    """A company that holds `state`. Raises ValueError."""
    company = Company()
    for part in CompanyState.model_validate(state).connections:
        declare(company, part, switches)
    return company


def declare(company: Company, part: ApplicationState, switches: Switches) -> Application:
    """Make an application with its resources, or change one. What it does not name stays. Raises ValueError."""
    application = company.applications.get(part.id) or Application(part.id, CLIENT_SECRET)
    resources = dict(application.resources)
    for each in part.resources:
        resource = _resource(resources, each, switches)
        resources[resource.id] = resource
    application.resources = resources
    application.client_secret = part.client_secret or application.client_secret
    application.name = part.name or application.name
    application.type = part.type or application.type
    company.applications[part.id] = application
    return application


def _resource(resources: Mapping[str, Resource], part: ResourceState, switches: Switches) -> Resource:
    if part.base_type not in BASE_TYPES:
        raise ValueError(f"there is no base type {part.base_type!r}; the base types are {', '.join(BASE_TYPES)}")
    resource_id = part.id or next(text for number in count(1) if (text := f"{number:024x}") not in resources)
    known = resources.get(resource_id)
    if known and known.base_type != part.base_type:
        raise ValueError(f"the base type of {resource_id} is {known.base_type} and can never be changed")
    definition = part.definition
    if part.base_type == CUSTOM:
        definition = {"properties": {}} if definition is None else definition
        if wrong := definition_problem(definition):
            raise ValueError(wrong)
    elif definition is not None:
        raise ValueError(f"only a {CUSTOM} has a definition: {part.base_type} refuses customProperties")
    kind = part.kind or (known.kind if known else None)
    resource = Resource(resource_id, part.base_type, part.slug or (known.slug if known else None), kind, definition)
    if part.records is None:
        resource.rows = known.rows if known else {}
    else:
        resource.rows = _rows(resource, part.records, part.deleted, switches)
    return resource


def _rows(
    resource: Resource, records: list[dict[str, Any]], deleted: list[dict[str, Any]], switches: Switches
) -> dict[str, Row]:
    when, rows = now(), {}
    gone = [{name: value for name, value in each.items() if name != "deletedAt"} for each in deleted]
    if wrong := wrong_with(resource, [*records, *gone], switches):
        raise ValueError(f"a record of the state is wrong: {wrong}")
    for body in records:
        rows[body["uniqueId"]] = Row(body, when, when)
    for body, each in zip(gone, deleted, strict=True):
        ended = moment(str(each.get("deletedAt")))
        if ended is None:
            raise ValueError(f"deletedAt of {body['uniqueId']} is {each.get('deletedAt')!r}, expected a time")
        rows[body["uniqueId"]] = Row(body, ended, ended, ended)
    return rows


def wrong_with(resource: Resource, records: list[Any], switches: Switches) -> str | None:
    """The first violation of a set for this resource, in the vendor's words. None: there is none."""
    schema = record_schema(resource.base_type, resource.definition, switches)
    return refusal(schema, records, closed=bool(resource.definition))


def state_of(company: Company, switches: Switches) -> dict[str, Any]:
    """The state of a company. `records` are the live ones, as lists show them without their three times."""
    return {"connections": [shown(each, switches) for each in company.applications.values()]}


def shown(application: Application, switches: Switches) -> dict[str, Any]:
    return {
        "id": application.client_id,
        "name": application.name,
        "type": application.type,
        "resources": [_shown(each, switches["time_form"]) for each in application.resources.values()],
    }


def _shown(resource: Resource, form: str) -> dict[str, Any]:
    return {
        "id": resource.id,
        "base_type": resource.base_type,
        "slug": resource.slug,
        "kind": resource.kind,
        "definition": resource.definition,
        "records": resource.live(),
        "deleted": [
            {**row.body, "deletedAt": timestamp(row.deleted_at, form)}
            for row in resource.rows.values()
            if row.deleted_at is not None
        ],
    }
