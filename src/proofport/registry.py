"""Adapters and emulators, found through entry points. Our own load in the same way as those of other packages."""

from __future__ import annotations

import sys
from functools import cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from typing import TYPE_CHECKING, Any

from proofport.errors import ConfigError

if TYPE_CHECKING:
    from proofport.adapter import Adapter

ADAPTERS = "proofport.adapters"
EMULATORS = "proofport.emulators"


def installed(group: str) -> EntryPoints:
    """The entry points of `group`. The metadata of all installed packages is read once for each import path."""
    return _read(group, tuple(sys.path))


@cache
def _read(group: str, path: tuple[str, ...]) -> EntryPoints:
    return entry_points(group=group)


def names(group: str) -> list[str]:
    """The registered names of a group, without importing anything."""
    return sorted(entry.name for entry in installed(group))


def load_adapter(name: str) -> type[Adapter]:
    """The adapter class registered under `name`. Raises ConfigError naming the installed ones."""
    adapter: type[Adapter] = _load(ADAPTERS, "adapter", name)
    return adapter


def load_emulator(name: str) -> Any:
    """The emulator class registered under `name` (a `proofport.testing.Emulator`)."""
    return _load(EMULATORS, "emulator", name)


def _load(group: str, what: str, name: str) -> Any:
    entry: EntryPoint | None = next(iter(installed(group).select(name=name)), None)
    if entry is None:
        known = ", ".join(names(group)) or "none"
        raise ConfigError(
            f"there is no {what} named {name!r}; installed: {known}",
            hint=f"Install the package that provides it (entry point group {group}).",
        )
    try:
        return entry.load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"the {what} {name!r} ({entry.value}) cannot be imported: {error}") from error
