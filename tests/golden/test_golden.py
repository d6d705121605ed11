"""What users and their programs rely on is as it was recorded: reports, `--help`, the relay's API, exit codes.

Structure, names, counts and codes are compared. Prose is not, nor what differs from run to run. A scenario is a
function that types and asks; what it saw lies in a file of its name. `python -m tests.golden.record` records all of
them again: do so only for a change that is meant, and read the difference.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from tests.golden import commands, pushing, relaying
from tests.golden.world import World, differences
from tests.support.emulators import Emulators, emulating

Scenario: TypeAlias = Callable[[World], None]
WIDTH = 140

SCENARIOS: tuple[Scenario, ...] = (
    commands.helps,
    pushing.reports,
    pushing.kinds,
    pushing.trouble,
    pushing.interrupted,
    commands.usage,
    commands.configurations,
    commands.looking,
    commands.reading_back,
    relaying.relay,
)


def played(scenario: Scenario, emulators: Emulators, folder: Path) -> dict[str, Any]:
    world = World(folder, emulators)
    scenario(world)
    return world.golden


def file_of(scenario: Scenario) -> Path:
    return Path(__file__).with_name(f"{scenario.__name__}.json")


def written(value: Any, indent: str = "") -> str:
    """JSON with its names in order; what fits into a line stands in one."""
    line = json.dumps(value, ensure_ascii=False, sort_keys=True)
    if len(indent) + len(line) <= WIDTH or not isinstance(value, dict | list):
        return line
    deeper = f"{indent} "
    if isinstance(value, list):
        return "[\n" + ",\n".join(deeper + written(each, deeper) for each in value) + f"\n{indent}]"
    rows = (f"{deeper}{json.dumps(name)}: {written(value[name], deeper)}" for name in sorted(value))
    return "{\n" + ",\n".join(rows) + f"\n{indent}}}"


@pytest.fixture(scope="module")
def emulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulators]:
    with emulating(tmp_path_factory.mktemp("golden")) as started:
        yield started


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_what_users_rely_on_is_as_it_was(scenario: Scenario, emulators: Emulators, tmp_path: Path) -> None:
    before = json.loads(file_of(scenario).read_text(encoding="utf-8"))
    now = json.loads(written(played(scenario, emulators, tmp_path)))
    found = sorted(differences(before, now))
    assert not found, "\n".join(found)
