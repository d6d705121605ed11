"""The settings of a Vanta destination, and what is refused before anything is sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from tests.support.vanta import macos, windows

from proofport.config import Config
from proofport.errors import ConfigError, UnsupportedFeature
from proofport_vanta import VantaAdapter, VantaSettings

DEFINITION = {"properties": {"size": {"type": "int32"}}}


def vanta(**changes: Any) -> VantaAdapter:
    given = {"client_id": "vci_1", "client_secret": "secret-of-app", **changes}
    return VantaAdapter(VantaSettings.model_validate(given))


def test_the_host_is_vantas_or_that_of_its_gov_cloud_or_the_base_url() -> None:
    assert vanta().origin == "https://api.vanta.com"
    assert vanta(gov=True).origin == "https://api.vanta-gov.com"
    assert vanta(base_url="http://127.0.0.1:8080/").origin == "http://127.0.0.1:8080"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"gov": True, "base_url": "https://proxy.example.com"}, "either gov or base_url"),
        ({"base_url": "http://api.example.com"}, "expected https"),
        ({"region": "eu"}, "Extra inputs"),
        ({"objects": {"personnel_account": {"resource_id": "a b"}}}, "pattern"),
        ({"objects": {"personnel_account": {"resource_id": 665000000000000000000001}}}, "in quotes"),
        ({"objects": {"device": {"macos_resource_id": 6.65e23}}}, "in quotes"),
        ({"objects": {"personnel_account": {"macos_resource_id": "a"}}}, "macos_resource_id is for device"),
        ({"objects": {"personnel_account": {"resource_id": "a", "properties": DEFINITION}}}, "no properties for"),
        ({"objects": {"device": {"macos_resource_id": "a", "properties": DEFINITION}}}, "no properties for"),
        (
            {"objects": {"personnel_account": {"resource_id": "a"}, "training_record": {"resource_id": "a"}}},
            "a resource of its own for each kind",
        ),
        ({"objects": {"device": {"macos_resource_id": "a", "windows_resource_id": "a"}}}, "of its own for each kind"),
        (
            {"objects": {"custom:x": {"resource_id": "a", "properties": {"properties": {"a": {"type": "float64"}}}}}},
            "'boolean', 'int32', 'string' or 'timestamp'",
        ),
        (
            {"objects": {"custom:x": {"resource_id": "a", "properties": {**DEFINITION, "optionalProperties": {}}}}},
            "no optionalProperties",
        ),
        ({"objects": {"custom:x": {"resource_id": "a", "properties": "x.json"}}}, "file:PATH"),
        ({"objects": {"custom:x": {"resource_id": "a", "properties": "file:/none.json"}}}, "none.json"),
        (
            {"objects": {"personnel_account": {"resource_id": "a", "when_unknown": {"mfaEnabled": False}}}},
            "unknown is never sent as false",
        ),
        (
            {"objects": {"personnel_account": {"resource_id": "a", "when_unknown": {"mfaEnabled": None}}}},
            "unknown is never sent as false",
        ),
        (
            {"objects": {"device": {"macos_resource_id": "m", "when_unknown": {"drives": [{"encrypted": False}]}}}},
            "unknown is never sent as false",
        ),
        ({"objects": {"personnel_account": {"resource_id": "a", "keep_deactivated": -1}}}, "greater than or equal"),
        ({"client_secret": "two words"}, "without blanks"),
        ({"client_id": "env:VANTA_CLIENT_ID"}, "the id itself"),
    ],
)
def test_a_wrong_setting_is_refused_in_words(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        vanta(**changes)
    assert words in str(refused.value)
    assert "two words" not in str(refused.value)


def test_a_definition_may_stand_in_a_file_beside_the_configuration(tmp_path: Path) -> None:
    tmp_path.joinpath("things.json").write_text(json.dumps(DEFINITION))
    file = tmp_path / "proofport.yaml"
    file.write_text(
        """
instance: test
destinations:
  vanta:
    adapter: vanta
    base_url: http://127.0.0.1:1
    client_id: vci_1
    client_secret: secret-of-app
    objects: {"custom:thing": {resource_id: things, properties: "file:things.json"}}
"""
    )
    settings = Config.load(file).adapter("vanta").settings
    assert settings.objects["custom:thing"].properties.types == {"size": "int32"}


def test_lanes_are_the_resources_of_an_application() -> None:
    objects = {
        "personnel_account": {"resource_id": "a"},
        "device": {"macos_resource_id": "m", "windows_resource_id": "w"},
    }
    lanes = [vanta(objects=objects).resource(kind).lane for kind in objects]
    assert [lane.rpartition("/")[2] for lane in lanes] == ["a", "m+w"]
    assert all(lane.startswith("api.vanta.com/") for lane in lanes)
    assert vanta(objects=objects, client_id="vci_2").resource("personnel_account").lane != lanes[0]
    assert "vci_1" not in lanes[0]


def test_a_kind_without_a_resource_is_refused_with_what_to_write() -> None:
    with pytest.raises(ConfigError, match="personnel_account") as raised:
        vanta().resource("personnel_account").limits("snapshot")
    assert "objects.personnel_account" in str(raised.value.hint)
    with pytest.raises(UnsupportedFeature):
        vanta().resource("person")


@pytest.mark.parametrize("kind", ["personnel_account", "custom:thing"])
def test_a_value_for_a_property_that_there_is_not_is_refused(kind: str) -> None:
    configured: dict[str, Any] = {"resource_id": "a", "when_unknown": {"authMethd": "SSO"}}
    if kind == "custom:thing":
        configured["properties"] = DEFINITION
    with pytest.raises(ValidationError, match=f"`when_unknown` of {kind}, found authMethd. They are displayName, "):
        vanta(objects={kind: configured})


@pytest.mark.parametrize(
    ("kind", "values", "words"),
    [
        ("personnel_account", {"authMethod": "PASWORD"}, "authMethod in `when_unknown` of personnel_account"),
        ("personnel_account", {"authMethod": "SSO", "externalUrl": "wiki"}, "externalUrl in `when_unknown`"),
        ("personnel_account", {"mfaMethods": ["FAX"]}, r'mfaMethods .* found \["FAX"\]: \[0\] Input should be'),
        ("device", {"drives": [{"name": "C"}]}, r"drives in .*: \[0\].encrypted Field required"),
        ("custom:thing", {"size": "3"}, "size in `when_unknown` of custom:thing"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_its_name(kind: str, values: dict[str, Any], words: str) -> None:
    named = "macos_resource_id" if kind == "device" else "resource_id"
    configured: dict[str, Any] = {named: "a", "when_unknown": values}
    if kind == "custom:thing":
        configured["properties"] = DEFINITION
    with pytest.raises(ValidationError, match=words):
        vanta(objects={kind: configured})


@pytest.mark.parametrize("more", [{}, {"macos_resource_id": "m"}])
def test_a_value_for_a_declared_property_of_devices_is_taken(more: dict[str, str]) -> None:
    device = {"resource_id": "a", "properties": DEFINITION, "when_unknown": {"size": 3}, **more}
    assert vanta(objects={"device": device}).resource("device").body("snapshot").model


def test_gone_accounts_are_kept_for_as_long_as_it_is_configured() -> None:
    objects: dict[str, Any] = {
        "personnel_account": {"resource_id": "a", "keep_deactivated": 0},
        "training_record": {"resource_id": "b"},
    }
    assert [vanta(objects=objects).resource(kind).keeps_gone for kind in objects] == [0, 0]
    assert vanta().resource("personnel_account").keeps_gone == 90


@pytest.mark.parametrize("record", [macos("d", platform="macos"), windows("d", platform="windows")])
def test_a_device_takes_the_values_for_what_is_unknown(record: dict[str, Any]) -> None:
    device = {"macos_resource_id": "m", "windows_resource_id": "w", "when_unknown": {"osName": "any"}}
    model = vanta(objects={"device": device}).resource("device").body("snapshot").model
    assert model is not None
    assert model.model_validate({**record, "osName": None}, strict=True).model_dump(by_alias=True)["osName"] == "any"


@pytest.mark.parametrize("setting", ["windows_resource_id", "resource_id"])
def test_a_device_of_a_platform_without_a_resource_is_refused_with_the_setting(setting: str) -> None:
    model = vanta(objects={"device": {setting: "r"}}).resource("device").body("snapshot").model
    assert model is not None
    with pytest.raises(ValidationError) as refused:
        model.model_validate(macos("d", platform="macos"), strict=True)
    [detail] = refused.value.errors()
    assert detail["loc"] == ("platform",)
    assert "`objects.device.macos_resource_id`" in detail["ctx"]["hint"]
