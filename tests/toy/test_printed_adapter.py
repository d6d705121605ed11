"""The adapter that `adapters/README.md` prints, installed as it says, keeps the contract and its test, and is used."""

from __future__ import annotations

import inspect
import sys
import tomllib
from pathlib import Path

import pytest
from tests.support.cli import CommandLine
from tests.support.printed import Printed


def test_the_printed_adapter_works_as_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Printed("adapters/README.md")
    package, about = tmp_path / "proofport_acme", tmp_path / "proofport_acme-1.0.dist-info"
    (package / "mappings" / "acme").mkdir(parents=True)
    (package / "__init__.py").write_text(page.text("from proofport.accounting"))
    (package / "mappings" / "acme" / "thing.yaml").write_text(page.text("mapping: acme/thing"))
    about.mkdir()
    about.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: proofport-acme\nVersion: 1.0\n")
    [(group, points)] = tomllib.loads(page.text("[project.entry-points"))["project"]["entry-points"].items()
    lines = [f"{name} = {value}" for name, value in points.items()]
    about.joinpath("entry_points.txt").write_text("\n".join([f"[{group}]", *lines]))
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        keeps_its_test(page.text("import json"))
        is_used(tmp_path)
    finally:
        sys.modules.pop("proofport_acme", None)
    assert page.taken == page.blocks


def keeps_its_test(text: str) -> None:
    """Run the tests of a printed file. pytest itself would take more time than they do."""
    module: dict[str, object] = {"__name__": "test_acme"}
    exec(text, module)
    classes = [each for name, each in module.items() if name.startswith("Test") and inspect.isclass(each)]
    tests = [getattr(each(), name) for each in classes for name in dir(each) if name.startswith("test_")]
    tests += [each for name, each in module.items() if name.startswith("test_") and callable(each)]
    assert len(tests) > len(classes) + 20, "the contract and its own"
    for test in tests:
        test()


def is_used(folder: Path) -> None:
    block = {"adapter": "acme", "base_url": "http://127.0.0.1:1", "api_key": "s3cret"}
    cli = CommandLine(folder, {"acme": block}, instance="printed")
    cli.configure()
    assert cli.type("mapping", "test", "acme/thing").code == 0
    cli.write("instances.ndjson", {"id": "i-1", "type": "aws.ec2.instance", "name": "web"})
    shown = cli.type("preview", "instances.ndjson", "--kind", "cloud_resource", "--to", "acme", "--json")
    assert (shown.code, '"label": "web"' in shown.out) == (0, True), shown
