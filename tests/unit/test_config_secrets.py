"""What a configuration must not repeat, must not swallow, and must not allow."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from proofport.config import Config
from proofport.errors import ConfigError
from proofport.gateway import Gateway
from proofport.gateway.audit import signing_key

SECRET = "S3cr3tPassw0rd-live-key"


def load(folder: Path, text: str) -> Config:
    file = folder / "proofport.yaml"
    file.write_text(text)
    return Config.load(file)


@pytest.mark.parametrize(
    "settings",
    [
        f"base_url: https://user:{SECRET}@vendor.example, api_key: env:HOME",
        f"base_url: 'https://vendor.example/?key={SECRET}', api_key: env:HOME",
        f"base_url: 'user:{SECRET}@vendor.example', api_key: env:HOME",
        f"region: us, api_key: 'env:{SECRET}'",
        f"region: us, api_key: 'file:{SECRET}'",
        f"region: us, api_key: 'file:/run/{SECRET}'",
    ],
)
def test_an_error_repeats_no_secret(tmp_path: Path, settings: str) -> None:
    config = load(tmp_path, f"instance: t\ndestinations: {{d: {{adapter: drata, {settings}}}}}\n")
    with pytest.raises(ConfigError, match=r"proofport\.yaml:2:") as caught:
        config.adapter("d")
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value.__cause__)


def test_a_variable_of_a_usual_name_is_named(tmp_path: Path) -> None:
    config = load(
        tmp_path, "instance: t\ndestinations: {d: {adapter: drata, region: us, api_key: 'env:DRATA_EU_KEY2'}}\n"
    )
    with pytest.raises(ConfigError, match="the environment variable DRATA_EU_KEY2, which is not set"):
        config.adapter("d")


@pytest.mark.parametrize("content", [SECRET, f"{SECRET}\n{SECRET}", f"!{SECRET}", f"*{SECRET}"])
def test_another_file_than_a_configuration_is_not_repeated(tmp_path: Path, content: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, content)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("nested", ["[" * 60_000 + "]" * 60_000, "{a: " * 60_000 + "1" + "}" * 60_000])
def test_deep_nesting_is_an_error(tmp_path: Path, nested: str) -> None:
    """The parser would make it by recursion, until the process dies."""
    with pytest.raises(ConfigError, match=r"proofport\.yaml:1:\d+: found deep nesting, expected at most 40 levels"):
        load(tmp_path, f"instance: {nested}\n")


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "proofport.yaml")
    with pytest.raises(ConfigError, match="not a regular file"):
        Config.load(tmp_path / "proofport.yaml")


def test_two_kinds_on_one_resource_are_refused(tmp_path: Path) -> None:
    """Each kind's set would delete the records of the other."""
    both = "connection_id: 4, resource_id: 104"
    text = "instance: t\ndestinations:\n  d:\n    adapter: drata\n    base_url: http://127.0.0.1:1\n    api_key: x\n"
    one = "    objects:\n      cloud_resource: {%s}\n      custom:a: {%s}\n"
    with pytest.raises(ConfigError, match=r"cloud_resource and custom:a have the same one"):
        load(tmp_path, text + one % (both, both)).adapter("d")
    assert load(tmp_path, text + one % (both, "connection_id: 5, resource_id: 104")).adapter("d")


async def test_many_tasks_that_begin_at_once_open_one_journal(tmp_path: Path) -> None:
    async with Gateway(Config(instance="t", journal=tmp_path / "j.sqlite3")) as gateway:
        journals = await asyncio.gather(*(gateway.journal() for _ in range(300)))
    assert len({id(journal) for journal in journals}) == 1


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("env:RECEIPT_KEY_NOT_THERE", "the environment variable RECEIPT_KEY_NOT_THERE, which is not set"),
        (f"env:{SECRET}", "the environment variable that it names, which is not set"),
        (SECRET, "no reference, expected env:NAME or file:PATH"),
    ],
)
def test_the_key_of_receipts_is_a_reference_like_any_other(tmp_path: Path, reference: str, found: str) -> None:
    config = load(tmp_path, f"instance: t\nreceipts: {{key: '{reference}'}}\n")
    with pytest.raises(ConfigError) as caught:
        signing_key(config)
    assert ":2:12: receipts.key: found " + found in str(caught.value)
    assert SECRET not in str(caught.value)
