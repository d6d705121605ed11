"""The recipes of docs/recipes.md, as they stand there."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import sqlite3
import sys
from pathlib import Path

import pytest
from tests.support.cli import Cli, Typed

PAGE = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text(encoding="utf-8")
RECIPES = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
FILE = re.compile(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)
TAP = f"""#!{sys.executable}
import json, sys
print(json.dumps({{"type": "SCHEMA", "stream": "users", "schema": {{}}, "key_properties": ["user_id"]}}))
for number in range(3):
    record = {{"user_id": number, "mail": f"u{{number}}@example.com", "status": "active"}}
    print(json.dumps({{"type": "RECORD", "stream": "users", "record": record}}))
print(json.dumps({{"type": "RECORD", "stream": "teams", "record": {{"team_id": 1}}}}))
print(json.dumps({{"type": "STATE", "value": {{}}}}))
sys.exit(EXIT)
"""
BUCKET = {
    "arn": "arn:aws:s3:::logs",
    "name": "logs",
    "region": "eu-west-1",
    "account_id": "123456789012",
    "bucket_policy_is_public": False,
}
FINDINGS = """FINDING_UID;PROVIDER;ACCOUNT_UID;CHECK_ID;CHECK_TITLE;STATUS;STATUS_EXTENDED;SEVERITY;RESOURCE_UID;REGION
prowler-1;aws;123456789012;iam_mfa;MFA, for all;PASS;"User ana; has MFA.";high;arn:aws:iam::1:user/ana;us-east-1
prowler-2;aws;123456789012;iam_mfa;MFA, for all;FAIL;User bo has none.;high;arn:aws:iam::1:user/bo;us-east-1
"""


def follow(recipe: str, cli: Cli, **environment: str) -> Typed:
    """Write the files of a recipe, and run its command."""
    for name, text in FILE.findall(RECIPES[recipe]):
        (cli.folder / name).parent.mkdir(parents=True, exist_ok=True)
        cli.write(name, text)
    cli.configure(mappings=str(cli.folder / "mappings") if (cli.folder / "mappings").exists() else None)
    [command] = re.findall(r"^\$ proofport (.+)$", RECIPES[recipe], re.MULTILINE)
    return cli.run(*shlex.split(command), **environment)


def test_a_database(cli: Cli) -> None:
    with sqlite3.connect(cli.folder / "hr.sqlite3") as connection:
        connection.execute("CREATE TABLE people (id TEXT, email TEXT, last_name TEXT, kind TEXT)")
        rows = [("1", "ana@example.com", "Berg", "employee"), ("2", "bo@example.com", None, "guest")]
        connection.executemany("INSERT INTO people VALUES (?, ?, ?, ?)", rows)
    connection.close()
    typed = follow("A database, by DB-API", cli)
    assert (typed.code, cli.held("drata", "personnel_account")) == (0, {"1"}), typed


@pytest.mark.skipif(importlib.util.find_spec("dlt") is None, reason="dlt is not installed")
def test_dlt(cli: Cli) -> None:
    typed = follow("dlt", cli)
    assert (typed.code, cli.held("drata", "personnel_account")) == (0, {"1", "2", "3"}), typed


@pytest.mark.parametrize(("ends_with", "code", "held"), [(0, 0, {"0", "1", "2"}), (1, 4, set())])
def test_singer(cli: Cli, ends_with: int, code: int, held: set[str]) -> None:
    tap = cli.folder / "tap-hr"
    tap.write_text(TAP.replace("EXIT", str(ends_with)))
    tap.chmod(0o700)
    typed = follow("Singer taps", cli, PATH=f"{cli.folder}{os.pathsep}{os.environ['PATH']}")
    assert (typed.code, cli.held("drata", "personnel_account")) == (code, held), typed
    assert ("the tap ended with 1" in typed.words) == (ends_with == 1)


def test_steampipe(cli: Cli) -> None:
    columns = [{"name": name, "data_type": "text"} for name in BUCKET]
    cli.write("buckets.json", json.dumps({"columns": columns, "rows": [BUCKET]}, indent=1))
    typed = follow("Steampipe", cli)
    assert (typed.code, cli.held("drata", "cloud_resource")) == (0, {"arn:aws:s3:::logs"}), typed


def test_prowler(cli: Cli) -> None:
    cli.write("prowler-output.csv", FINDINGS)
    shown = follow("Prowler", cli).json
    assert [(each["id"], each["neutral"]["status"], each["neutral"]["title"]) for each in shown] == [
        ("prowler-1", "passed", "MFA, for all"),
        ("prowler-2", "failed", "MFA, for all"),
    ]


def test_each_recipe_is_run_by_a_test() -> None:
    assert list(RECIPES) == ["A database, by DB-API", "dlt", "Singer taps", "Steampipe", "Prowler"]
