"""Every adapter that is installed is held to the contract, by a class of the tests beside this one."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path

import pytest

from proofport import registry
from proofport.errors import UnsupportedFeature
from proofport.evidence import KINDS
from proofport.testing.adapter_contract import AdapterContract

HERE = Path(__file__).parent


def contracts() -> list[AdapterContract]:
    """The classes of this folder that inherit the contract."""
    modules = [import_module(f"tests.unit.adapters.{file.stem}") for file in sorted(HERE.glob("test_*contract*.py"))]
    found = {each for module in modules for _, each in inspect.getmembers(module, inspect.isclass)}
    classes = [each for each in found if issubclass(each, AdapterContract) and not inspect.isabstract(each)]
    return [each() for each in classes]


@pytest.mark.parametrize("name", registry.names(registry.ADAPTERS))
def test_an_adapter_is_held_to_the_contract_for_every_kind_that_it_takes(name: str) -> None:
    ours = [each for each in contracts() if each.adapter().name == name]
    assert ours, f"no class in {HERE.name} inherits AdapterContract for {name}"
    held = {kind for each in ours for kind in each.supported}
    adapter = registry.load_adapter(name)
    for kind in [*KINDS, "custom:software_package"]:
        try:
            takes = bool(adapter.bodies(kind))
        except UnsupportedFeature:
            takes = False
        assert not takes or kind in held, f"{name} takes {kind}, and the contract is not run for it"
