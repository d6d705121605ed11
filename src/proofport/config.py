"""The configuration file: destinations and whose they are, the guard, where the journal lies; secrets by reference.

Every mistake names file, line and field, what was found and what would be right. A secret's value is never repeated.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr, ValidationError, field_validator

from proofport import evidence, registry
from proofport.adapter import Adapter
from proofport.config_errors import Places, described, one_of
from proofport.config_journal import HERE, journal_of
from proofport.config_relay import RelaySettings
from proofport.errors import ConfigError, MappingError, UsageError
from proofport.journal import POSTGRES
from proofport.tenancy import DEFAULT, TENANT, own_name, scoped, tenant_of
from proofport.text.wording import did_you_mean
from proofport.text.yaml_nodes import Node, data, read_documents
from proofport.wire import is_loopback

FILE_NAME = "proofport.yaml"
PATH_VARIABLE = "PROOFPORT_CONFIG"


class Guard(BaseModel):
    """`max_gone`: the share of the previous set that may disappear. `max_rejected`: bad records a snapshot survives."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_gone: float = Field(0.2, ge=0, le=1)
    max_rejected: int = Field(0, ge=0)


class Tenant(BaseModel):
    """Destinations of their own, whose evidence, state and keys no other tenant sees."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    destinations: dict[str, dict[str, Any]] = Field(default_factory=dict)


class Config(BaseModel):
    """The configuration, from a file or built in memory. `patience`: seconds that a push waits for a silent vendor.

    `lease`: seconds after the last sign of life of a process until another may take over what it was delivering to.
    `destinations` are those of the default tenant; `@acme/prod` names the destination `prod` of `tenants: {acme: …}`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    instance: str = Field(min_length=1)
    journal: Path | SecretStr = Path(".proofport/journal.sqlite3")
    guard: Guard = Guard()
    mappings: Path | None = None
    patience: float = Field(60.0, ge=0)
    lease: float = Field(30.0, ge=1)
    destinations: dict[str, dict[str, Any]] = Field(default_factory=dict)
    tenants: dict[str, Tenant] = Field(default_factory=dict)
    relay: RelaySettings = RelaySettings()
    path: Path | None = None
    _node: Node | None = PrivateAttr(None)

    @field_validator("journal", mode="before")
    @classmethod
    def _mask(cls, value: object) -> object:
        return SecretStr(value) if isinstance(value, str) and value.startswith(POSTGRES) else value

    @classmethod
    def load(cls, path: str | Path | None = None) -> Config:
        """Read `path`, else what PROOFPORT_CONFIG names, else the nearest proofport.yaml upward. Raises ConfigError."""
        file = locate(path)
        if file is None:
            raise ConfigError(
                f"there is no {FILE_NAME} in this folder or above it",
                hint=f"Write one with `proofport init`, or name one with --config or {PATH_VARIABLE}.",
            )
        node = _read(file)
        places = Places(_shown(file), node)
        given = _checked_keys(data(node), places)
        if "journal" in given:
            given["journal"] = journal_of(given["journal"], _referenced(given["journal"], places, HERE, file), places)
        try:
            config = cls.model_validate({**given, "path": file})
        except ValidationError as error:
            places.refuse_settings(error, cls, ())
        _check_names(config, places)
        updates: dict[str, Path] = {}
        if isinstance(config.journal, Path):
            updates["journal"] = file.parent / config.journal
        if config.mappings is not None:
            updates["mappings"] = file.parent / config.mappings
        config = config.model_copy(update=updates)
        config._node = node
        return config

    def of_tenant(self, tenant: str) -> Mapping[str, dict[str, Any]]:
        """The destinations of a tenant, as it calls them; none where there is no such tenant."""
        if tenant == DEFAULT:
            return self.destinations
        return self.tenants[tenant].destinations if tenant in self.tenants else {}

    def all_destinations(self) -> list[str]:
        return [scoped(tenant, name) for tenant in (DEFAULT, *self.tenants) for name in self.of_tenant(tenant)]

    def adapter(self, destination: str) -> Adapter:
        """The adapter of a destination, its secrets resolved and its settings checked. Raises ConfigError.

        The lanes of a tenant's destination are the tenant's own.
        """
        places = Places(_shown(self.path) if self.path else "the configuration", self._node)
        tenant, name = tenant_of(destination), own_name(destination)
        configured = self.of_tenant(tenant)
        here = place_of(destination)
        if name not in configured or scoped(tenant, name) != destination:
            known = [scoped(tenant, each) for each in configured]
            raise ConfigError(
                f"there is no destination {destination!r} in {places.name}; configured: {', '.join(known) or 'none'}",
                hint=did_you_mean(destination, known) or f"Add it under `{'.'.join(here[:-1])}:` in {places.name}.",
            )
        settings = {**configured[name]}
        adapter_class = _for_tenant(tenant, _adapter_class(settings.pop("adapter", None), places, here))
        literal = _resolve_secrets(settings, adapter_class.Settings, places, here, self.path)
        _check_kinds(settings.get("objects"), places, here)
        try:
            adapter = adapter_class(adapter_class.Settings.model_validate(settings))
        except ValidationError as error:
            places.refuse_settings(error, adapter_class.Settings, here)
        if literal and not is_loopback(adapter.origin):
            places.refuse(
                (*here, literal[0]),
                found="a secret written into the file",
                expected="a reference to it: env:NAME or file:PATH",
                hint=f"Put it into a variable and write `{literal[0]}: env:{literal[0].upper()}`; "
                "only a destination on this machine (an emulator) may hold its key in the file.",
            )
        return adapter


def locate(path: str | Path | None = None) -> Path | None:
    """The file that `Config.load` reads, or None when none is named and none lies in the working directory or above."""
    named = path or os.environ.get(PATH_VARIABLE)
    if named:
        return Path(named).absolute()
    here = Path.cwd()
    return next((folder / FILE_NAME for folder in (here, *here.parents) if (folder / FILE_NAME).is_file()), None)


def place_of(destination: str) -> tuple[str, ...]:
    """Where a destination stands in the file."""
    return (*_block_of(tenant_of(destination)), own_name(destination))


def _block_of(tenant: str) -> tuple[str, ...]:
    return ("destinations",) if tenant == DEFAULT else ("tenants", tenant, "destinations")


def secret_fields(settings: type[BaseModel]) -> list[str]:
    """The fields of a Settings model that hold a secret."""
    return [
        name
        for name, field in settings.model_fields.items()
        if field.annotation is SecretStr or SecretStr in get_args(field.annotation)
    ]


def _checked_keys(given: object, places: Places) -> dict[str, Any]:
    known = [name for name in Config.model_fields if name != "path"]
    if not isinstance(given, dict):
        places.refuse((), found=described(given), expected="a mapping with `instance:` and `destinations:`")
    for key in given:
        if key not in known:
            places.refuse((key,), found="an unknown key", expected=one_of(known), hint=did_you_mean(key, known))
    return given


def _check_names(config: Config, places: Places) -> None:
    """`@` and `/` tell whose a destination is, so no name of one's own may have them."""
    for tenant in config.tenants:
        if tenant == DEFAULT:
            hint = "The destinations at the top of the file are those of this tenant."
            places.refuse(("tenants", tenant), found=described(tenant), expected="another name", hint=hint)
        if not TENANT.fullmatch(tenant):
            expected = "up to 63 of a-z, 0-9 and -, with - only between others"
            places.refuse(("tenants", tenant), found=described(tenant), expected=expected)
    for tenant in (DEFAULT, *config.tenants):
        for name in config.of_tenant(tenant):
            if not name or name.startswith("@") or "/" in name:
                expected = "a name that does not begin with @ and has no /"
                places.refuse((*_block_of(tenant), name), found=described(name), expected=expected)


def _for_tenant(tenant: str, adapter_class: type[Adapter]) -> type[Adapter]:
    if tenant == DEFAULT:
        return adapter_class

    class OfTenant(adapter_class):  # type: ignore[misc, valid-type]
        """Two tenants may have accounts at one vendor whose objects have the same numbers."""

        def lane(self, kind: str) -> str:
            return scoped(tenant, super().lane(kind))

    return OfTenant


def _shown(file: Path) -> str:
    """The path as a person would type it: relative where it lies below the working directory."""
    return str(file.relative_to(Path.cwd())) if file.is_relative_to(Path.cwd()) else str(file)


def _read(file: Path) -> Node:
    try:
        found = list(read_documents(file.read_bytes(), _shown(file)))
    except FileNotFoundError:
        raise ConfigError(
            f"there is no file {_shown(file)}", hint="Write one with `proofport init`, or name another with --config."
        ) from None
    except OSError as error:
        raise ConfigError(f"{_shown(file)} cannot be read: {error.strerror}") from None
    except MappingError as error:
        raise ConfigError(error.message) from None
    if len(found) != 1:
        raise ConfigError(f"{_shown(file)}: found {len(found)} YAML documents, expected one")
    return found[0]


def _adapter_class(name: object, places: Places, here: tuple[str, ...]) -> type[Adapter]:
    installed = registry.names(registry.ADAPTERS)
    if name is None:
        places.refuse((*here, "adapter"), found="nothing", expected=one_of(installed))
    if not isinstance(name, str) or name not in installed:
        places.refuse(
            (*here, "adapter"),
            found=described(name),
            expected=one_of(installed),
            hint=did_you_mean(name, installed) or "An adapter of another package is found once that is installed.",
        )
    return registry.load_adapter(name)


def _check_kinds(objects: object, places: Places, here: tuple[str, ...]) -> None:
    for kind in objects if isinstance(objects, dict) else ():
        try:
            evidence.model_of(str(kind))
        except UsageError as error:
            hint = did_you_mean(kind, evidence.KINDS) or error.hint
            places.refuse((*here, "objects", kind), found=described(kind), expected="a kind of evidence", hint=hint)


def _resolve_secrets(
    settings: dict[str, Any], model: type[BaseModel], places: Places, here: tuple[str, ...], config: Path | None
) -> list[str]:
    """Replace references to secrets by SecretStr, in place. Returns the fields that held the secret itself."""
    literal = []
    for name in secret_fields(model):
        given = settings.get(name)
        if not isinstance(given, str):
            if given is not None and not isinstance(given, SecretStr):
                places.refuse((*here, name), found="a value that is not text", expected="env:NAME or file:PATH")
            continue
        value = _referenced(given, places, (*here, name), config)
        if value is None:
            literal.append(name)
            value = given
            if not value.strip():
                places.refuse((*here, name), found="an empty text", expected="a secret")
        settings[name] = SecretStr(value.strip())
    return literal


def _referenced(given: object, places: Places, here: tuple[str, ...], config: Path | None) -> str | None:
    """What `env:NAME` or `file:PATH` stands for. None: it is no reference."""
    scheme, _, reference = given.partition(":") if isinstance(given, str) else ("", "", "")
    if scheme == "env":
        value, missing = os.environ.get(reference, ""), f"the environment variable {reference}, which is not set"
        hint = f"Set it before running proofport: export {reference}=…"
    elif scheme == "file":
        file = (config.parent if config else Path.cwd()) / Path(reference).expanduser()
        value, missing = _text_of(file), f"the file {reference}, which is missing, empty or unreadable"
        hint = "Write the secret, and nothing else, into that file."
    else:
        return None
    if not value.strip():
        places.refuse(here, found=missing, expected="a secret", hint=hint)
    return value.strip()


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
