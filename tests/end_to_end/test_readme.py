"""The README's example and commands do what it says, as printed."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

from tests.support.cli import Cli, CommandLine
from tests.support.programs import first_line, program

README = (Path(__file__).parents[2] / "README.md").read_text()


def block(language: str, after: str) -> str:
    """The first code block in that language after some words."""
    found = re.search(rf"```{language}\n(.*?)```", README[README.index(after) :], re.DOTALL)
    assert found
    return found[1]


def test_the_library_example(cli: Cli) -> None:
    example = block("python", "<!-- example: run by tests/end_to_end/test_readme.py -->")
    done = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True, timeout=60, cwd=cli.folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "drata delivered 1 {'accepted': 0, 'confirmed': 1, 'verified': 0}",
        "secureframe delivered 1 {'accepted': 1, 'confirmed': 0, 'verified': 0}",
    ]
    assert cli.held("drata", "training_record") == cli.held("secureframe", "training_record") == {"2026-security-ana"}
    assert len([line for line in example.splitlines() if line]) <= 20


def test_the_commands(tmp_path: Path) -> None:
    emulate, push = (shlex.split(line, comments=True) for line in commands())
    assert emulate.pop(0) == push.pop(0) == "proofport"
    assert emulate.pop() == "&"
    (tmp_path / "people.csv").write_text(re.findall(r"<<'END'\n(.*?)END\n", block("sh", "## Use it"), re.DOTALL)[0])
    with program(*emulate, cwd=tmp_path) as process:
        assert first_line(process) == "ready\n"
        done = CommandLine(tmp_path, {}).run(*push)
    assert done.code == 0, done.err
    assert "drata confirmed 2. secureframe queued 2 and reports no result." in done.words


def commands() -> list[str]:
    text = block("sh", "## Use it").replace("\\\n", " ")
    return [line for line in text.splitlines() if line.startswith("proofport")]


def test_make_has_the_targets_it_names() -> None:
    makefile = (Path(__file__).parents[2] / "Makefile").read_text()
    for target in set(re.findall(r"make (\w+)\b(?=[`\s])", README)) - {"and"}:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
