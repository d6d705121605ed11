"""Adapters and emulators, found through entry points: first-party ones load exactly as anyone else's."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from proofport.adapter import Adapter
from proofport.errors import ConfigError

ADAPTERS = "proofport.adapters"
EMULATORS = "proofport.emulators"


def names(group: str) -> list[str]:
    """The registered names of a group, without importing anything."""
    return sorted(entry.name for entry in entry_points(group=group))


def load_adapter(name: str) -> type[Adapter]:
    """The adapter class registered under `name`. Raises ConfigError naming the installed ones."""
    adapter: type[Adapter] = _load(ADAPTERS, "adapter", name)
    return adapter


def load_emulator(name: str) -> Any:
    """The emulator class registered under `name` (a `proofport.testing.Emulator`)."""
    return _load(EMULATORS, "emulator", name)


def _load(group: str, what: str, name: str) -> Any:
    entry = _find(group, name)
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


def _find(group: str, name: str) -> EntryPoint | None:
    return next(iter(entry_points(group=group, name=name)), None)
