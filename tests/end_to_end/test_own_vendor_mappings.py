"""A vendor mapping in the user's folder is used for its vendor and kind, or it is said that it is not."""

from __future__ import annotations

import pytest
from tests.support.cli import BOTH, CLOUD, DRATA, SECUREFRAME, SNAPSHOT, Cli
from tests.support.evidence import cloud_resources

OWN = """\
mapping: acme/assets
from: cloud_resource
to: {vendor: drata, body: custom_record}
fields: {id: $.id, asset: {template: "our {$.id}"}}
"""
PUSH = ("push", "f.ndjson", *CLOUD, *SNAPSHOT)


@pytest.fixture
def own(cli: Cli) -> Cli:
    (cli.folder / "mappings").mkdir()
    cli.write("mappings/own.yaml", OWN)
    cli.write("f.ndjson", *cloud_resources(1, 2))
    cli.configure(mappings="mappings")
    return cli


def notes(cli: Cli, *to: str) -> dict[str, str]:
    code, report = cli.report(*PUSH, *to)
    assert code == 0
    return {name: " ".join(there["notes"]) for name, there in report["destinations"].items()}


def test_one_for_the_vendor_and_kind_is_used_and_the_report_says_so(own: Cli) -> None:
    said = notes(own, *BOTH)
    assert "The mapping acme/assets of" in said["drata"]
    assert (
        "mappings/own.yaml is used for cloud_resource, in place of the built-in drata/cloud_resource." in said["drata"]
    )
    assert "acme" not in said["secureframe"]
    bodies = own.type("preview", *PUSH[1:4], *BOTH, "--json").json[0]["bodies"]
    assert bodies["drata"] == {"id": "i-1", "asset": "our i-1"}
    assert "asset" not in bodies["secureframe"]
    assert "in place of the built-in" in own.type("plan", *PUSH[1:], *DRATA).words


def test_one_that_the_configuration_names_needs_no_word(own: Cli) -> None:
    objects = own.destinations["drata"]["objects"]
    named = {**objects["cloud_resource"], "mapping": "acme/assets"}
    own.configure(mappings="mappings", drata={"objects": {**objects, "cloud_resource": named}})
    assert "acme/assets" not in notes(own, *DRATA)["drata"]


def test_the_built_in_one_can_be_named(own: Cli) -> None:
    objects = own.destinations["drata"]["objects"]
    named = {**objects["cloud_resource"], "mapping": "drata/cloud_resource"}
    own.configure(mappings="mappings", drata={"objects": {**objects, "cloud_resource": named}})
    assert "asset" not in own.type("preview", *PUSH[1:4], *DRATA, "--json").json[0]["bodies"]["drata"]


def test_of_two_none_is_used_and_that_is_said(own: Cli) -> None:
    own.write("mappings/more.yaml", OWN.replace("acme/assets", "acme/others"))
    said = notes(own, *DRATA)["drata"]
    assert "Not used: acme/others, acme/assets." in said
    assert "name one as `mapping:` under `objects.cloud_resource`" in said


def test_one_with_the_name_of_the_built_in_one_goes_before_others(own: Cli) -> None:
    own.write("mappings/more.yaml", OWN.replace("acme/assets", "drata/cloud_resource").replace("our {", "my {"))
    assert "The mapping drata/cloud_resource of" in notes(own, *DRATA)["drata"]
    assert own.type("preview", *PUSH[1:4], *DRATA, "--json").json[0]["bodies"]["drata"]["asset"] == "my i-1"


def test_one_for_a_body_that_there_is_not_is_named(own: Cli) -> None:
    own.write("mappings/own.yaml", OWN.replace("body: custom_record", "body: asset"))
    said = notes(own, *DRATA)["drata"]
    assert "Not used: acme/assets" in said
    assert "It makes the body asset, and for cloud_resource there is custom_record." in said


def test_one_that_is_wrong_is_no_reason_for_the_built_in_one(own: Cli) -> None:
    own.write("mappings/own.yaml", OWN.replace("$.id,", "$.identity,"))
    typed = own.type(*PUSH, *DRATA)
    assert typed.code == 2
    assert "own.yaml:4" in typed.words
    assert own.type(*PUSH, *SECUREFRAME).code == 0
