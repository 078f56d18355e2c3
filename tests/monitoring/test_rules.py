"""Every alert fires when it should, and is silent when it should be: `promtool test rules`."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from ringrift.monitoring.catalogue import METRICS

MONITORING = Path(__file__).parents[2] / "include" / "monitoring"
RULES = sorted((MONITORING / "rules").glob("*.yaml"))
ALERTS = {
    rule["alert"]: rule
    for path in RULES
    for group in yaml.safe_load(path.read_text())["groups"]
    for rule in group["rules"]
}
OF_THE_SPECIFICATION = {
    *("AILoopDown", "NoGamesSynced", "AllHostsFailed", "TrainingStuck", "HighSyncErrorRate"),
    *("GamesPendingThresholdExceeded", "NoPromotionsIn24h", "EloDecline", "LowActiveHosts", "CPUUnderutilized"),
    *("CPUOverutilized", "GPUUnderutilized", "GPUOverutilized", "GPUCriticallyOverloaded", "HighMemoryUtilization"),
    *("ProlongedBackpressure",),
}
UP, HALTED = "ringrift_uptime_seconds", "ringrift_halted"
LOOP = {UP: "100000+60x3000", HALTED: "0x3000"}
"""A loop that has run for more than a day, a value a minute."""
SYNCED = 'ringrift_games_synced_total{config="hex8_2p", host="gpu-1"}'
PROMOTED = 'ringrift_promotions_total{config="hex8_2p", status="promoted"}'
LOSS = 'ringrift_training_loss{config="hex8_2p", loss="total"}'
SYNCS = 'ringrift_syncs_total{host="gpu-1", status="%s"}'
SIGN = 'ringrift_sign_age_seconds{writer="airflow"}'


@dataclass(frozen=True)
class Case:
    """Series with which an alert does not fire before a moment, and does then; and others with which it never does."""

    fires: dict[str, str]
    before: str
    at: str
    silent: dict[str, str] = field(default_factory=dict)


def one(metric: str, value: float, healthy: float, labels: str = "", minutes: int = 0) -> Case:
    """A gauge that is wrong from the beginning, and one that is well."""
    series = f"ringrift_{metric}{{{labels}}}"
    before, at = (f"{minutes - 1}m", f"{minutes + 1}m") if minutes else ("0m", "1m")
    wrong = f"{value}x3000" if minutes else f"{healthy} {value}x3000"
    return Case({series: wrong} | LOOP, before, at, {series: f"{healthy}x3000"} | LOOP)


CONFIG = 'config="hex8_2p"'
CASES = {
    "AILoopDown": Case({UP: "0x100", HALTED: "0x100"}, "4m", "6m", {UP: "0x100", HALTED: "1x100"}),
    "AirflowSilent": Case({SIGN: "0+60x100", **LOOP}, "18m", "22m", {SIGN: "0+60x10 0+60x10 0+60x10", **LOOP}),
    "NoGamesSynced": Case({SYNCED: "1+1x20 21x3000", **LOOP}, "45m", "55m", {SYNCED: "0+1x3000", **LOOP}),
    "SelfplayStalled": Case(
        {'ringrift_seconds_since_last_game{host="gpu-1"}': "0+60x3000", 'ringrift_host_up{host="gpu-1"}': "1x3000"},
        *("69m", "72m"),
        {'ringrift_seconds_since_last_game{host="gpu-1"}': "0+60x3000", 'ringrift_host_up{host="gpu-1"}': "0x3000"},
    ),
    "GamesPendingThresholdExceeded": one("games_pending_training", 5001, 5000, CONFIG, 5),
    "ProlongedBackpressure": one("backpressure", 0.6, 0.5, CONFIG, 60),
    "MetricsIncomplete": one("scrape_ok", 0, 1, 'part="games"', 10),
    "TrainingStuck": Case(
        {f"ringrift_training_progress_age_seconds{{{CONFIG}}}": "0+60x200"},
        *("119m", "121m"),
        {f"ringrift_training_progress_age_seconds{{{CONFIG}}}": "0+60x100 0+60x100"},
    ),
    "LossDivergence": Case({LOSS: "2-0.01x60 4x60"}, "60m", "64m", {LOSS: "2-0.01x60 2x60"}),
    "ModelRegression": one("gauntlet_score", 0.44, 0.45, f'{CONFIG}, opponent="champion"'),
    "EloDecline": one("elo_trend_high", -1, 1, f'{CONFIG}, form="policy"', 10),
    "NoPromotionsIn24h": Case({PROMOTED: "0 1x3000", **LOOP}, "1439m", "1445m", {PROMOTED: "0 1x700 2x3000", **LOOP}),
    "AllHostsFailed": one("hosts_active", 0, 1, minutes=2),
    "LowActiveHosts": Case(
        {"ringrift_hosts_active": "4x100", "ringrift_hosts_configured": "9x100"},
        *("9m", "11m"),
        {"ringrift_hosts_active": "1x100", "ringrift_hosts_configured": "1x100"},
    ),
    "WorkerOffline": one("host_up", 0, 1, 'host="gpu-1"', 5),
    "HighSyncErrorRate": Case(
        {SYNCS % "ok": "0+2x100", SYNCS % "failed": "0x10 0+1x100"},
        *("15m", "60m"),
        {SYNCS % "ok": "0+9x100", SYNCS % "failed": "0+1x100"},
    ),
    "HighMemoryUtilization": one("host_memory_utilization_percent", 86, 85, 'host="gpu-1"', 30),
    "DiskFilling": one("host_disk_utilization_percent", 91, 90, 'host="gpu-1"', 10),
    "CPUUnderutilized": one("cluster_cpu_utilization_percent", 59, 60, minutes=30),
    "CPUOverutilized": one("cluster_cpu_utilization_percent", 81, 80, minutes=30),
    "GPUUnderutilized": one("cluster_gpu_utilization_percent", 59, 60, minutes=30),
    "GPUOverutilized": one("cluster_gpu_utilization_percent", 81, 80, minutes=30),
    "GPUCriticallyOverloaded": one("cluster_gpu_utilization_percent", 96, 95, minutes=10),
    "Watchdog": Case({UP: "1x10"}, "0m", "1m"),
}


def group(alert: str, series: dict[str, str], *moments: tuple[str, bool]) -> dict[str, Any]:
    """A test of promtool: whether an alert fires at moments."""
    expression = f'count(ALERTS{{alertname="{alert}", alertstate="firing"}})'
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {"expr": expression, "eval_time": at, "exp_samples": [{"labels": "{}", "value": 1}] if fires else []}
            for at, fires in moments
        ],
    }


def promtool(tests: list[dict[str, Any]], folder: Path) -> subprocess.CompletedProcess[str]:
    program = shutil.which("promtool")
    assert program, "there is no promtool on this machine: apt install prometheus"
    (folder / "test.yaml").write_text(
        yaml.safe_dump({"rule_files": list(map(str, RULES)), "evaluation_interval": "1m", "tests": tests})
    )
    return subprocess.run(
        [program, "test", "rules", str(folder / "test.yaml")], capture_output=True, text=True, timeout=120, check=False
    )


def test_every_alert_has_a_case_and_all_of_the_specification_are_there() -> None:
    assert set(CASES) == set(ALERTS)
    assert set(ALERTS) >= OF_THE_SPECIFICATION


@pytest.mark.parametrize("alert", CASES)
def test_an_alert_fires_in_time_and_not_before(alert: str, tmp_path: Path) -> None:
    case = CASES[alert]
    moments = [("1m", True)] if alert == "Watchdog" else [(case.before, False), (case.at, True)]
    found = promtool([group(alert, case.fires, *moments)], tmp_path)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize("alert", [alert for alert, case in CASES.items() if case.silent])
def test_an_alert_is_silent_while_all_is_well(alert: str, tmp_path: Path) -> None:
    case = CASES[alert]
    found = promtool([group(alert, case.silent, (case.at, False))], tmp_path)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize(
    ("alert", "series", "at"),
    [
        ("AILoopDown", {"something_else": "1x100"}, "6m"),
        ("NoGamesSynced", LOOP, "1m"),
        ("LossDivergence", {LOSS: "NaN NaN NaN NaN NaN"}, "3m"),
    ],
    ids=["no metrics at all", "no game ever", "a loss that is no number"],
)
def test_what_is_missing_or_no_number_fires_too(alert: str, series: dict[str, str], at: str, tmp_path: Path) -> None:
    found = promtool([group(alert, series, (at, True))], tmp_path)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_says_how_bad_it_is_what_it_means_and_what_to_do_first(alert: str) -> None:
    rule = ALERTS[alert]
    assert rule["labels"]["severity"] in {"critical", "warning", "info", "none"}
    assert {"summary", "description", "action"} <= rule["annotations"].keys()
    known = {metric.name for metric in METRICS}
    assert set(re.findall(r"ringrift_\w+", rule["expr"])) <= known


@pytest.mark.parametrize(
    "words", [("promtool", "check", "config", "prometheus.yaml"), ("amtool", "check-config", "alertmanager.yaml")]
)
def test_the_files_of_prometheus_and_alertmanager_are_sound(words: tuple[str, ...]) -> None:
    found = subprocess.run(words, cwd=MONITORING, capture_output=True, text=True, timeout=60, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


def test_make_monitor_says_in_a_line_which_program_is_missing(tmp_path: Path) -> None:
    dirname = shutil.which("dirname")
    assert dirname
    (tmp_path / "dirname").symlink_to(dirname)
    words = ["/bin/sh", str(MONITORING / "monitor.sh")]
    found = subprocess.run(words, env={"PATH": str(tmp_path)}, capture_output=True, text=True, timeout=60, check=False)
    assert found.returncode == 2
    assert found.stderr.startswith("error: there is no prometheus; on Debian and Ubuntu: apt install prometheus ")
    assert found.stderr.count("\n") == 1
