"""What a user of the library may import, pinned; and importing it costs next to nothing."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import proofport
import proofport.errors
import proofport.evidence

PUBLIC = {
    # what is done
    "Config",
    "Gateway",
    "Input",
    "RunReport",
    # evidence
    "BrowserExtension",
    "CloudResource",
    "Custom",
    "Device",
    "DeviceUser",
    "Drive",
    "Evidence",
    "Person",
    "PersonnelAccount",
    "ScreenLock",
    "Software",
    "SystemService",
    "Tag",
    "TrainingRecord",
    # what may go wrong
    "AccountingError",
    "AdapterFault",
    "Blocked",
    "ConfigError",
    "GuardRefused",
    "JournalError",
    "LaneLost",
    "MappingError",
    "OutcomeUnknown",
    "Problem",
    "ProofportError",
    "Rejected",
    "Retryable",
    "TooLarge",
    "UnsupportedFeature",
    "UsageError",
    "ValueUnknown",
}


def announced() -> dict[str, str]:
    """The names that type checkers see, with their modules: what stands under TYPE_CHECKING."""
    tree = ast.parse(Path(proofport.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.asname or "": node.module or "" for node in imports for alias in node.names}


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_every_public_name_can_be_imported(name: str) -> None:
    assert getattr(proofport, name).__name__ == name


def test_type_checkers_and_completion_see_the_same_names_as_the_interpreter() -> None:
    assert announced() == proofport._HOME
    assert set(proofport._HOME) == PUBLIC
    assert set(dir(proofport)) >= PUBLIC | {"__version__"}


def test_every_error_and_every_kind_of_evidence_is_public() -> None:
    errors = {name for name, value in vars(proofport.errors).items() if isinstance(value, type) and name[0].isupper()}
    assert errors <= PUBLIC
    assert {model.__name__ for model in proofport.evidence.KINDS.values()} <= PUBLIC


def test_a_name_that_is_not_there_is_an_ordinary_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Gatewya'"):
        proofport.Gatewya  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(ImportError):
        exec("from proofport import Gatewya")


def test_importing_proofport_imports_nothing_heavy() -> None:
    code = "import sys, json, proofport; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"aiohttp", "asyncio", "pydantic", "jsonpath_ng", "yaml", "orjson", "structlog", "sqlite3", "click"}
    assert heavy & set(json.loads(done.stdout)) == set()
