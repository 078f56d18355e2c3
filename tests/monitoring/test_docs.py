"""The page about monitoring knows every metric and every alert, and the dashboards ask for nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ringrift.monitoring.catalogue import METRICS, Metric
from tests.monitoring.test_rules import ALERTS, MONITORING

PAGE = (Path(__file__).parents[2] / "docs" / "monitoring.md").read_text()
DASHBOARDS = sorted((MONITORING / "grafana").glob("*.json"))


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_metric_is_documented_as_it_is(metric: Metric) -> None:
    assert f"| `{metric.name}` | {metric.kind} | {', '.join(metric.labels)} | {metric.help} |" in PAGE


def test_every_alert_is_documented() -> None:
    assert set(re.findall(r"^\| `([A-Z]\w+)` \|", PAGE, re.M)) == set(ALERTS)


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_is_whole_and_its_panels_do_not_overlap(path: Path) -> None:
    board = json.loads(path.read_text())
    known = {metric.name for metric in METRICS}
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        assert set(re.findall(r"ringrift_\w+", json.dumps(panel["targets"]))) <= known, panel["title"]
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
