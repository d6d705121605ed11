"""The tour ends well, without a terminal, and says the same as what the vendors hold."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from proofport import registry
from proofport.cli import app

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Capture) -> str:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert app.run(["demo"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert list(tmp_path.iterdir()) == []
    return said.out


def test_the_tour(told: str) -> None:
    assert all(len(line) <= 80 for line in told.splitlines())
    plain = " ".join(told.split())
    for name in registry.names(registry.EMULATORS):
        assert f"{name} http://127.0.0.1:" in plain
    assert "The snapshot was not completed: 3 records rejected (allowed 0)" in plain
    for kind, first, second in (
        ("cloud_resource", "20 18 0 2", "20 0 17 3"),
        ("training_record", "16 13 0 3", "16 0 12 4"),
        ("personnel_account", "16 13 0 3", "16 0 12 4"),
    ):
        assert f"{kind} drata {first} secureframe {second}" in plain
    assert "Did you mean 'ec2_instance'?" in plain
    assert "drata no longer holds acct-06" in plain
    assert "secureframe still holds acct-06" in plain
