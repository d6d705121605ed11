"""What a user of the library may import, pinned; and importing it costs next to nothing."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

import proofport
import proofport.errors
import proofport.evidence
from proofport import DeliveryReport, Gateway, Plan, Preview, Progress, RunReport, Verification

PUBLIC = {
    # what is done
    "Config",
    "Gateway",
    "Input",
    "Mode",
    "Records",
    # what methods return
    "Accepted",
    "Answer",
    "Assurance",
    "DeliveredRecord",
    "DeliveryReport",
    "DestinationProgress",
    "DestinationReport",
    "Difference",
    "Exit",
    "Explanation",
    "FieldTold",
    "Finding",
    "Group",
    "Look",
    "Operation",
    "Outcome",
    "Plan",
    "Portability",
    "Ported",
    "Preview",
    "Progress",
    "ProblemGroup",
    "ProblemGroups",
    "Provisioned",
    "RecordProblem",
    "RunReport",
    "Schema",
    "SourceReport",
    "Status",
    "Tally",
    "Unmatched",
    "Verification",
    "Whereabouts",
    # what the relay and the worker are made of
    "Adapter",
    "Commit",
    "Decoder",
    "Delivery",
    "Journal",
    "MappingLibrary",
    "Sender",
    "Target",
    "Watch",
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


ALIASES = {"Mode", "Records"}
"""Names of types that have no name of their own."""

SHOWN = (RunReport, Plan, Preview, Verification, DeliveryReport, Progress)
"""Reports, whose parts are handled, too."""


def named(annotation: Any) -> set[type]:
    """The types of proofport in an annotation."""
    found = set().union(*(named(each) for each in flat(get_args(annotation))))
    own = isinstance(annotation, type) and annotation.__module__.startswith("proofport.")
    return found | {annotation} if own else found


def flat(annotations: Iterable[Any]) -> list[Any]:
    """Annotations of parameters are in a list of their own."""
    return [each for some in annotations for each in (some if isinstance(some, list) else [some])]


def annotations_of(owner: Any) -> set[type]:
    return set().union(*(named(each) for each in get_type_hints(owner).values()))


def parts_of(report: type) -> set[type]:
    """The types of its fields, and of theirs."""
    fields = annotations_of(report) if is_dataclass(report) else set()
    return fields.union(*(parts_of(each) for each in fields))


def test_every_type_that_a_method_returns_or_takes_is_public() -> None:
    methods = {name: getattr(Gateway, name) for name in dir(Gateway) if not name.startswith("_")}
    handled = set().union(*(annotations_of(getattr(each, "fget", each)) for each in methods.values()))
    assert {each.__name__ for each in handled} <= PUBLIC
    assert {part.__name__ for report in SHOWN for part in parts_of(report)} <= PUBLIC


@pytest.mark.parametrize("name", sorted(PUBLIC - ALIASES))
def test_every_public_name_can_be_imported(name: str) -> None:
    assert getattr(proofport, name).__name__ == name


def test_type_checkers_and_completion_see_the_same_names_as_the_interpreter() -> None:
    assert announced() == proofport._HOME
    assert set(proofport._HOME) == PUBLIC == set(proofport.__all__)
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
