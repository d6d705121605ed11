"""`proofport mapping`: list, show and draft mappings, check them, and run the tests that they carry."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from proofport.cli import options
from proofport.cli.output import echo, explain, plain, show
from proofport.errors import UsageError

if TYPE_CHECKING:
    from proofport.adapter import Body
    from proofport.mapping import MappingFile, MappingLibrary
    from proofport.mapping.draft import Rules

T = TypeVar("T")
OF_VENDORS, WRONG = "vendor mappings", "wrong mappings"
names_argument = click.argument("names", metavar="[NAME|FILE]...", nargs=-1)


@click.group("mapping")
def mapping() -> None:
    """Show, draft, check and test mappings: the built-in ones, and those in the configuration's `mappings:` folder."""


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


@mapping.command("show")
@click.argument("name")
@options.config_option
def show_command(name: str, config_path: str | None) -> int:
    """Print the mapping NAME, to copy and change it. Its first line says where to save it."""
    from proofport.mapping import to_copy

    echo(plain(to_copy(_library(config_path).find(name), _folder(config_path)).rstrip("\n")))
    return 0


@mapping.command("new")
@click.argument("sample", metavar="SAMPLE")
@click.option("--kind", metavar="KIND", required=True, help="The kind of evidence that the records are.")
@click.option("--name", metavar="NAME", help="The mapping's name, such as acme.users. [default: that of SAMPLE]")
@click.option("--out", metavar="FILE", help="The file to write; never over another one. [default: stdout]")
def new_command(sample: str, kind: str, name: str | None, out: str | None) -> int:
    """Draft a source mapping from SAMPLE, a file with some records of a tool.

    Rules come from the names and values in it. What is unsure has a comment that begins with `check:`. The tests have
    the sample's form, and other values.
    """
    from proofport.evidence import model_of
    from proofport.mapping.draft import draft
    from proofport.sources import open_source

    model_of(kind)
    if out is not None and Path(out).exists():
        raise UsageError(f"{out} exists", hint="Name another file: a mapping is never written over.")
    with open_source(sample) as reader:
        text, rules = draft(reader, kind, _name_for(name, sample))
    if out is None:
        echo(plain(text.rstrip("\n")))
    else:
        _write(Path(out), text)
    _tell(rules, sample, out)
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


def _name_for(name: str | None, sample: str) -> str:
    """The name of a new mapping, without `sources/`."""
    if name is None:
        stem = "sample" if sample == "-" else Path(sample).stem
        return re.sub(r"[^a-z0-9.]+", "_", stem.lower()).strip("_.") or "sample"
    short = name.removeprefix("sources/")
    if not re.fullmatch(r"[A-Za-z][\w.-]*", short):
        raise UsageError(f"found the name {name!r}, expected letters, digits, dots, - and _, such as acme.users")
    return short


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", hint="Is its folder there?") from None


def _tell(rules: Rules, sample: str, out: str | None) -> None:
    """Say on stderr what was drafted, and how to go on."""
    made, doubted = len(rules.fields) + len(rules.parents), sum(bool(rule.doubts) for rule in rules.fields.values())
    show(
        f"{_count(made, 'rule')} from {_count(len(rules.found.held), 'record')}, {doubted} of them to check; "
        f"{_count(len(rules.unused) + len(rules.empty), 'column')} not used.",
        err=True,
    )
    for text in rules.to_fill_in:
        show(text, err=True)
    if out is not None:
        name = rules.name.removeprefix("sources/")
        show(
            f"Next: proofport mapping test {out}; with the folder of {out} as `mappings:` in proofport.yaml:", err=True
        )
        show(f"proofport preview {name}={sample}", "  ", err=True)


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
    from proofport.mapping import MappingLibrary

    folder = _configured(config_path)
    return MappingLibrary([folder] if folder else [])


def _configured(config_path: str | None) -> Path | None:
    """The folder that `mappings:` of the configuration names, if there is one."""
    from proofport.config import Config, locate

    return Config.load(config_path).mappings if locate(config_path) else None


def _folder(config_path: str | None) -> str | None:
    """The same, as a person in this folder would write it."""
    folder = _configured(config_path)
    return os.path.relpath(folder) if folder else None


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
