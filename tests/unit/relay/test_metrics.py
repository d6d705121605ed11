"""What is counted, under which names, and that nobody can make a series by what he writes."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.support.destination import configuration
from tests.support.evidence import cloud_resource, cloud_resources
from tests.support.relay import Relay, relay_config, relaying
from tests.unit.relay.test_backpressure import place

from proofport.accounting import Outcome, Status
from proofport.errors import JournalError
from proofport.gateway.places import Places
from proofport.journal.contract import Arrival, Attempt, Delivery, LaneView, NewDelivery
from proofport.journal.sqlite import SqliteJournal
from proofport.relay.operating import backlog
from proofport.relay.operating.backlog import View
from proofport.relay.operating.metrics import Metrics

PAGE = Path(__file__).parents[3] / "docs" / "relay.md"
LANE = "vendor.example/4/104"


@pytest.fixture
async def relay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Relay]:
    monkeypatch.setattr(backlog, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(backlog, "SHARE", 0)
    async with relaying(relay_config(tmp_path, destinations={"drata": place()}), deliver=False) as opened:
        yield opened


def samples(text: str) -> dict[str, float]:
    """Our own, each as it stands in the text."""
    found = {}
    for family in text_string_to_metric_families(text):
        for each in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(each.labels.items()))
            if each.name.startswith("proofport_") and not each.name.endswith(("_created", "_bucket")):
                found[f"{each.name}{{{labels}}}" if labels else each.name] = each.value
    return found


async def scraped(relay: Relay) -> dict[str, float]:
    async with relay.client.get(relay.origin + "/metrics") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        return samples(await answer.text())


def of(found: Mapping[str, float], name: str) -> dict[str, float]:
    """The samples of one metric by their labels."""
    start = name + "{"
    return {key.removeprefix(start).removesuffix("}"): n for key, n in found.items() if key.startswith(start)}


async def test_what_comes_in(relay: Relay) -> None:
    path = "to=drata"
    assert (await relay.post(cloud_resources(1, 2), path, headers={"Idempotency-Key": "a"})).status == 202
    assert (await relay.post(cloud_resources(1, 2), path, headers={"Idempotency-Key": "a"})).status == 202
    assert (await relay.post([cloud_resource(3), {"id": 7}], path)).status == 422
    assert (await relay.post([cloud_resource(4), {"id": 7}], path + "&accept=valid")).status == 202
    opened = (await relay.ask("POST", "/v1/snapshots", json={"kind": "cloud_resource", "to": ["drata"]})).body
    await relay.ask("PUT", f"/v1/snapshots/{opened['id']}/parts/a", json=cloud_resources(1))

    found = await scraped(relay)
    assert of(found, "proofport_http_requests_total") == {
        "method=POST,route=/v1/evidence/{kind},status=202": 3,
        "method=POST,route=/v1/evidence/{kind},status=422": 1,
        "method=POST,route=/v1/snapshots,status=201": 1,
        "method=PUT,route=/v1/snapshots/{id}/parts/{part},status=200": 1,
    }
    assert of(found, "proofport_http_request_duration_seconds_count")["method=POST,route=/v1/evidence/{kind}"] == 4
    assert found["proofport_accepted_deliveries_total{destination=drata}"] == 2
    assert found["proofport_accepted_records_total{destination=drata}"] == 3
    assert found["proofport_snapshot_records_total"] == 1
    assert found["proofport_refused_records_total"] == 2
    assert found["proofport_journal_commit_seconds_count"] == 3


async def test_lanes_are_those_of_the_journal(relay: Relay) -> None:
    await relay.post(cloud_resource(1))
    await relay.post(cloud_resource(2))
    journal = await relay.gateway.journal()
    [view] = await journal.lanes()
    run = await journal.claim(view.lane, owner="me", lease=60)
    assert run is not None
    await run.park("a reason with a secret in it")
    found = await scraped(relay)
    labels = f"destination=drata,kind=cloud_resource,lane={view.lane}"
    assert found["proofport_journal_up"] == 1
    assert found["proofport_journal_free_bytes"] > 0
    assert found[f"proofport_lane_queued_deliveries{{{labels}}}"] == 2
    assert 0 <= found[f"proofport_lane_oldest_seconds{{{labels}}}"] < 60
    assert found[f"proofport_lane_parked{{{labels}}}"] == 1
    assert found[f"proofport_lane_dead_letters{{{labels}}}"] == 0
    assert "secret" not in str(found)


async def test_nobody_makes_series_by_what_he_asks(relay: Relay) -> None:
    for number, method in enumerate(["TRACE", "PROPFIND", "MKCOL", "PURGE", "LINK"]):
        await relay.ask("GET", f"/nothing/{number}?secret={number}")
        await relay.ask("GET", f"/v1/deliveries/{900 + number}")
        await relay.ask(method, "/v1/lanes")
        await relay.post({"id": f"i-{number}"}, kind=f"custom:kind{number}")
    assert of(await scraped(relay), "proofport_http_requests_total") == {
        "method=GET,route=unmatched,status=404": 5,
        "method=GET,route=/v1/deliveries/{id},status=404": 5,
        "method=other,route=unmatched,status=405": 5,
        "method=POST,route=/v1/evidence/{kind},status=422": 5,
    }


async def test_without_a_journal_the_rest_is_told(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    async def gone(journal: SqliteJournal) -> None:
        raise JournalError("the disk is gone")

    monkeypatch.setattr(SqliteJournal, "lanes", gone)
    await relay.ask("GET", "/v1/mappings")
    found = await scraped(relay)
    assert found["proofport_journal_up"] == 0
    assert not any(name.startswith("proofport_lane_") for name in found)
    assert found["proofport_http_requests_total{method=GET,route=/v1/mappings,status=200}"] == 1


def test_what_goes_out() -> None:
    metrics = Metrics()
    delivery = Delivery(1, LANE, "@acme/prod", "device", "upsert", b"", 3, "queued", 0, 0.0)
    metrics.settled(delivery, [Outcome(Status.DELIVERED), Outcome(Status.DELIVERED), Outcome(Status.UNKNOWN)])
    metrics.attempted("@acme/prod", [Attempt("send", status, 0.1, 9, "d", "", 1.0) for status in (0, 429, 200, 200)])
    found = samples(metrics.text(None).decode())
    assert of(found, "proofport_outcomes_total") == {
        "destination=@acme/prod,status=delivered": 2,
        "destination=@acme/prod,status=unknown": 1,
    }
    assert of(found, "proofport_vendor_requests_total") == {
        "destination=@acme/prod,status=0": 1,
        "destination=@acme/prod,status=429": 1,
        "destination=@acme/prod,status=200": 2,
    }


def test_each_application_counts_for_itself() -> None:
    one, other = Metrics(), Metrics()
    one.refused(3)
    assert samples(other.text(None).decode())["proofport_refused_records_total"] == 0


def watched(folder: Path) -> Places:
    """One destination, whose evidence is stale after a day."""
    return Places(configuration(folder, {"drata": {**place(), "max_age": "1d"}}))


def test_when_evidence_arrived_is_told_by_destination_and_kind(tmp_path: Path) -> None:
    places, day = watched(tmp_path), 86_400.0
    [here] = places.all
    labels = "{destination=drata,kind=cloud_resource}"

    def told(at: float, complete: float | None, confirmed: float | None) -> dict[str, float]:
        metrics = Metrics(places)
        arrival = Arrival(here.lane, "cloud_resource", complete, confirmed, confirmed)
        return samples(metrics.text(View([], None, at, arrivals=[arrival])).decode())

    found = told(10 * day, 9.5 * day, 9.7 * day)
    assert found[f"proofport_last_complete_set_timestamp_seconds{labels}"] == 9.5 * day
    assert found[f"proofport_last_confirmed_delivery_timestamp_seconds{labels}"] == 9.7 * day
    assert found[f"proofport_max_age_seconds{labels}"] == day
    assert found[f"proofport_stale{labels}"] == 0
    assert told(10.6 * day, 9.5 * day, 10.5 * day)[f"proofport_stale{labels}"] == 1, "the set counts, once there is one"
    never = told(10 * day, None, None)
    assert never[f"proofport_stale{labels}"] == 1
    assert f"proofport_last_complete_set_timestamp_seconds{labels}" not in never


def test_the_page_lists_every_metric_with_its_labels(tmp_path: Path) -> None:
    places = watched(tmp_path)
    metrics = Metrics(places)
    metrics.answered("GET", None, 404, 0.1)
    metrics.accepted([NewDelivery(LANE, "prod", "device", "upsert", b"", 3)])
    metrics.settled(Delivery(1, LANE, "prod", "device", "upsert", b"", 1, "done", 0, 0.0), [Outcome(Status.DELIVERED)])
    metrics.attempted("prod", [Attempt("send", 200, 0.1, 9, "d", "", 1.0)])
    arrival = Arrival(places.all[0].lane, "cloud_resource", 1.0, 1.0, 1.0)
    metrics.text(View([LaneView(LANE, 1, 1.0, 0, 1, None, None, 0.0, None)], 1, 1.0, arrivals=[arrival]))
    known = {}
    for family in metrics.registry.collect():
        if family.name.startswith("proofport_"):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            known[name] = family.type, {label for each in family.samples for label in each.labels} - {"le"}
    rows = re.findall(r"^\| `(proofport_\w+)` \| (\w+) \|(.*?)\|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows} == known
    assert len(rows) == len(known)
