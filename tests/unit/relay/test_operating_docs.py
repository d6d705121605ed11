"""The runbook speaks of the events that there are, and of the settings as they are."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from proofport.config.relay import RelaySettings

ROOT = Path(__file__).parents[3]
LOGGED = re.compile(r"(?:\blog\.(?:debug|info|warning|error|exception)\(\s*\"|\"event=')([a-z_]+)[\"']")


def test_the_page_lists_every_event_that_a_relay_logs() -> None:
    rooms = ("relay", "gateway", "delivery", "http", "journal", "notices", "audit")
    folders = [ROOT / "src" / "proofport" / name for name in rooms]
    files = [file.read_text(encoding="utf-8") for folder in folders for file in folder.rglob("*.py")]
    events = {event for text in files for event in LOGGED.findall(text)}
    page = (ROOT / "docs" / "relay.md").read_text(encoding="utf-8")
    table = page.partition("### The log")[2].partition("### When something is wrong")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert {event for cell in cells for event in re.findall(r"`(\w+)`", cell)} == events


def test_the_page_of_the_configuration_shows_the_defaults() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    [block] = re.findall(r"```yaml\n(relay:\n.*?)```", page, re.DOTALL)
    assert RelaySettings.model_validate(yaml.safe_load(block)["relay"]) == RelaySettings()
    assert yaml.safe_load(block)["relay"] == RelaySettings().model_dump()
