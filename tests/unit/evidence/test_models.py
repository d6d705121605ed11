"""The six kinds: what they refuse, and that omitted, null and false stay three things."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from proofport.errors import UsageError
from proofport.evidence import (
    KINDS,
    CloudResource,
    Custom,
    Device,
    Evidence,
    Person,
    PersonnelAccount,
    TrainingRecord,
    format_timestamp,
    model_of,
)
from proofport.evidence.base import read_moment

MINIMAL: dict[type[Evidence], dict[str, Any]] = {
    CloudResource: {"id": "x", "type": "aws.ec2.instance"},
    TrainingRecord: {"id": "x", "email": "ana@example.com", "course": "gdpr"},
    PersonnelAccount: {"id": "x"},
    Device: {"id": "x"},
    Person: {"id": "x"},
    Custom: {"id": "x"},
}
MODELS = list(MINIMAL)


def refused(model: type[Evidence], **fields: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        model(**{**MINIMAL[model], **fields})
    return str(caught.value)


@pytest.mark.parametrize("model", MODELS)
def test_only_what_was_given_comes_out(model: type[Evidence]) -> None:
    assert model(**MINIMAL[model]).neutral() == MINIMAL[model]


@pytest.mark.parametrize("model", MODELS)
def test_an_id_is_required_and_is_text(model: type[Evidence]) -> None:
    for wrong in ("", None, 7):
        assert "id" in refused(model, id=wrong)
    with pytest.raises(ValidationError, match="id"):
        model(**{name: value for name, value in MINIMAL[model].items() if name != "id"})


def test_omitted_null_and_false_are_three_values() -> None:
    given: dict[str, Any] = {"id": "x", "active": False, "mfa_enabled": None}
    assert PersonnelAccount(**given).neutral() == given


@pytest.mark.parametrize("model", [model for model in MODELS if model is not Custom])
def test_unknown_fields_are_refused(model: type[Evidence]) -> None:
    assert "Extra inputs are not permitted" in refused(model, colour="red")


@pytest.mark.parametrize("model", MODELS)
def test_evidence_does_not_change(model: type[Evidence]) -> None:
    evidence = model(**MINIMAL[model])
    with pytest.raises(ValidationError, match="frozen"):
        evidence.id = "y"  # type: ignore[misc]  # the point of the test


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (CloudResource, {"encrypted": "true"}),
        (CloudResource, {"public": 1}),
        (CloudResource, {"tags": [{"key": ""}]}),
        (CloudResource, {"tags": [{"value": "without its key"}]}),
        (Device, {"screen_lock_after": "300"}),
        (Device, {"platform": "amiga"}),
        (PersonnelAccount, {"roles": "admin"}),
        (TrainingRecord, {"score": "92"}),
        (TrainingRecord, {"score": float("nan")}),
        (Custom, {"anything": [float("inf")]}),
        (Custom, {"extras": {"vendor": {"anything": float("nan")}}}),
    ],
)
def test_nothing_is_converted_by_guessing(model: type[Evidence], fields: dict[str, Any]) -> None:
    assert next(iter(fields)) in refused(model, **fields)


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("2026-01-31T10:00:00+01:00", "2026-01-31T09:00:00Z"),
        ("2026-01-31 09:00:00+00:00", "2026-01-31T09:00:00Z"),
        ("2026-01-31T09:00:00.5Z", "2026-01-31T09:00:00.500000Z"),
        ("2026-01-31t09:00:00z", "2026-01-31T09:00:00Z"),
        (datetime(2026, 1, 31, 9, tzinfo=UTC), "2026-01-31T09:00:00Z"),
        (datetime(2026, 1, 31, 9, tzinfo=timezone(timedelta(hours=-5))), "2026-01-31T14:00:00Z"),
    ],
)
def test_times_have_one_spelling(given: str | datetime, canonical: str) -> None:
    resource = CloudResource(id="x", type="y", created_at=given)  # type: ignore[arg-type]  # text is parsed
    assert resource.neutral()["created_at"] == canonical


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("2026-01-31T09:00:00", "time zone"),
        ("2026-01-31", "time zone"),
        (datetime(2026, 1, 31, 9), "time zone"),  # noqa: DTZ001  # naive on purpose
        ("yesterday", "RFC 3339"),
        ("2026-01-31T09:00:00Z\0x", "RFC 3339"),
        (1769850000, "valid datetime"),
        ("0001-01-01T00:00:00+14:00", "between the years"),
        ("9999-12-31T23:59:59-14:00", "between the years"),
    ],
)
def test_times_that_are_none(given: object, words: str) -> None:
    assert words in refused(CloudResource, created_at=given)


@given(st.datetimes(timezones=st.timezones()))
def test_a_time_means_the_same_after_it_was_written(moment: datetime) -> None:
    try:
        expected = moment.astimezone(UTC)
    except OverflowError:
        return
    written = format_timestamp(moment)
    assert datetime.fromisoformat(written) == expected
    assert Device(id="x", last_seen_at=written).neutral()["last_seen_at"] == written  # type: ignore[arg-type]


def test_a_training_is_not_completed_in_the_future() -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    assert "a time that has passed" in refused(TrainingRecord, completed_at=soon.isoformat())
    skewed = datetime.now(UTC) + timedelta(minutes=1)
    assert TrainingRecord(**MINIMAL[TrainingRecord], completed_at=skewed).completed_at == skewed
    assert TrainingRecord(**MINIMAL[TrainingRecord], due_at=soon).due_at == soon


def test_custom_evidence_carries_any_json() -> None:
    given: dict[str, Any] = {"id": "x", "deep": {"list": [1, None, {"a": 1.5}]}, "extras": {"vendor": {"flag": True}}}
    assert Custom(**given).neutral() == given


def test_kinds_are_found_by_name() -> None:
    assert {kind: model_of(kind) for kind in KINDS} == KINDS
    assert model_of("custom:software_package") is Custom
    for wrong in ("cloud", "custom:", "custom:Software", "custom:1a", "custom:a b", ""):
        with pytest.raises(UsageError, match="the kinds are cloud_resource"):
            model_of(wrong)


@pytest.mark.parametrize("text", ["2026-01-31-08:00", "2026-01-31x09:00:00Z", "2026-01-31+09:00", "20260131x090000Z"])
def test_a_date_with_an_offset_is_no_time_of_day(text: str) -> None:
    with pytest.raises(ValueError, match="date"):
        read_moment(text)


@pytest.mark.parametrize(
    "text", ["2026-01-31T09:00:00Z", "2026-01-31 09:00:00+00:00", "20260131T090000Z", "2026-W05-6T09:00:00Z"]
)
def test_a_time_stands_behind_a_t_or_a_blank(text: str) -> None:
    assert read_moment(text).isoformat() == "2026-01-31T09:00:00+00:00"
