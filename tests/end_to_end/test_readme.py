"""The README's commands and program do what it says: as printed, in an empty folder with what `make demo` installs."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.printed import ROOT, Printed, Shell, shell

README = (ROOT / "README.md").read_text()


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Shell]:
    """A checkout after `make demo`: all that it adds is the environment."""
    (tmp_path / "checkout").mkdir()
    (tmp_path / "checkout" / ".venv").symlink_to(sys.prefix)
    with shell(tmp_path / "checkout", installed=False) as opened:
        yield opened


def test_use_it(opened: Shell) -> None:
    page = Printed("README.md")
    assert opened.type("command -v proofport", code=None).code == 1, "it is found by what the text says alone"
    path, emulate, *rest = page.text("export PATH").splitlines()
    opened.type(f"{path}\n{emulate}")
    opened.await_line("ready")
    assert "drata confirmed 2. secureframe queued 2 and reports no result." in opened.type("\n".join(rest)).words
    program = page.text("import asyncio")
    (opened.folder / "example.py").write_text(program)
    assert opened.type("python example.py").out.split("\n")[:2] == [
        "drata delivered 1 {'accepted': 0, 'confirmed': 1, 'verified': 0}",
        "secureframe delivered 1 {'accepted': 1, 'confirmed': 0, 'verified': 0}",
    ]
    assert len([line for line in program.splitlines() if line]) <= 20
    own = opened.type(page.text("mkdir -p mine/sources")).words
    assert "drata confirmed 2. secureframe queued 2 and reports no result." in own
    assert "drata confirmed 2. secureframe queued 2 and reports no result. vanta confirmed 2." in own
    alone = "proofport push packages=page1.json --mode snapshot --to drata --to secureframe --to vanta"
    assert "page1.json is the last page" in opened.type(alone, code=4).words
    opened.type("kill %1")
    assert opened.type("wait; jobs -r").words == "", "the emulators have stopped"


def test_make_has_the_targets_it_names() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"make (\w+)\b(?=[`\s])", README)) - {"and"}:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
