"""The ids of vendor objects go into the configuration, and nothing else in it changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from proofport.config.edit import store_objects
from proofport.errors import ConfigError

NEW: dict[str, dict[str, Any]] = {"device": {"connection_id": 5}, "custom:x": {"connection_id": 6, "resource_id": 7}}

LAYOUTS = {
    "a block with comments": """\
instance: prod  # ours
destinations:
  one:
    adapter: drata
    objects:
      # what we have
      cloud_resource: {connection_id: 1, resource_id: 2}   # inline

  # the other one
  two: {adapter: other}
""",
    "none yet": "destinations:\n  one:\n    adapter: drata\n    workspace_ids: [1]\n  two: {adapter: x}\n",
    "empty": "destinations:\n  one:\n    adapter: drata\n    objects: {}\n    region: us\n",
    "null": "destinations:\n  one:\n    objects:\n    adapter: drata\n",
    "the end of the file, without a line break": "destinations:\n  one:\n    adapter: drata",
    "wide": "destinations:\n    one:\n        objects:\n                person:\n                    mapping: x\n",
}


@pytest.mark.parametrize("text", LAYOUTS.values(), ids=LAYOUTS)
def test_kinds_are_added_and_the_rest_stays(tmp_path: Path, text: str) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(text)
    file.chmod(0o600)
    assert store_objects(file, "one", NEW) == ["device", "custom:x"]
    before, after = yaml.safe_load(text), yaml.safe_load(file.read_text())
    held = before["destinations"]["one"].pop("objects", None) or {}
    assert after["destinations"]["one"].pop("objects") == {**held, **NEW}
    assert before == after
    kept = [line for line in text.splitlines() if line.strip() and not line.strip().startswith("objects:")]
    assert [line for line in file.read_text().splitlines() if line in kept] == kept
    assert file.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["p.yaml"]


def test_a_destination_of_a_tenant_gets_its_own(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    text = (
        "destinations:\n  one:\n    adapter: x\ntenants:\n  acme:\n    destinations:\n      one:\n        adapter: x\n"
    )
    file.write_text(text)
    assert store_objects(file, "@acme/one", NEW) == ["device", "custom:x"]
    after = yaml.safe_load(file.read_text())
    assert after["tenants"]["acme"]["destinations"]["one"].pop("objects") == NEW
    assert after == yaml.safe_load(text)


def test_what_is_there_is_not_written_again(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("destinations:\n  one:\n    objects:\n      device: {connection_id: 1}\n")
    assert store_objects(file, "one", {"device": {"connection_id": 9}}) == []
    assert "connection_id: 1" in file.read_text()


@pytest.mark.parametrize(
    "text",
    [
        "destinations: {one: {adapter: drata}}\n",
        "destinations:\n  one:\n    objects: {device: {connection_id: 1}}\n",
    ],
)
def test_what_stands_in_one_line_is_left_to_a_person(tmp_path: Path, text: str) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match="by hand"):
        store_objects(file, "one", {"person": {"connection_id": 9}})
    assert file.read_text() == text
