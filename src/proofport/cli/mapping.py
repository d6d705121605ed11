"""`proofport mapping`: which mappings there are, whether they are right, and whether their own tests pass."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from proofport.cli import options

if TYPE_CHECKING:
    from proofport.mapping import MappingFile, MappingLibrary

names_argument = click.argument("names", metavar="[NAME|FILE]...", nargs=-1)


@click.group("mapping")
def command() -> None:
    """List, check and test mappings: the built-in ones, and those in the configuration's `mappings:` folder."""


@command.command("list")
@options.config_option
def list_command(config_path: str | None) -> int:
    """List the name of every mapping."""
    for name in _library(config_path).names():
        click.echo(name)
    return 0


@command.command("check")
@names_argument
@options.config_option
def check_command(names: Sequence[str], config_path: str | None) -> int:
    """Check mappings by name or file; all there are, unless some are named.

    Exit codes: 0 all are right, 2 one is wrong.
    """
    mappings, wrong = _load(names, config_path)
    click.echo(f"{len(mappings)} mappings are right" + (f", {wrong} wrong" if wrong else ""))
    return 2 if wrong else 0


@command.command("test")
@names_argument
@options.config_option
def test_command(names: Sequence[str], config_path: str | None) -> int:
    """Run the tests that mappings carry, by name or file; those of all there are, unless some are named.

    Exit codes: 0 all pass, 1 one fails, 2 a mapping is wrong.
    """
    mappings, wrong = _load(names, config_path)
    passed = failed = 0
    for mapping in mappings:
        good, bad = _run_tests(mapping)
        passed, failed = passed + good, failed + bad
    click.echo(f"{passed} tests passed" + (f", {failed} failed" if failed else "") + f" in {len(mappings)} mappings")
    return 2 if wrong else int(failed > 0)


def _run_tests(mapping: MappingFile) -> tuple[int, int]:
    """Run one mapping's tests and show those that fail. Returns how many passed and failed."""
    from proofport.mapping import run_tests

    results = run_tests(mapping)
    for result in results:
        if not result.ok:
            click.echo(click.style(f"{mapping.path}:{result.line}: {mapping.name}: {result.name}", bold=True))
            click.echo(f"  found    {result.found}\n  expected {result.expected}")
    failed = sum(not result.ok for result in results)
    return len(results) - failed, failed


def _library(config_path: str | None) -> MappingLibrary:
    """The mappings that a push would find; without a configuration, the built-in ones."""
    from proofport.config import Config
    from proofport.errors import ConfigError
    from proofport.mapping import MappingLibrary

    try:
        folder = Config.load(config_path).mappings
    except ConfigError:
        if config_path is not None:
            raise
        folder = None
    return MappingLibrary([folder] if folder else [])


def _load(names: Sequence[str], config_path: str | None) -> tuple[list[MappingFile], int]:
    """The mappings that are right, and how many are wrong: each of those is explained on stderr."""
    from proofport.cli.failures import explain
    from proofport.errors import UsageError
    from proofport.mapping import load_file

    library = _library(config_path)
    found: list[MappingFile] = []
    wrong = 0
    for name in names or library.names():
        try:
            found += load_file(Path(name)) if Path(name).is_file() else [library.find(name)]
        except UsageError as error:
            explain(error)
            wrong += 1
    return found, wrong
