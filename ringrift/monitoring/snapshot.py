"""All metrics at one moment, part by part: a part that fails is named with its fault, and the others are there."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from ringrift.errors import RingRiftError
from ringrift.monitoring.games import games_metrics
from ringrift.monitoring.loop import life_metrics, stage_metrics
from ringrift.monitoring.machines import machine_metrics
from ringrift.monitoring.strength import strength_metrics
from ringrift.monitoring.training import run_metrics, training_metrics
from ringrift.monitoring.view import MonitoringInputs, Sample, Samples, View, opened
from ringrift.printable import one_line

PARTS: Final[Mapping[str, Callable[[View], Samples]]] = MappingProxyType(
    {
        "life": life_metrics,
        "stages": stage_metrics,
        "games": games_metrics,
        "training": training_metrics,
        "runs": run_metrics,
        "strength": strength_metrics,
        "machines": machine_metrics,
    }
)
"""The parts by name."""

LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True)
class Snapshot:
    """All metrics at one moment."""

    samples: tuple[Sample, ...]
    faults: Mapping[str, str]
    """The reason why a part could not be computed, in a line, by its name."""

    def values(self, name: str) -> dict[tuple[str, ...], float]:
        """Return the values of a metric by its labels."""
        return {labels: value for metric, labels, value in self.samples if metric == name}


def measure(inputs: MonitoringInputs) -> Snapshot:
    """Compute all metrics; faults of files, settings, hosts or the database are part of the snapshot."""
    samples: list[Sample] = []
    faults: dict[str, str] = {}
    with opened(inputs) as view:
        for name, part in PARTS.items():
            began = time.perf_counter()
            try:
                samples += part(view)  # metrics before an error stay
            except (RingRiftError, OSError) as error:
                faults[name] = one_line(str(error))
            except Exception as error:  # a fault of one part must not cost the others
                LOG.exception("metrics of %s", name)
                faults[name] = one_line(f"{type(error).__name__}: {error}")
            samples.append(("ringrift_scrape_ok", (name,), float(name not in faults)))
            samples.append(("ringrift_scrape_seconds", (name,), time.perf_counter() - began))
    return Snapshot(tuple(samples), faults)
