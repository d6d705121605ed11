"""`proofport mapping`: list mappings, check them, and run the tests that they carry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from proofport.cli import options
from proofport.cli.output import echo, explain, plain
from proofport.errors import UsageError

if TYPE_CHECKING:
    from proofport.adapter import Body
    from proofport.mapping import MappingFile, MappingLibrary

T = TypeVar("T")
OF_VENDORS, WRONG = "vendor mappings", "wrong mappings"
names_argument = click.argument("names", metavar="[NAME|FILE]...", nargs=-1)


@click.group("mapping")
def mapping() -> None:
    """List, check and test mappings: the built-in ones, and those in the configuration's `mappings:` folder."""


@mapping.command("list")
@options.config_option
def list_command(config_path: str | None) -> int:
    """List every mapping by its name: sources by the kind that they give, then what vendors take of each kind."""
    library = _library(config_path)
    names = library.names()
    width = max(map(len, names))
    groups: dict[str, list[str]] = {}
    for name in names:
        group, summary = _group_and_summary(library, name)
        groups.setdefault(group, []).append(f"{name:<{width}}  {summary}")
    for group in sorted(groups, key=lambda group: (group in (WRONG, OF_VENDORS), group)):
        echo(click.style(plain(group), bold=True))
        for line in groups[group]:
            echo(plain(line))
    return 0


@mapping.command("check")
@names_argument
@options.config_option
def check_command(names: Sequence[str], config_path: str | None) -> int:
    """Check mappings by name or file; without one, all of them.

    Exit codes: 0 all are right, 2 one is wrong.
    """
    right, wrong = _each(names, config_path, _check)
    echo(f"{_count(len(right), 'mapping')} right" + (f", {wrong} wrong" if wrong else ""))
    return 2 if wrong else 0


@mapping.command("test")
@names_argument
@options.config_option
def test_command(names: Sequence[str], config_path: str | None) -> int:
    """Run the tests of mappings, by name or file; without one, of all of them.

    Exit codes: 0 all pass, 1 one fails, 2 a mapping is wrong.
    """
    tested, wrong = _each(names, config_path, _run_tests)
    passed, failed = sum(good for good, _ in tested), sum(bad for _, bad in tested)
    summary = f"{_count(len(tested), 'mapping')}: {_count(passed, 'test')} passed"
    echo(summary + (f", {failed} failed" if failed else "") + (f", {wrong} wrong" if wrong else ""))
    return 2 if wrong else int(failed > 0)


def _group_and_summary(library: MappingLibrary, name: str) -> tuple[str, str]:
    from proofport.mapping import Vendor

    try:
        found = library.find(name)
    except UsageError:
        return WRONG, "wrong: see `proofport mapping check`"
    if isinstance(found.to, Vendor):
        return OF_VENDORS, f"takes {found.from_kind}"
    return f"sources of {found.to}", f"gives {found.to}"


def _check(mapping: MappingFile) -> None:
    """Raises MappingError for a mistake, or for what can never be."""
    from proofport.mapping import Vendor, check_possible, compile_source, compile_vendor

    if isinstance(mapping.to, Vendor) and mapping.from_kind:
        vendor, kind = mapping.to.vendor, mapping.from_kind
        body = _body(vendor, kind, mapping.to.body)
        compile_vendor(mapping, body, kind, vendor)
        check_possible(mapping, body.model)
    else:
        compile_source(mapping)
        check_possible(mapping)


def _run_tests(mapping: MappingFile) -> tuple[int, int]:
    """Run the tests of one mapping and show those that fail. Returns how many passed and failed."""
    from proofport.mapping import run_tests

    results = run_tests(mapping, _body)
    for result in results:
        if not result.ok:
            where = plain(f"{mapping.path}:{result.line}: {mapping.name}: {result.name}")
            echo(click.style(where, bold=True))
            echo(plain(f"  found    {result.found}\n  expected {result.expected}"))
    failed = sum(not result.ok for result in results)
    return len(results) - failed, failed


def _body(vendor: str, kind: str, name: str) -> Body:
    """The body that a vendor takes by the defaults of its adapter, so that no destination has to be configured."""
    from proofport.registry import load_adapter

    adapter = load_adapter(vendor)
    bodies = adapter.bodies(kind)
    return next((body for body in bodies if body.name == name), bodies[0])


def _library(config_path: str | None) -> MappingLibrary:
    """The mappings that a push would find; without a configuration, the built-in ones."""
    from proofport.config import Config, locate
    from proofport.mapping import MappingLibrary

    folder = Config.load(config_path).mappings if locate(config_path) else None
    return MappingLibrary([folder] if folder else [])


def _each(names: Sequence[str], config_path: str | None, do: Callable[[MappingFile], T]) -> tuple[list[T], int]:
    """Apply `do` to each mapping. Returns the results, and how many mappings are wrong; stderr says why."""
    from proofport.mapping import load_file

    library = _library(config_path)
    done: list[T] = []
    wrong = 0
    for name in names or library.names():
        try:
            found = load_file(Path(name)) if Path(name).is_file() else [library.find(name)]
            done.extend(do(mapping) for mapping in found)
        except UsageError as error:
            explain(error)
            wrong += 1
    return done, wrong


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
