"""The configuration file, read and checked. Every error names file, line and field, what was found and expected."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, Field, PrivateAttr, SecretStr, ValidationError, ValidationInfo, field_validator

from proofport import evidence, registry
from proofport.adapter import Adapter
from proofport.config.lines import FileLines, described, one_of
from proofport.config.names import DEFAULT, TENANT, block_of, own_name, place_of, scoped, tenant_of
from proofport.config.notices import Webhook, resolved
from proofport.config.relay import RelaySettings, Settings
from proofport.config.secrets import file_of, journal_of, resolve_secrets, text_of, url_of
from proofport.errors import ConfigError, MappingError, UsageError
from proofport.journal import POSTGRES
from proofport.sources.xlsx import WORKBOOK_BYTES
from proofport.text.durations import EXPECTED, Duration, seconds_of
from proofport.text.wording import did_you_mean
from proofport.text.yaml_nodes import Node, content_of, data, kind_of, read_documents
from proofport.wire import is_loopback

FILE_NAME = "proofport.yaml"
PATH_VARIABLE = "PROOFPORT_CONFIG"
DEFAULT_JOURNAL = ".proofport/journal.sqlite3"
LEAST_RETAINED, LEAST_EVERY = "1d", "1h"


class Guard(Settings):
    """How much a snapshot may lose before a person has to agree."""

    max_gone: float = Field(0.2, ge=0, le=1)  #: Share of the previous set that may be gone.
    max_rejected: int = Field(0, ge=0)  #: Rejected records that a snapshot may lack and still be completed.
    #: A refused record that the vendor holds, in a set that removes what it lacks: it blocks the set, or stays there.
    refused: Literal["block", "keep_last"] = "block"


class Tenant(Settings):
    """A separate set of destinations. No other tenant sees its evidence, state and keys."""

    destinations: dict[str, dict[str, Any]] = Field(default_factory=dict)


def _is_address(text: str) -> str:
    if not text.startswith(("env:", "file:", "https://", "http://")):
        raise ValueError("expected a URL with https:// or http://, or env:NAME or file:PATH with one")
    return text


Address: TypeAlias = Annotated[str, Field(repr=False), AfterValidator(_is_address)]
"""A URL, or env:NAME or file:PATH with one."""


class Timestamps(Settings):
    """The authority that is asked for time stamps of the log."""

    url: Address
    roots: Path  #: Certificates in PEM, to one of which the authority's own must lead.


class Receipts(Settings):
    """The signing of receipts."""

    key: str  #: env:NAME or file:PATH: the Ed25519 key that `proofport receipt key create` makes.
    #: The form of the ids of records that were not delivered: as HMAC-SHA-256, or plain, which auditors can read.
    ids: Literal["hmac", "plain"] = "hmac"
    timestamps: Timestamps | None = None  #: None: the log has no time stamps.


class Retention(Settings):
    """How long a journal keeps what has ended. Relays and workers prune it."""

    older_than: float  #: Seconds, written as 90d.
    every: float = 86_400.0  #: Seconds between two prunings, written as 1d.

    @field_validator("older_than", "every", mode="before")
    @classmethod
    def _span(cls, value: object, info: ValidationInfo) -> float:
        least = LEAST_RETAINED if info.field_name == "older_than" else LEAST_EVERY
        with suppress(ValueError):
            if (seconds := seconds_of(str(value))) >= seconds_of(least):
                return seconds
        raise ValueError(f"expected {EXPECTED}, at least {least}")


class Heartbeat(Settings):
    """The address that is called after each run that is complete."""

    url: Address
    method: Literal["POST", "GET"] = "POST"


class Config(Settings):
    """The configuration, read from a file or built in memory."""

    instance: str = Field(min_length=1)  #: Name of this installation; part of names that it uses at vendors.
    journal: Path | SecretStr = Path(DEFAULT_JOURNAL)  #: A file, or the URL of a PostgreSQL database.
    guard: Guard = Guard()
    sources: dict[str, list[str]] = Field(default_factory=dict)  #: By kind: the sources that make up a whole set.
    mappings: Path | None = None  #: Folder with mapping files, searched before the built-in ones.
    patience: float = Field(60.0, ge=0)  #: Retry time: seconds that a push waits for a vendor that does not answer.
    lease: float = Field(30.0, ge=1)  #: Seconds until another process may take a lane over from a silent one.
    #: Seconds that `observed_at` may be ahead of this machine's clock.
    clock_tolerance: float = Field(86_400.0, ge=0, le=366 * 86_400)
    #: The most bytes that a workbook of Excel may have when it is unpacked: it is read in memory.
    workbook_bytes: int = Field(WORKBOOK_BYTES, gt=0)
    max_input_age: Duration | None = None  #: An input file that was last modified before is refused.
    heartbeat: Heartbeat | None = None  #: None: nothing is called.
    destinations: dict[str, dict[str, Any]] = Field(default_factory=dict)  #: Those of the default tenant.
    tenants: dict[str, Tenant] = Field(default_factory=dict)  #: `@acme/prod` is the destination `prod` of `acme`.
    relay: RelaySettings = RelaySettings()
    receipts: Receipts | None = None  #: None: there are no receipts.
    retention: Retention | None = None  #: None: nothing is pruned but by command.
    notices: list[Webhook] = Field(default_factory=list)  #: Who is told when something is wrong.
    _path: Path | None = PrivateAttr(None)
    _node: Node | None = PrivateAttr(None)

    @property
    def path(self) -> Path | None:
        """The file it was read from."""
        return self._path

    @property
    def node(self) -> Node | None:
        """The content of that file, with the line of each value."""
        return self._node

    @field_validator("journal", mode="before")
    @classmethod
    def _mask(cls, value: object) -> object:
        return SecretStr(value) if isinstance(value, str) and value.startswith(POSTGRES) else value

    @classmethod
    def load(cls, path: str | Path | None = None) -> Config:
        """Read `path`, else the file in PROOFPORT_CONFIG, else the nearest proofport.yaml above. Raises ConfigError."""
        file = locate(path)
        if file is None:
            raise ConfigError(
                f"there is no {FILE_NAME} in this folder or above it",
                hint=f"Write one with `proofport init`, or name one with --config or {PATH_VARIABLE}.",
            )
        node = _read(file)
        lines = FileLines(_shown(file), node)
        given = data(node)
        if not isinstance(given, dict):
            expected = "a mapping with `instance:` and `destinations:`"
            lines.refuse((), found=kind_of(node), expected=expected)
        given["journal"] = journal_of(given.get("journal", DEFAULT_JOURNAL), lines, file.parent)
        try:
            config = cls.model_validate(given)
        except ValidationError as error:
            lines.refuse_settings(error, cls, ())
        _check_names(config, lines)
        _check_kinds(config.sources, lines, ("sources",))
        if config.mappings is not None:
            config = config.model_copy(update={"mappings": file.parent / config.mappings})
        config._path, config._node = file, node
        return config

    @property
    def _lines(self) -> FileLines:
        return FileLines(_shown(self.path) if self.path else "the configuration", self._node)

    @property
    def _folder(self) -> Path:
        return self.path.parent if self.path else Path.cwd()

    def secret_files(self, destination: str) -> dict[str, Path]:
        """The files that settings of a destination name as `file:PATH`, by setting."""
        given = self.of_tenant(tenant_of(destination)).get(own_name(destination), {})
        named = {name: value for name, value in given.items() if str(value).startswith("file:")}
        return {name: file_of(value, self._folder) for name, value in named.items()}

    def receipt_key(self) -> Path | str | None:
        """The file with the key that signs receipts, or the key itself where `env:` names it. None: there is none.

        Raises ConfigError.
        """
        if self.receipts is None:
            return None
        key = self.receipts.key
        if key.startswith("file:"):
            return file_of(key, self._folder)
        return text_of(key, self._lines, ("receipts", "key"), self._folder)

    def heartbeat_url(self) -> str | None:
        """The address to call after a run that is complete, its reference resolved. Raises ConfigError."""
        if self.heartbeat is None:
            return None
        return url_of(self.heartbeat.url, self._lines, ("heartbeat", "url"), self._folder)

    def authority(self) -> tuple[str, Path]:
        """The address of the configured authority, its reference resolved, and its certificates. Raises ConfigError."""
        assert self.receipts is not None
        assert self.receipts.timestamps is not None
        wanted = self.receipts.timestamps
        url = url_of(wanted.url, self._lines, ("receipts", "timestamps", "url"), self._folder)
        return url, self._folder / wanted.roots.expanduser()

    def of_tenant(self, tenant: str) -> Mapping[str, dict[str, Any]]:
        """The destinations of a tenant, under the names it uses; empty where there is no such tenant."""
        if tenant == DEFAULT:
            return self.destinations
        return self.tenants[tenant].destinations if tenant in self.tenants else {}

    def served(self) -> list[str]:
        """The tenants that have destinations."""
        return [tenant for tenant in (DEFAULT, *self.tenants) if self.of_tenant(tenant)]

    def all_destinations(self) -> list[str]:
        return [scoped(tenant, name) for tenant in (DEFAULT, *self.tenants) for name in self.of_tenant(tenant)]

    def webhooks(self) -> list[Webhook]:
        """Who is told when something is wrong, with their addresses and secrets. Raises ConfigError."""
        return resolved(self.notices, self._lines, self._folder)

    def adapter(self, destination: str, *, offline: bool = False) -> Adapter:
        """The adapter of a destination, its secrets resolved and its settings checked. Raises ConfigError.

        The lanes of a tenant's destination begin with the tenant's name. `offline`: nothing will be asked of the
        vendor, so that secrets which are not there do not matter.
        """
        lines = self._lines
        tenant, name, here = tenant_of(destination), own_name(destination), place_of(destination)
        configured = self.of_tenant(tenant)
        if name not in configured or scoped(tenant, name) != destination:
            known = [scoped(tenant, each) for each in configured]
            raise ConfigError(
                f"there is no destination {destination!r} in {lines.name}; configured: {', '.join(known) or 'none'}",
                hint=did_you_mean(destination, known) or f"Add it under `{'.'.join(here[:-1])}:` in {lines.name}.",
            )
        settings = {**configured[name]}
        adapter_class = _adapter_class(settings.pop("adapter", None), lines, here)
        folder = self._folder
        literal = resolve_secrets(settings, adapter_class.Settings, lines, here, folder, offline=offline)
        _check_kinds(settings.get("objects"), lines, (*here, "objects"))
        try:
            adapter = adapter_class(adapter_class.Settings.model_validate(settings, context={"folder": folder}))
        except ValidationError as error:
            lines.refuse_settings(error, adapter_class.Settings, here)
        if literal and not is_loopback(adapter.origin):
            lines.refuse(
                (*here, literal[0]),
                found="a secret written into the file",
                expected="a reference to it: env:NAME or file:PATH",
                hint=f"Put it into a variable and write `{literal[0]}: env:{literal[0].upper()}`; "
                "only a destination on this machine (an emulator) may have its key in the file.",
            )
        if self.secret_files(destination) and not offline:
            adapter.again = partial(self.adapter, destination)
        return adapter


def locate(path: str | Path | None = None) -> Path | None:
    """The file that `Config.load` reads, or None when none is named and none lies in the working directory or above."""
    named = path or os.environ.get(PATH_VARIABLE)
    if named:
        return Path(named).absolute()
    here = Path.cwd()
    return next((folder / FILE_NAME for folder in (here, *here.parents) if (folder / FILE_NAME).is_file()), None)


def _check_names(config: Config, lines: FileLines) -> None:
    """`@` and `/` separate the tenant from the destination, so the names themselves may not use them."""
    for tenant in config.tenants:
        if tenant == DEFAULT:
            hint = "The destinations at the top of the file belong to this tenant."
            lines.refuse(("tenants", tenant), found=described(tenant), expected="another name", hint=hint)
        if not TENANT.fullmatch(tenant):
            expected = "up to 63 of a-z, 0-9 and -, with - only between others"
            lines.refuse(("tenants", tenant), found=described(tenant), expected=expected)
    for tenant in (DEFAULT, *config.tenants):
        for name in config.of_tenant(tenant):
            if not name or name.startswith("@") or "/" in name:
                expected = "a name that does not begin with @ and has no /"
                lines.refuse((*block_of(tenant), name), found=described(name), expected=expected)


def _shown(file: Path) -> str:
    """The path as a person would type it: relative where it lies below the working directory."""
    return str(file.relative_to(Path.cwd())) if file.is_relative_to(Path.cwd()) else str(file)


def _read(file: Path) -> Node:
    try:
        found = list(read_documents(content_of(file), _shown(file)))
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


def _adapter_class(name: object, lines: FileLines, here: tuple[str, ...]) -> type[Adapter]:
    installed = registry.names(registry.ADAPTERS)
    if not isinstance(name, str) or name not in installed:
        lines.refuse(
            (*here, "adapter"),
            found="nothing" if name is None else described(name),
            expected=one_of(installed),
            hint=did_you_mean(name, installed) or "To use an adapter of another package, install that package.",
        )
    return registry.load_adapter(name)


def _check_kinds(objects: object, lines: FileLines, here: tuple[str, ...]) -> None:
    for kind in objects if isinstance(objects, dict) else ():
        try:
            evidence.model_of(str(kind))
        except UsageError as error:
            hint = did_you_mean(kind, evidence.KINDS) or error.hint
            lines.refuse((*here, kind), found=described(kind), expected="a kind of evidence", hint=hint)
