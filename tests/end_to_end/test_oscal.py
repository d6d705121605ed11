"""Receipts as OSCAL assessment results: the form that NIST describes for version 1.1.2, as far as it is used here.

https://pages.nist.gov/OSCAL-Reference/models/v1.1.2/assessment-results/json-definition/
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.end_to_end.test_queue_receipts import queued
from tests.support.cli import ACCOUNTS, DRATA, SNAPSHOT, Cli
from tests.support.evidence import FULLY_KNOWN, personnel_account
from tests.support.receipts import exported, fingerprint, judged

from proofport.audit.envelope import signed, statement
from proofport.audit.keys import SigningKey
from proofport.audit.oscal import assessment_results
from proofport.journal.contract import ReceiptView

TRESTLE = Path(__file__).parents[2] / ".venv" / "oscal" / "bin" / "trestle"
DOCUMENT = "assessment-results.json"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[45][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
TOKEN = re.compile(r"[A-Za-z_][\w.-]*")
TEXT = re.compile(r"\S(.*\S)?")


def require(found: dict[str, Any], allowed: set[str], **needed: re.Pattern[str] | type) -> None:
    """Every needed member is there in its form, and no member that the model does not have."""
    assert set(found) <= allowed | {name.replace("_", "-") for name in needed}, found
    for name, form in needed.items():
        value = found[name.replace("_", "-")]
        assert isinstance(value, form) if isinstance(form, type) else form.fullmatch(value), (name, value)


def test_an_export_has_the_form_of_assessment_results(pushed: Cli) -> None:
    folder = exported(pushed, "out", "--oscal")
    [(root, results)] = json.loads((folder / "assessment-results.json").read_text()).items()
    assert root == "assessment-results"
    require(results, set(), uuid=UUID, metadata=dict, import_ap=dict, results=list)
    require(results["metadata"], set(), title=TEXT, last_modified=TIME, version=TEXT, oscal_version=re.compile("1.1.2"))
    require(results["import-ap"], {"remarks"}, href=TEXT)
    [result] = results["results"]
    require(
        result, set(), uuid=UUID, title=TEXT, description=TEXT, start=TIME, reviewed_controls=dict, observations=list
    )
    require(result["reviewed-controls"], set(), control_selections=list)
    for each in result["observations"]:
        forms: dict[str, re.Pattern[str] | type] = {
            "uuid": UUID,
            "title": TEXT,
            "description": TEXT,
            "props": list,
            "methods": list,
            "collected": TIME,
        }
        require(each, {"relevant-evidence"}, **forms)
        for prop in each["props"]:
            require(prop, set(), name=TOKEN, ns=TEXT, value=TEXT)
        for evidence in each["relevant-evidence"]:
            require(evidence, set(), href=TEXT, description=TEXT)
            assert (folder / evidence["href"]).is_file()
    assert len(result["observations"]) == len(list((folder / "receipts").glob("*.json")))
    assert len({each["uuid"] for each in result["observations"]}) == len(result["observations"])
    assert judged(folder, "--key", fingerprint(pushed))[0] == 0


def test_names_with_blanks_are_told_as_oscal_takes_them() -> None:
    names = {"destination": " my\ndrata ", "object": " ", "kind": "device", "mode": "upsert", "run": "r1"}
    predicate = {**names, "counts": None, "started": "2026-01-01T00:00:00Z", "ended": "2026-01-01T00:00:00Z"}
    envelope = signed(statement("urn:proofport:delivery:v1", [], predicate), SigningKey.new())
    told = json.loads(assessment_results([ReceiptView(0, "b", 1, "r1", "x", 0.0, envelope)], "proofport/x", 0.0))
    [observation] = told["assessment-results"]["results"][0]["observations"]
    values = {each["name"]: each["value"] for each in observation["props"]}
    assert values == {"run": "r1", "destination": "my drata", "kind": "device", "mode": "upsert", "receipt": "b-1"}


@pytest.fixture
def varied(pushed: Cli) -> Cli:
    """Besides: sets at the other vendors, a removal, a run without records, queued deliveries, and a new key."""
    vanta, known = ("--to", "vanta"), personnel_account(1, **FULLY_KNOWN)
    pushed.write("p.ndjson", known, personnel_account(2))
    assert pushed.type("push", "p.ndjson", *ACCOUNTS, *SNAPSHOT, *vanta).code == 1
    pushed.write("gone.ndjson", personnel_account(1))
    pushed.type("push", "gone.ndjson", *ACCOUNTS, "--mode", "remove", *DRATA)
    pushed.write("none.ndjson")
    pushed.type("push", "none.ndjson", *ACCOUNTS, *DRATA)
    asyncio.run(queued(pushed, 2))
    assert pushed.type("receipt", "key", "rotate", "second.key").code == 0
    pushed.configure(receipts={"key": "file:second.key"})
    return pushed


@pytest.mark.skipif(not TRESTLE.exists(), reason="`make oscal` installs compliance-trestle")
def test_trestle_validates_every_export(varied: Cli) -> None:
    place = varied.folder / "trestle"
    runs = dict.fromkeys(row["run_id"] for row in varied.type("receipt", "list", "--json").json["receipts"])
    exports = {"all": (), **{f"run{number}": ("--run", run) for number, run in enumerate(runs) if run}}
    for name, options in exports.items():
        folder = place / "assessment-results" / name
        folder.mkdir(parents=True)
        (exported(varied, name, "--oscal", *options) / "assessment-results.json").rename(folder / DOCUMENT)
    assert trestle(place, "init")[0] == 0
    code, words = trestle(place, "validate", "-a")
    assert (code, words.count("VALID: ")) == (0, len(exports)), words
    document = json.loads((folder / DOCUMENT).read_text())
    [result] = document["assessment-results"]["results"]
    (folder / DOCUMENT).write_text(json.dumps(document).replace(result["uuid"], document["assessment-results"]["uuid"]))
    assert trestle(place, "validate", "-a")[0] != 0


def trestle(place: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run([TRESTLE, *arguments], cwd=place, capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout + done.stderr
