"""The walls of the house: who may import whom, how long a file may be, and whose name may not occur where."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SRC, ADAPTERS = ROOT / "src", ROOT / "adapters"
LONGEST_FILE = 400
VENDORS = sorted(folder.name.removeprefix("proofport_") for folder in ADAPTERS.glob("proofport_*"))

LAYERS = [
    ["errors", "wire", "logs", "text"],
    ["evidence", "accounting", "sources"],
    ["adapter"],
    ["mapping", "registry", "journal.contract"],
    ["journal", "http"],
    ["delivery", "operations", "config"],
    ["audit", "notices"],
    ["gateway"],
    ["relay"],
    ["cli"],
    ["__main__"],
]
"""From the ground up. A part imports from its own layer and from those above it in this list."""

USERS = {
    "aiohttp": {"http", "relay", "testing", "cli"},
    "psycopg": {"journal"},
    "procrastinate": {"journal"},
    "jsonpath_ng": {"mapping"},
    "click": {"cli"},
    "cryptography": {"audit"},
    "rfc3161_client": {"audit"},
    "proofport.http": {"http", "delivery", "operations", "gateway", "notices"},
    "proofport.journal.sqlite": {"journal", "cli"},
    "proofport.journal.postgres": {"journal", "cli"},
    "proofport.registry": {"registry", "config", "cli"},
}
"""The only parts that may import it: who has a socket, who reaches a vendor, who knows how the journal is stored."""

LAYER = {part: number for number, parts in enumerate(LAYERS) for part in parts}
TESTING = "testing"
MAY_START_EMULATORS = {"cli/demo/__init__.py", "cli/vendor/emulate.py"}
LOADED_LATE = {"cli/demo/tour.py", "cli/demo/relay.py", "cli/demo/narration.py"}
"""Loaded once their commands run: there, everything may stand at the top."""

FOR_ADAPTERS = {"errors", "wire", "evidence", "accounting", "adapter"}
NOT_FOR_ADAPTERS = {"asyncio", "http", "select", "socket", "sqlite3", "ssl", "subprocess", "threading", "time"}
"""Adapters are pure: what would let them wait, listen, send, store or look at the clock is not theirs."""

PURE_PACKAGES = {"pydantic", "pydantic_core", "msgspec"}
"""Packages that neither wait, listen, send nor store."""

FOR_EMULATORS = {"aiohttp", "orjson", "pydantic"}


@dataclass(frozen=True)
class Import:
    """One import: of what, where, and whether it happens when the file is loaded."""

    module: str
    line: int
    at_load: bool


@cache
def imports(file: Path) -> Sequence[Import]:
    """Every import of a file, relative ones resolved; `from a import b` counts as `a.b`."""
    return list(_imports(file))


def _imports(file: Path) -> Iterator[Import]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    inner = {id(node) for function in ast.walk(tree) if _is_function(function) for node in ast.walk(function)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{_absolute(node, file)}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (Import(name, node.lineno, id(node) not in inner) for name in names)


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)


def _absolute(node: ast.ImportFrom, file: Path) -> str:
    if not node.level:
        return node.module or ""
    base = SRC if file.is_relative_to(SRC) else ADAPTERS
    package = file.relative_to(base).parent.parts
    return ".".join([*package[: len(package) - node.level + 1], *([node.module] if node.module else [])])


def modules(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def part_of(module: str) -> str:
    """The part of proofport that a dotted name belongs to: `delivery` for `proofport.delivery.lane.Lane`."""
    names = module.removeprefix("proofport.").split(".")
    return ".".join(names[:2]) if ".".join(names[:2]) in LAYER else names[0]


def of_proofport(file: Path) -> list[Import]:
    return [found for found in imports(file) if found.module.startswith("proofport.")]


def shown(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


ENGINE = [file for file in modules(SRC / "proofport") if file.name != "__init__.py" or file.parent.name != "proofport"]


def home(file: Path) -> str:
    return part_of(".".join(file.relative_to(SRC / "proofport").with_suffix("").parts))


def test_every_part_has_its_place() -> None:
    assert {home(file) for file in ENGINE} <= {*LAYER, TESTING}, "give the new part its layer, here and in the design"


def test_imports_point_one_way() -> None:
    def layer_of(file: Path) -> int:
        return LAYER["relay"] if home(file) == TESTING else LAYER[home(file)]

    below = {
        f"{shown(file)}:{found.line} imports {found.module}"
        for file in ENGINE
        for found in of_proofport(file)
        if part_of(found.module) in LAYER and LAYER[part_of(found.module)] > layer_of(file)
    }
    assert below == set()


@pytest.mark.parametrize("module", USERS)
def test_only_a_few_parts_use(module: str) -> None:
    users = {
        home(file)
        for file in ENGINE
        for found in imports(file)
        if found.module == module or found.module.startswith(f"{module}.")
    }
    assert {user.split(".")[0] for user in users} <= USERS[module]


def test_no_two_parts_need_each_other() -> None:
    needs: dict[str, set[str]] = {}
    for file in ENGINE:
        parts = {part_of(found.module) for found in of_proofport(file)}
        needs.setdefault(home(file), set()).update(parts & LAYER.keys() - {home(file)})
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        pytest.fail(f"a circle: {' → '.join(error.args[1])}")


def test_only_the_demo_and_the_emulators_command_use_what_is_for_tests_and_lazily() -> None:
    late = tuple(f"proofport.{each.removesuffix('.py').replace('/', '.')}" for each in LOADED_LATE)
    wrong = set()
    for file in ENGINE:
        name = file.relative_to(SRC / "proofport").as_posix()
        if home(file) == TESTING or name in LOADED_LATE:
            continue
        for found in of_proofport(file):
            for_tests = part_of(found.module) == TESTING
            if (for_tests and name not in MAY_START_EMULATORS) or (
                found.at_load and (for_tests or found.module.startswith(late))
            ):
                wrong.add(f"{shown(file)}:{found.line} imports {found.module}")
    assert wrong == set()


# ---------------------------------------------------------------------- adapters
PACKAGES = sorted(ADAPTERS.glob("proofport_*"))
PURE = [file for package in PACKAGES for file in modules(package) if "emulator" not in file.relative_to(package).parts]
EMULATORS = [file for package in PACKAGES for file in modules(package / "emulator")]


def package_of(file: Path) -> str:
    return file.relative_to(ADAPTERS).parts[0]


def refused(files: Sequence[Path], may: Callable[[Path, str, list[str]], bool]) -> set[str]:
    """The imports of files that `may` refuses. It is given the file, the top of the name, and the rest of it."""
    return {
        f"{shown(file)}:{found.line} imports {found.module}"
        for file in files
        for found in imports(file)
        for top, *rest in [found.module.split(".")]
        if not may(file, top, rest)
    }


def test_an_adapter_is_pure() -> None:
    def may(file: Path, top: str, rest: list[str]) -> bool:
        if top == "proofport":
            return part_of(".".join([top, *rest])) in FOR_ADAPTERS
        if top == package_of(file):
            return rest[0] != "emulator"
        return top in PURE_PACKAGES or top in sys.stdlib_module_names - NOT_FOR_ADAPTERS

    assert refused(PURE, may) == set()


def test_an_emulator_shares_nothing_with_its_adapter() -> None:
    """Or both would share a misreading of the vendor."""

    def may(file: Path, top: str, rest: list[str]) -> bool:
        if top in ("proofport", package_of(file)):
            return rest[0] == (TESTING if top == "proofport" else "emulator")
        return top in {*FOR_EMULATORS, *sys.stdlib_module_names}

    assert refused(EMULATORS, may) == set()


@pytest.mark.parametrize("package", [SRC / "proofport", *PACKAGES], ids=shown)
def test_every_package_tells_type_checkers_that_it_is_typed(package: Path) -> None:
    assert (package / "py.typed").is_file()


# ---------------------------------------------------------------------- names and sizes
def test_the_engine_knows_no_vendor_by_name() -> None:
    assert VENDORS, "there are adapters to look for"
    named = []
    for path in SRC.rglob("*"):
        if "__pycache__" in path.parts:
            continue
        text = path.read_bytes().lower() if path.is_file() else b""
        named += [
            f"{shown(path)} names {vendor}"
            for vendor in VENDORS
            if vendor in path.name.lower() or vendor.encode() in text
        ]
    assert named == []


def test_the_glossary_says_what_stands_in_each_folder() -> None:
    rows = re.findall(r"^\| `((?:src|adapters)/\S+)` \|", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE)
    folders = {path.parent for top in (SRC, ADAPTERS) for path in top.rglob("*.py")}
    assert sorted(rows) == sorted(str(folder.relative_to(ROOT)) for folder in folders)


def test_no_file_is_too_long_to_read() -> None:
    folders = [SRC, ADAPTERS, ROOT / "tests", ROOT / "benchmarks"]
    files = [file for folder in folders for file in modules(folder)] + sorted((ROOT / "mappings").rglob("*.yaml"))
    lengths = {shown(file): file.read_text(encoding="utf-8").count("\n") for file in files}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FILE} == {}
