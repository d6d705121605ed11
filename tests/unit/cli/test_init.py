"""`init` writes what the adapters need, never a secret, and never over a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

import click
import pytest
from pydantic import BaseModel, Field, SecretStr

from proofport import registry
from proofport.adapter import ObjectSettings, Settings
from proofport.cli import app
from proofport.cli.vendor import init
from proofport.config import Config


class TableSettings(ObjectSettings):
    table: int


class ToySettings(Settings):
    region: Literal["us", "eu"] | None = None
    flags: frozenset[Literal["x"]] = frozenset()
    api_key: SecretStr
    api_secret: SecretStr | None = None
    account: str
    shelf: int = Field(3, description="which shelf")
    objects: dict[str, TableSettings] = Field(default_factory=dict)


class Toy:
    Settings: ClassVar[type[BaseModel]] = ToySettings


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(registry, "names", lambda group: ["toy"])
    monkeypatch.setattr(registry, "load_adapter", lambda name: Toy)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "proofport.yaml"


def test_writes_what_the_settings_model_says(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["init", "--adapter", "toy", "--instance", "7"]) == 0
    text = toy.read_text()
    for line in (
        'instance: "7"    # the name',
        "    adapter: toy",
        "    region: us    # one of us, eu",
        "    api_key: env:TOY_API_KEY",
        "    api_secret: env:TOY_API_SECRET",
        "    account:    # required",
        "    # shelf:    # which shelf",
        "    # flags:",
        "    objects: {}",
        "    #   cloud_resource: {table: …}",
    ):
        assert f"\n{line}" in text
    assert "set TOY_API_KEY, TOY_API_SECRET;" in capsys.readouterr().err
    config = Config.load(toy)
    assert config.instance == "7"
    assert config.destinations["toy"]["api_key"] == "env:TOY_API_KEY"


def test_leaves_an_existing_file_alone(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    toy.write_text("mine")
    assert app.run(["init", "--adapter", "toy"]) == 2
    assert toy.read_text() == "mine"
    assert "exists already" in capsys.readouterr().err


def test_without_a_terminal_it_wants_to_be_told(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["init"]) == 2
    assert "installed: toy" in capsys.readouterr().err
    assert not toy.exists()


def test_asks_until_the_adapter_accepts_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def prompt(question: str, *, default: str | None, value_proc: Any) -> Any:
        asked.append(question)
        with pytest.raises(click.UsageError):
            value_proc("nowhere" if default else 7)
        return value_proc("eu" if default else "true")

    monkeypatch.setattr(click, "prompt", prompt)
    block = init.destination("toy", ToySettings, init._ask)
    assert asked == ["toy: region (us, eu)", "toy: account"]
    assert "    region: eu " in block
    assert '    account: "true"' in block


@pytest.mark.parametrize("name", registry.names(registry.ADAPTERS))
def test_what_it_writes_for_an_installed_adapter_loads(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert app.run(["init", "--adapter", name]) == 0
    block = Config.load().destinations[name]
    assert block["adapter"] == name
    assert all(str(block[secret]).startswith("env:") for secret in ("api_key", "api_secret") if secret in block)


def test_every_setting_can_be_given(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ("region=", "shelf=4", "flags=x", "account=7")
    sets = [word for each in given for word in ("--set", f"toy.{each}")]
    assert app.run(["init", "--adapter", "toy", *sets, "--config", toy.name]) == 0
    text = toy.read_text()
    for line in ("    shelf: 4", "    flags: [x]", '    account: "7"', "    # region:"):
        assert f"\n{line}\n" in text
    assert f"`proofport doctor --config {toy.name}`" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("toy.shelf=high", "--set toy.shelf: Input should be a valid integer"),
        ("toy.shelve=4", "it has account, flags, max_age, region, requests_per_minute, shelf"),
        ("toy.api_key=secret", "has no setting 'api_key'"),
        ("other.shelf=4", "with a vendor of toy"),
    ],
)
def test_a_wrong_setting_is_refused(given: str, words: str, toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["init", "--adapter", "toy", "--set", given]) == 2
    assert words in " ".join(capsys.readouterr().err.split())
    assert not toy.exists()
