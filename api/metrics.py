"""Numbers for Prometheus: how much and how fast, labelled by route template, never by id or text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The counters of one service."""

    def __init__(self) -> None:
        """Create all counters at zero."""
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "triage_requests", "Requests answered", ("method", "route", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "triage_request_seconds", "Time to answer", ("route",), buckets=_SECONDS, registry=self.registry
        )
        self.decisions = Counter("triage_decisions", "Appeals decided", ("outcome",), registry=self.registry)
        self.dispatches = Counter(
            "triage_dispatches", "What automatic dispatch made of posted appeals", ("outcome",), registry=self.registry
        )
        self.risks = Counter("triage_risk_levels", "Risk level of decided appeals", ("level",), registry=self.registry)
        self.refused = Counter("triage_refused", "Requests not admitted", ("reason",), registry=self.registry)
        self.running = Gauge("triage_requests_running", "Requests being worked on", registry=self.registry)
        self.waiting = Gauge("triage_requests_waiting", "Requests waiting for a free place", registry=self.registry)

    def count_decision(self, record: Mapping[str, Any], *, dispatch: str) -> None:
        """Count a decision that was stored, and what automatic dispatch made of it."""
        self.dispatches.labels(dispatch).inc()
        self.decisions.labels(str(record["unit"]["decision"])).inc()
        self.risks.labels(str(record["risk"]["level"])).inc()

    def watch(self, read: Callable[[], Mapping[str, float]]) -> None:
        """Add gauges that are read from the store whenever somebody asks."""
        self.registry.register(_Stored(read))

    def render(self) -> bytes:
        """Return all numbers in the text format."""
        return generate_latest(self.registry)


class _Stored(Collector):
    """Numbers of the store, read at the time of the question."""

    def __init__(self, read: Callable[[], Mapping[str, float]]) -> None:
        self._read = read

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Return nothing, so that registering asks the store nothing."""
        return []

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Return one gauge per number."""
        for name, value in self._read().items():
            yield GaugeMetricFamily(f"triage_{name}", name.replace("_", " "), value=value)
