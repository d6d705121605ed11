"""The bodies that Vanta accepts, by kind.

Sources: OAS, the vendor's OpenAPI document; GUIDE, its pages for private integrations; observed: llamalync, a public
client that probed the service field by field. Every property is required, but for the few that have a default here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    create_model,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError, PydanticKnownError

from proofport.adapter import Body
from proofport_vanta.common import Int32, Moment, Part, Text, VantaBody, wire_names
from proofport_vanta.computers import COMPUTERS, DeviceBody
from proofport_vanta.definitions import PropertyType
from proofport_vanta.objects import VantaObject

MfaMethod = Literal["UNSUPPORTED", "DISABLED", "SMS", "EMAIL", "OTP", "HARDWARE_TOKEN", "PUSH_PROMPT"]


class UserAccount(VantaBody):
    """An account in one system (OAS). USER, STANDARD, OWNER and the like are no permission levels (observed)."""

    full_name: Text
    account_name: Text
    email: Text
    permission_level: Literal["ADMIN", "EDITOR", "BASE"]
    created_timestamp: Moment
    status: Literal["ACTIVE", "DEACTIVATED"]
    mfa_enabled: bool
    mfa_methods: list[MfaMethod] = Field(description="may be empty (observed)")
    auth_method: Literal["SSO", "PASSWORD", "TOKEN", "BIOMETRIC"]
    role_description: Text | None = None
    updated_timestamp: Moment | None = None
    deactivated_timestamp: Moment | None = None
    last_login_timestamp: Moment | None = None
    last_password_reset_timestamp: Moment | None = None
    group_ids: list[Text] | None = None


class TrainingStatus(VantaBody):
    """One person's state in one training (GUIDE). That a finished one is COMPLETE is assumed."""

    training_id: Text
    training_name: Text
    frameworks_fulfilled: list[Text] = Field(description="as in SOC2")
    trainee_full_name: Text
    trainee_account_name: Text
    trainee_email: Text
    status: Literal["INCOMPLETE", "COMPLETE"]
    training_created_timestamp: Moment
    training_due_timestamp: Moment | None = None
    training_completed_timestamp: Moment | None = None


def _scalar(value: Any) -> Any:
    if value is None:
        raise PydanticKnownError("missing")
    if isinstance(value, str | bool) or (isinstance(value, int) and -(2**31) <= value < 2**31):
        return value
    raise PydanticCustomError("scalar", "expected a text, a whole number of 32 bits, true or false")


Scalar = Annotated[Any, BeforeValidator(_scalar)]
_TYPES: Mapping[PropertyType, Any] = {"boolean": bool, "int32": Int32, "string": str, "timestamp": Moment}
"""The types of declared properties (GUIDE). A number with a fraction violates int32."""


class CustomResource(VantaBody):
    """A record of a custom resource. Its own properties are just those that were declared, all of them (observed)."""

    custom_properties: dict[Text, Scalar]


MODELS: dict[str, type[VantaBody]] = {
    "personnel_account": UserAccount,
    "training_record": TrainingStatus,
    "device": DeviceBody,
    "cloud_resource": CustomResource,
}
BASE_TYPES = {"personnel_account": "user_account", "training_record": "user_security_training_status"}
"""The base types of the kinds that have one, as in the path (OAS)."""

NAMES = {
    **BASE_TYPES,
    "device": "user_computer",
    "cloud_resource": "custom_resource",
}
"""The `to.body` of mappings, by kind. A device's is of two base types, or a custom resource."""

ID_FIELD = "uniqueId"
LACKING = (
    "Vanta requires every property, and unknown is never sent as false. Let the source say it; or name the value that "
    "is true of all records without one: `objects.{kind}.when_unknown: {{{name}: …}}`; or leave such records out: "
    "`objects.{kind}.unknown_required: exclude`."
)
_COMMON = frozenset(wire_names(VantaBody))


def body_of(kind: str, configured: VantaObject | None = None) -> Body:
    """The body of a kind. `configured` may declare properties, and name values for what a source does not know."""
    custom = kind.startswith("custom:")
    model = MODELS.get(kind, CustomResource)
    if configured is not None:
        types = tuple(configured.properties.types.items()) if configured.properties is not None else None
        if model is DeviceBody and configured.resources:
            platforms = tuple(each for each in COMPUTERS if f"{each}_resource_id" in configured.resources)
            model = _device(platforms, _declared(types) if configured.resource_id is not None else None)
        elif model is CustomResource:
            model = _declared(types)
    if configured is not None and configured.when_unknown:
        model = _filled(model, configured.when_unknown)
    if custom and (configured is None or configured.mapping is None):
        model = _gathering(model)
    return Body(
        name=NAMES.get(kind, "custom_resource"),
        mapping=None if custom else f"vanta/{kind}",
        model=model,
        id_field=ID_FIELD,
        nulls="send" if issubclass(model, CustomResource) else "omit",
        hints={name: {"": LACKING.format(name=name.rpartition(".")[2], kind=kind)} for name in _required(model)},
        unknown="exclude" if configured is not None and configured.unknown_required == "exclude" else "withhold",
    )


@lru_cache(maxsize=64)
def _declared(types: tuple[tuple[str, PropertyType], ...] | None) -> type[VantaBody]:
    """The model of a custom resource with these properties. None: what is declared is not known."""
    if types is None:
        return CustomResource
    fields = {f"property_{n}": (_TYPES[each], Field(alias=name)) for n, (name, each) in enumerate(types)}
    own = cast(Any, create_model)("customProperties", __base__=Part, **fields)
    return create_model("CustomResource", __base__=CustomResource, custom_properties=(own, ...))


@lru_cache(maxsize=64)
def _device(platforms: tuple[str, ...], others: type[VantaBody] | None) -> type[VantaBody]:
    """The model of devices where these platforms have a resource, and `others` is the form of the rest."""
    made = create_model("DeviceBody", __base__=DeviceBody)
    made.forms, made.others = {each: COMPUTERS[each] for each in platforms}, others
    return made


def _gathering(model: type[VantaBody]) -> type[VantaBody]:
    """The model of records that no mapping makes: their fields are the own properties.

    A record without a `displayName` is shown by its id. `observed_at` and `source` are proofport's own.
    """

    def gather(cls: object, data: Any) -> Any:
        if not isinstance(data, dict) or "customProperties" in data:
            return data
        named = {"displayName": data.get(ID_FIELD), **{name: data[name] for name in _COMMON if name in data}}
        ours = {*_COMMON, "observed_at", "source"}
        return {**named, "customProperties": {name: value for name, value in data.items() if name not in ours}}

    return _before(model, gather=gather)


def require_fitting(kind: str, configured: VantaObject) -> None:
    """Raise ValueError for a value of `when_unknown` whose property no record of the kind has, or that does not fit."""
    model = MODELS.get(kind, CustomResource)
    fields = {str(each.serialization_alias): each for each in model.model_fields.values()}
    own = configured.properties.types if configured.properties is not None else None
    if model is CustomResource or (model is DeviceBody and configured.resource_id is not None):
        fields |= {name: FieldInfo(annotation=_TYPES[each]) for name, each in (own or {}).items()}
    else:
        own = {}
    for name, value in configured.when_unknown.items():
        where = f"`when_unknown` of {kind}"
        if name not in fields and own is None:
            fields[name] = FieldInfo(annotation=Scalar)
        elif name not in fields or name == "customProperties":
            known = ", ".join(each for each in fields if each not in ("uniqueId", "platform", "customProperties"))
            raise ValueError(f"expected properties of {kind} at Vanta in {where}, found {name}. They are {known}")
        field = cast(Any, (fields[name].annotation, fields[name]))
        probe = create_model("value", __config__=ConfigDict(strict=True), value=field)
        _check(probe, value, f"{name} in {where}")


def _check(probe: type[BaseModel], value: JsonValue, what: str) -> None:
    try:
        probe.model_validate_json(json.dumps({"value": value}), by_name=True, by_alias=False)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        inner = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in first["loc"][1:])
        words = " ".join(filter(None, (inner.removeprefix("."), first["msg"])))
        raise ValueError(f"expected another value for {what}, found {json.dumps(value)}: {words}") from None


def _filled(model: type[VantaBody], values: Mapping[str, JsonValue]) -> type[VantaBody]:
    """The model that takes `values` for fields, or own properties, that a record lacks."""
    known = set(wire_names(model))

    def fill(cls: object, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        filled = {**data, **{n: v for n, v in values.items() if n in known and data.get(n) is None}}
        own = filled.get("customProperties")
        if isinstance(own, dict):
            more = {n: v for n, v in values.items() if n not in known and own.get(n) is None}
            filled["customProperties"] = {**own, **more}
        return filled

    return _before(model, fill=fill)


def _required(model: type[VantaBody]) -> list[str]:
    """The fields that some record of this body must have."""
    fields = [
        each
        for form in (model, *(model.forms.values() if issubclass(model, DeviceBody) else ()))
        for each in form.model_fields.values()
    ]
    names = [str(each.serialization_alias) for each in fields if each.is_required()]
    own: object = model.model_fields["custom_properties"].annotation if issubclass(model, CustomResource) else None
    if isinstance(own, type) and issubclass(own, Part):
        names += [f"customProperties.{name}" for name in wire_names(own)]
    return names


def _before(model: type[VantaBody], **changes: Any) -> type[VantaBody]:
    """The model that takes what these functions make of what it is given. The one that is added last goes first."""

    def first(change: Any) -> Any:
        # around the check of DeviceBody, which hands a device over to another model
        return model_validator(mode="wrap")(lambda cls, data, handler: handler(change(cls, data)))

    validators = {name: first(change) for name, change in changes.items()}
    made: type[VantaBody] = cast(Any, create_model)(model.__name__, __base__=model, __validators__=validators)
    return made
