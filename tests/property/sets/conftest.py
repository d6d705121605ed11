"""The toys as installed packages."""

from __future__ import annotations

from pathlib import Path

import pytest

TOYS = Path(__file__).parents[2] / "toy"


@pytest.fixture
def toys_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder holds packages and their metadata, as one that pip installs into."""
    monkeypatch.syspath_prepend(str(TOYS))
