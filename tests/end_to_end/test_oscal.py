"""Receipts as OSCAL assessment results: the form that NIST describes for version 1.1.2, as far as it is used here.

https://pages.nist.gov/OSCAL-Reference/models/v1.1.2/assessment-results/json-definition/
"""

from __future__ import annotations

import json
import re
from typing import Any

from tests.support.cli import Cli
from tests.support.receipts import exported, fingerprint, judged

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
