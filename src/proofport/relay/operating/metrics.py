"""Counts for Prometheus: https://prometheus.io/docs/practices/naming/

Labels are names from the configuration and words of fixed lists, never an id, a key, or text of a caller. Counters
cover this process only; the lanes are those of the journal, whichever process delivers.
"""

from __future__ import annotations

from collections import Counter as Count
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from proofport.accounting import Outcome, Status
from proofport.delivery.report.report import RunReport
from proofport.gateway.places import Places
from proofport.gateway.standing import Freshness, freshness
from proofport.journal.contract import Attempt, Delivery, LaneView, NewDelivery
from proofport.relay.operating.backlog import View

MEDIA_TYPE = CONTENT_TYPE_LATEST
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
UNMATCHED = "unmatched"
"""The route of requests that no route answers. Their paths would make new series without end."""


class Metrics:
    """The metrics of one application. The worker that delivers in this process reports to it, too."""

    def __init__(self, places: Places | None = None) -> None:
        """`places`: the configured names of lanes."""
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._lanes = _Lanes(places)
        registry.register(self._lanes)

        def counter(name: str, about: str, *labels: str) -> Counter:
            return Counter(f"proofport_{name}", about, labels, registry=registry)

        def histogram(name: str, about: str, *labels: str) -> Histogram:
            return Histogram(f"proofport_{name}", about, labels, buckets=BUCKETS, registry=registry)

        self._requests = counter("http_requests", "Requests answered.", "method", "route", "status")
        about = "Seconds until the answer to a request was made."
        self._durations = histogram("http_request_duration_seconds", about, "method", "route")
        self._deliveries = counter("accepted_deliveries", "Deliveries accepted.", "destination")
        self._records = counter("accepted_records", "Records in accepted deliveries.", "destination")
        self._parts = counter("snapshot_records", "Records in accepted parts of snapshots.")
        self._refused = counter("refused_records", "Records refused for mistakes.")
        self._outcomes = counter("outcomes", "Records by outcome.", "destination", "status")
        self._attempts = counter("vendor_requests", "Requests to vendors.", "destination", "status")
        self._commits = histogram("journal_commit_seconds", "Seconds until accepted evidence was durable.")

    def text(self, view: View | None) -> bytes:
        """All metrics in the format of Prometheus. `view`: None when the journal cannot be read."""
        self._lanes.view = view
        return generate_latest(self.registry)

    # ------------------------------------------------------------------ requests
    def answered(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """`route`: the template of its path; None for what no route answers. `status` 0: no answer."""
        labels = (method if method in METHODS else "other", route or UNMATCHED)
        self._requests.labels(*labels, str(status)).inc()
        self._durations.labels(*labels).observe(seconds)

    def committing(self) -> AbstractContextManager[object]:
        """Time the block that makes evidence durable."""
        return self._commits.time()

    def accepted(self, deliveries: Iterable[NewDelivery]) -> None:
        for each in deliveries:
            self._deliveries.labels(each.destination).inc()
            self._records.labels(each.destination).inc(each.records)

    def took_part(self, records: int) -> None:
        self._parts.inc(records)

    def refused(self, records: int) -> None:
        self._refused.inc(records)

    # ------------------------------------------------------------------ deliveries
    def settled(self, delivery: Delivery, outcomes: Sequence[Outcome]) -> None:
        for status, count in Count(outcome.status for outcome in outcomes).items():
            self._count(delivery.destination, status, count)

    def attempted(self, destination: str, attempts: Iterable[Attempt]) -> None:
        for attempt in attempts:
            self._attempts.labels(destination, str(attempt.status)).inc()

    def reported(self, run: RunReport) -> None:
        """Count the outcomes of a snapshot's run."""
        for destination, books in run.destinations.items():
            for status, count in books.tally.status.items():
                self._count(destination, status, count)

    def _count(self, destination: str, status: Status, count: int) -> None:
        self._outcomes.labels(destination, status.value).inc(count)


class _Lanes(Collector):
    """The lanes of the last look at the backlog."""

    def __init__(self, places: Places | None) -> None:
        self.view: View | None = None
        self._places = places

    def collect(self) -> Iterator[GaugeMetricFamily]:
        view = self.view
        yield GaugeMetricFamily("proofport_journal_up", "1 when the journal can be read.", value=view is not None)
        if view is None:
            return
        if view.free_bytes is not None:
            yield GaugeMetricFamily(
                "proofport_journal_free_bytes", "Free bytes of the disk with the journal.", value=view.free_bytes
            )
        about = "Keys of the relay that expire within 14 days, or have expired and are not revoked."
        yield GaugeMetricFamily("proofport_expiring_keys", about, value=view.expiring)
        gauges: dict[str, tuple[str, Callable[[LaneView], float]]] = {
            "proofport_lane_queued_deliveries": ("Deliveries that wait.", lambda lane: lane.queued),
            "proofport_lane_oldest_seconds": ("Seconds that the oldest of them has waited.", view.age_of),
            "proofport_lane_dead_letters": ("Dead letters.", lambda lane: lane.dead),
            "proofport_lane_parked": ("1 when a person must act.", lambda lane: lane.parked is not None),
        }
        for name, (about, value_of) in gauges.items():
            gauge = GaugeMetricFamily(name, about, labels=["lane", "destination", "kind"])
            for lane in view.lanes:
                gauge.add_metric([lane.lane, *self._names(lane.lane)], value_of(lane))
            yield gauge
        yield from self._ages(view)

    def _names(self, lane: str) -> tuple[str, str]:
        """The configured destination and kind of a lane; all of them where several share it."""
        names, kinds = self._places.all_names(lane) if self._places is not None else ((), ())
        return ",".join(names), ",".join(kinds)

    def _ages(self, view: View) -> Iterator[GaugeMetricFamily]:
        """When evidence last arrived, of what is configured. What never arrived has no time."""
        fresh = freshness(self._places, view.arrivals) if self._places is not None else []
        gauges: dict[str, tuple[str, Callable[[Freshness], float | None]]] = {
            "proofport_last_complete_set_timestamp_seconds": (
                "When the last whole set was complete.",
                lambda each: each.complete,
            ),
            "proofport_last_confirmed_delivery_timestamp_seconds": (
                "When the vendor last confirmed a record.",
                lambda each: each.confirmed,
            ),
            "proofport_max_age_seconds": ("The configured max_age.", lambda each: each.place.max_age),
            "proofport_stale": (
                "1 when evidence is older than its max_age, or never arrived.",
                lambda each: None if each.place.max_age is None else each.is_stale(view.at),
            ),
        }
        for name, (about, value_of) in gauges.items():
            gauge = GaugeMetricFamily(name, about, labels=["destination", "kind"])
            for each in fresh:
                if (value := value_of(each)) is not None:
                    gauge.add_metric([each.place.destination, each.place.kind], value)
            yield gauge
