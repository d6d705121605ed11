"""The settings of a destination of either vendor, and what is refused before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from proofport.adapter import StaticHeaders
from proofport.errors import ConfigError
from proofport_drata import DrataAdapter, DrataSettings
from proofport_secureframe import SecureframeAdapter, SecureframeSettings

DRATA = {"region": "us", "api_key": "key"}
SECUREFRAME = {
    "region": "us",
    "api_key": "key",
    "api_secret": "secret",
    "connection_id": "5f0c0c0e-0000-4000-8000-000000000001",
    "vendor_slug": "acme",
}


def drata(**changes: Any) -> DrataAdapter:
    return DrataAdapter(DrataSettings.model_validate({**DRATA, **changes}))


def secureframe(**changes: Any) -> SecureframeAdapter:
    return SecureframeAdapter(SecureframeSettings.model_validate({**SECUREFRAME, **changes}))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (drata(region="us").origin, "https://public-api.drata.com"),
        (drata(region="eu").origin, "https://public-api.eu.drata.com"),
        (drata(region="apac").origin, "https://public-api.apac.drata.com"),
        (secureframe(region="us").origin, "https://api.secureframe.com"),
        (secureframe(region="uk").origin, "https://api-uk.secureframe.com"),
        (drata(region=None, base_url="http://127.0.0.1:8080/").origin, "http://127.0.0.1:8080"),
        (secureframe(region=None, base_url="http://[::1]:8080").origin, "http://[::1]:8080"),
        (drata(region=None, base_url="https://proxy.example.com").origin, "https://proxy.example.com"),
    ],
)
def test_the_host_follows_the_region_or_the_base_url(found: str, expected: str) -> None:
    assert found == expected


@pytest.mark.parametrize("make", [drata, secureframe])
@pytest.mark.parametrize(
    "changes",
    [
        {"region": "mars"},
        {"region": None},
        {"base_url": "https://proxy.example.com"},
        {"region": None, "base_url": "http://api.example.com"},
        {"region": None, "base_url": "http://localhost.example.com"},
        {"region": None, "base_url": "https://api.example.com/v2"},
        {"region": None, "base_url": "https://api.example.com?x=1"},
        {"region": None, "base_url": "https://user@api.example.com"},
        {"region": None, "base_url": "https://api example.com"},
        {"region": None, "base_url": "https://api.example.com:port"},
        {"region": None, "base_url": "api.example.com"},
        {"region": None, "base_url": "ftp://api.example.com"},
        {"unknown": 1},
        {"requests_per_minute": -1},
    ],
)
def test_a_wrong_host_is_refused(make: Any, changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        make(**changes)


@pytest.mark.parametrize(
    "secret", ["", "two words", "line\nbreak", "tab\t", "carriage\rreturn", "non\u00a0breaking", "é"]
)
@pytest.mark.parametrize(("make", "field"), [(drata, "api_key"), (secureframe, "api_key"), (secureframe, "api_secret")])
def test_a_secret_that_would_change_the_header_is_refused_without_being_shown(
    make: Any, field: str, secret: str
) -> None:
    with pytest.raises(ValidationError) as raised:
        make(**{field: secret})
    assert secret == "" or secret not in str(raised.value)


def test_the_authorization_headers_are_the_vendors_exact_forms() -> None:
    assert drata().auth.headers == {"Authorization": "Bearer key"}
    assert secureframe().auth == StaticHeaders({"Authorization": "key secret"})
    assert "secret" not in repr(secureframe().auth)


def test_lanes_are_what_the_vendor_orders_by() -> None:
    objects = {
        "cloud_resource": {"connection_id": 42, "resource_id": 7},
        "custom:a": {"connection_id": 42, "resource_id": 8},
    }
    both = drata(objects=objects)
    assert both.resource("cloud_resource").lane == "public-api.drata.com/42/7"
    assert both.resource("custom:a").lane == "public-api.drata.com/42/8"
    schemas = {"cloud_resource": {"schema_slug": "a"}, "custom:a": {"schema_slug": "b"}}
    lanes = {secureframe(objects=schemas).resource(kind).lane for kind in schemas}
    assert lanes == {f"api.secureframe.com/{SECUREFRAME['connection_id']}"}
    assert secureframe(region="uk", objects=schemas).resource("cloud_resource").lane not in lanes


@pytest.mark.parametrize("make", [drata, secureframe])
def test_a_kind_without_an_object_is_refused_with_what_to_write(make: Any) -> None:
    with pytest.raises(ConfigError, match="cloud_resource") as raised:
        make().resource("cloud_resource").limits("upsert")
    assert "objects.cloud_resource" in (raised.value.hint or "")


def test_a_drata_object_without_its_resource_is_no_destination_of_records() -> None:
    with pytest.raises(ConfigError):
        drata(objects={"cloud_resource": {"connection_id": 42}}).resource("cloud_resource").limits("upsert")


@pytest.mark.parametrize("slug", ["", "Cloud", "cloud-resource", "a b", "x" * 64])
def test_a_schema_slug_outside_the_safe_letters_is_refused(slug: str) -> None:
    with pytest.raises(ValidationError):
        secureframe(objects={"cloud_resource": {"schema_slug": slug}})


def test_two_kinds_do_not_share_a_schema() -> None:
    with pytest.raises(ValidationError, match="one format"):
        secureframe(objects={"cloud_resource": {"schema_slug": "a"}, "custom:a": {"schema_slug": "a"}})


def test_the_budgets_stay_below_the_vendors_limit_of_500_a_minute() -> None:
    assert (drata().default_requests_per_minute, secureframe().default_requests_per_minute) == (420, 420)


@pytest.mark.parametrize(
    ("kind", "wrong", "words"),
    [
        ("personnel_account", {"lifecycle_field": "state"}, "it has `active`"),
        ("device", {"lifecycle_field": "state"}, "it has `active`"),
        ("cloud_resource", {"lifecycle_field": "id"}, "the primary ID"),
        ("cloud_resource", {"lifecycle_field": "Life Cycle"}, "lifecycle_field"),
        ("cloud_resource", {"courses": {"Basics": "gdpr_training"}}, "only training_record"),
        ("training_record", {"courses": {"Basics": "basics"}}, "courses"),
    ],
)
def test_what_does_not_fit_the_kind_is_refused(kind: str, wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        secureframe(objects={kind: {"schema_slug": "a", **wrong}})


@pytest.mark.parametrize("wrong", [{"batch_records": 0}, {"batch_bytes": 1_000}])
def test_batches_are_never_too_small_for_a_record(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        secureframe(**wrong)
