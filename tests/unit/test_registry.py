"""Adapters are found by entry point; one that is missing or broken is named, with what to do."""

from __future__ import annotations

from importlib.metadata import EntryPoint, EntryPoints

import pytest

from proofport import registry
from proofport.adapter import Adapter
from proofport.errors import ConfigError

INSTALLED = EntryPoints(
    [
        EntryPoint("zeta", "proofport.adapter:Adapter", registry.ADAPTERS),
        EntryPoint("alpha", "no_such_package_anywhere:Adapter", registry.ADAPTERS),
        EntryPoint("beta", "proofport.adapter:NoSuchAdapter", registry.ADAPTERS),
        EntryPoint("imitation", "proofport.wire:Call", registry.EMULATORS),
    ]
)


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "installed", lambda group: INSTALLED.select(group=group))


def test_names_are_sorted_and_nothing_is_imported_for_them() -> None:
    assert registry.names(registry.ADAPTERS) == ["alpha", "beta", "zeta"]
    assert registry.names(registry.EMULATORS) == ["imitation"]


def test_an_adapter_is_loaded_by_its_name() -> None:
    assert registry.load_adapter("zeta") is Adapter
    assert registry.load_emulator("imitation").__name__ == "Call"


def test_an_unknown_name_is_answered_with_those_that_are_installed() -> None:
    with pytest.raises(ConfigError, match=r"no adapter named 'gamma'; installed: alpha, beta, zeta") as caught:
        registry.load_adapter("gamma")
    assert caught.value.hint is not None
    assert registry.ADAPTERS in caught.value.hint


@pytest.mark.parametrize("name", ["alpha", "beta"])
def test_a_broken_package_is_named_instead_of_ending_in_a_traceback(name: str) -> None:
    with pytest.raises(ConfigError, match=f"the adapter '{name}' .* cannot be imported"):
        registry.load_adapter(name)


def test_installed_packages_are_looked_through_once_for_each_import_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    asked: list[str] = []

    def entry_points(group: str) -> EntryPoints:
        asked.append(group)
        return INSTALLED.select(group=group)

    monkeypatch.setattr(registry, "entry_points", entry_points)
    monkeypatch.syspath_prepend("/no/such/folder/of/packages")
    for _ in range(3):
        assert registry.load_adapter("zeta") is Adapter
        assert registry.names(registry.ADAPTERS) == ["alpha", "beta", "zeta"]
    assert asked == [registry.ADAPTERS]
    monkeypatch.syspath_prepend("/another/folder/of/packages")
    registry.names(registry.ADAPTERS)
    assert asked == [registry.ADAPTERS] * 2


def test_the_first_party_adapters_and_emulators_are_registered_like_any_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()
    assert registry.names(registry.ADAPTERS) == registry.names(registry.EMULATORS)
    for name in registry.names(registry.ADAPTERS):
        assert issubclass(registry.load_adapter(name), Adapter)
        assert registry.load_adapter(name).name == name
