"""Metrics in the text form of Prometheus, computed on request, so that no restart loses any."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from ringrift.files import new_file
from ringrift.monitoring.catalogue import METRICS
from ringrift.monitoring.snapshot import Snapshot, measure
from ringrift.monitoring.view import MonitoringInputs

LOG: Final = logging.getLogger(__name__)
PLAIN: Final = "text/plain"


class SnapshotCollector(Collector):
    """A snapshot as a collector of `prometheus_client`."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot

    def collect(self) -> Iterator[Family]:
        """Yield the metrics that have values, in the order of the catalogue."""
        by_name: dict[str, list[tuple[tuple[str, ...], float]]] = {}
        for name, labels, value in self.snapshot.samples:
            by_name.setdefault(name, []).append((labels, value))
        for metric in METRICS:
            make_family = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
            family = make_family(metric.name, metric.help, labels=metric.labels)
            for labels, value in by_name.pop(metric.name, []):
                family.add_metric(labels, value)
            if family.samples:
                yield family
        assert not by_name, f"not in the catalogue: {', '.join(by_name)}"


def exposed(inputs: MonitoringInputs, accept: str = PLAIN) -> tuple[bytes, str]:
    """Compute the metrics, and return them in the form that the header `Accept` asks for, with its content type.

    Parts that could not be computed are reported in the log.
    """
    snapshot = measure(inputs)
    for part, fault in snapshot.faults.items():
        LOG.warning("metrics of %s: %s", part, fault)
    registry = CollectorRegistry()
    registry.register(SnapshotCollector(snapshot))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


def write_metrics(inputs: MonitoringInputs, path: Path) -> None:
    """Write the metrics into a file for the text file collector of node_exporter, whole or not at all."""
    content, _ = exposed(inputs)
    with new_file(path) as file:
        file.write(content)
