"""What is shipped: built as sdist and wheel, installed into a fresh environment, used far from the checkout."""

from __future__ import annotations

import ast
import json
import os
import re
import signal
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from email.parser import Parser
from importlib.metadata import PackageNotFoundError, packages_distributions
from importlib.metadata import metadata as package_metadata
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [ROOT / "src", ROOT / "adapters"]
PINS = ROOT / "requirements"
WHOLE = bool(os.environ.get("PROOFPORT_SOAK"))


def run(*command: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PROOFPORT"))}
    return subprocess.run(command, text=True, capture_output=True, env=clean, timeout=300, **options)


def done(*command: str | Path, **options: Any) -> str:
    """The output of a command that must succeed."""
    finished = run(*command, **options)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that was made from it."""
    folder = tmp_path_factory.mktemp("dist")
    done(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    return folder


@pytest.fixture(scope="session")
def wheel(built: Path) -> Path:
    [found] = built.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a fresh environment with the wheel in it.

    Its dependencies come from this environment, without the editable proofport; `make soak` has pip fetch them.
    """
    home = tmp_path_factory.mktemp("fresh") / "environment"
    done(sys.executable, "-m", "venv", "--without-pip", home)
    programs = home / "bin"
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", programs / "python", "install", "--quiet"]
    done(*pip, "--no-deps", "--no-index", wheel)
    if WHOLE:
        done(*pip, "--require-hashes", "--requirement", PINS / "run.txt")
    else:
        [site] = home.glob("lib/python*/site-packages")
        (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return programs


# ---------------------------------------------------------------------- what is in it
@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="only git tells what belongs to the project")
def test_the_sdist_holds_what_belongs_to_the_project_and_nothing_else(built: Path) -> None:
    [sdist] = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    listed = done("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT).splitlines()
    assert names - {"PKG-INFO"} == {name for name in listed if (ROOT / name).exists() and not name.startswith(".ci/")}


def test_the_wheel_holds_every_module_and_data_file_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    files = {path: path.relative_to(folder) for folder in SOURCES for path in folder.rglob("*") if path.is_file()}
    expected = {path.as_posix() for path in files.values() if "__pycache__" not in path.parts} - {"README.md"}
    expected |= {f"proofport/mappings/{path.relative_to(ROOT / 'mappings')}" for path in _mappings()}
    assert {name for name in names if ".dist-info/" not in name} == expected


def _mappings() -> list[Path]:
    return [path for path in (ROOT / "mappings").rglob("*") if path.is_file()]


def metadata(wheel: Path) -> Any:
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return Parser().parsestr(archive.read(name).decode())


BROUGHT_ALONG = {"annotated_types", "pydantic_core", "yarl"}
"""Part of the interface of aiohttp and of pydantic."""

EXTRAS = {
    ROOT / "src" / "proofport" / "journal" / "postgres": "postgres",
    ROOT / "src" / "proofport" / "delivery" / "lane" / "payload.py": "fast",
    ROOT / "src" / "proofport" / "audit" / "stamps.py": "timestamps",
    ROOT / "src" / "proofport" / "audit": "audit",
}
"""Where libraries of an extra are used; nothing else may need them."""


def test_every_library_that_is_imported_is_declared(wheel: Path) -> None:
    declared = metadata(wheel).get_all("Requires-Dist")
    base = _names(text for text in declared if "extra ==" not in text)
    homes = packages_distributions()
    for path in (path for folder in SOURCES for path in folder.rglob("*.py")):
        extra = next((extra for place, extra in EXTRAS.items() if place in (path, *path.parents)), None)
        names = base | _names(text for text in declared if extra and re.search(f"extra == .{extra}.", text))
        for module in imported(path) - sys.stdlib_module_names - BROUGHT_ALONG:
            homes_of = {name.lower().replace("_", "-") for name in homes.get(module, [module])}
            assert module.startswith("proofport") or homes_of & names, f"{path.name}: {module} is not declared"


def _names(requirements: Iterable[str]) -> set[str]:
    """Of distributions; an extra in brackets brings another, which is imported under its own name."""
    names = set()
    for text in requirements:
        name, *extras = re.findall(r"[\w-]+", text.partition("]")[0] if "[" in text else re.split(r"[^\w-]", text)[0])
        names |= {name.lower(), *(f"{name}-{extra}".lower() for extra in extras)}
    return names


def imported(path: Path) -> set[str]:
    """The top-level modules that a file imports."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    members = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
    return {name.partition(".")[0] for name in plain | members}


# ---------------------------------------------------------------------- what it needs
PINNED = re.compile(r"([A-Za-z0-9._-]+)==(\S+)(?: ; [^\\]+)? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)")


@pytest.mark.parametrize("file", sorted(PINS.iterdir()), ids=lambda file: str(file.stem))
def test_every_pin_has_hashes_and_names_no_registry(file: Path) -> None:
    text = file.read_text()
    assert PINNED.sub("", text) == ""
    assert len(PINNED.findall(text)) > 20


def test_the_pins_agree_and_cover_what_is_declared(wheel: Path) -> None:
    pins = {file.stem: {_plain(n): v for n, v, _ in PINNED.findall(file.read_text())} for file in PINS.iterdir()}
    for versions in pins.values():
        assert {name: pins["dev"].get(name, version) for name, version in versions.items()} == versions
    declared = metadata(wheel).get_all("Requires-Dist")
    for extra, file in (
        ("fast", "run"),
        ("parquet", "run"),
        ("postgres", "run"),
        ("audit", "run"),
        ("timestamps", "run"),
        ("xlsx", "run"),
        ("dev", "dev"),
        ("bench", "bench"),
        ("release", "release"),
    ):
        wanted = [text for text in declared if "extra ==" not in text or re.search(f"extra == .{extra}.", text)]
        assert {_plain(re.split(r"[^\w.-]", text)[0]) for text in wanted} <= pins[file].keys()


def test_the_page_of_licences_is_true() -> None:
    listed = dict(
        re.findall(r"^\| `([\w.-]+)` \| (.+) \|$", (ROOT / "docs" / "dependencies.md").read_text(), re.MULTILINE)
    )
    pinned = [_plain(name) for name, *_ in PINNED.findall((PINS / "run.txt").read_text())]
    assert list(listed) == pinned
    for name, licence in listed.items():
        with suppress(PackageNotFoundError):  # pinned for another platform
            assert licence == _licence(name)


def _licence(name: str) -> str:
    """The licence that an installed package declares: in the newest form that it uses."""
    found = package_metadata(name)
    classifiers = [text.rpartition(" :: ")[2] for text in found.get_all("Classifier") or () if "License ::" in text]
    return ", ".join(found.get_all("License-Expression") or classifiers or found.get_all("License") or ())


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


# ---------------------------------------------------------------------- how it works far from home
def test_it_runs_from_where_it_was_installed(installed: Path, tmp_path: Path) -> None:
    code = "import proofport, proofport_drata, proofport_secureframe as s; print(proofport.__file__, s.__file__)"
    assert str(ROOT) not in done(installed / "python", "-c", code, cwd=tmp_path)
    assert done(installed / "proofport", "--version", cwd=tmp_path).startswith("proofport ")


def test_the_mappings_pass_their_own_tests(installed: Path, tmp_path: Path) -> None:
    done(installed / "proofport", "mapping", "test", cwd=tmp_path)
    listed = done(installed / "proofport", "mapping", "list", cwd=tmp_path)
    for path in (ROOT / "mappings").glob("*/*.yaml"):
        assert f"{path.parent.name}/{path.stem}" in listed


def test_the_emulators_take_what_is_pushed(installed: Path, tmp_path: Path) -> None:
    records = [{"id": f"i-{n}", "type": "aws.ec2.instance", "name": "web", "region": "eu-west-1"} for n in range(3)]
    (tmp_path / "records.ndjson").write_text("".join(json.dumps(record) + "\n" for record in records))
    emulate: list[str | Path] = [installed / "proofport", "emulate", "--write-config", "proofport.yaml"]
    with subprocess.Popen(emulate, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as emulators:
        try:
            assert emulators.stdout is not None
            assert "ready" in emulators.stdout.readline()
            report = push(installed, tmp_path)
        finally:
            emulators.send_signal(signal.SIGINT)
    assert {name: row["delivered"] for name, row in report["destinations"].items()} == {"drata": 3, "secureframe": 3}


def push(installed: Path, folder: Path) -> dict[str, Any]:
    to: Sequence[str] = ["--to", "drata", "--to", "secureframe"]
    command = ["push", "records.ndjson", "--kind", "cloud_resource", *to, "--json"]
    report: dict[str, Any] = json.loads(done(installed / "proofport", *command, cwd=folder))
    return report
