"""Monitoring as it is run: a real Prometheus and a real Alertmanager, and each alert provoked by what it is for.

An alert is seen firing, delivered to a webhook, and delivered as resolved once its cause is gone. Only what makes
people wait is shortened: the durations of the rules and the pauses of Alertmanager.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator

import pytest
import yaml
from pytest import MonkeyPatch, TempPathFactory

from ringrift.fleet.hosts import fleet_settings, hosts
from ringrift.fleet.sync import sync_games
from ringrift.fleet.tending import tend_fleet
from ringrift.game_database.counters import count
from ringrift.pipeline.signs_of_life import FOLDER, SignOfLife, count_stage
from tests.fleet.servers import Server, server
from tests.monitoring.world import CONFIG, DATABASE, World
from tests.system.prometheus import MONITORING, Alerting

pytestmark = pytest.mark.xdist_group("monitoring")

DAYS = 2 * 86_400.0
NAMES = ("gpu-1", "gpu-2", "gpu-3", "gpu-4", "gpu-5")
BUSY = {"cpu": 70, "cores": 8, "load": 5, "memory": (1000, 400), "disk": (1000, 500), "gpu": [(70, 40_000, 80_000)]}


def sign(world: World, writer: str, *, age: float = 0.0, every: float = 86_400.0) -> None:
    """Leave a sign of life of somebody who has run the loop for two days, and left it so long ago."""
    path = world.home / FOLDER / f"{writer}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    now = time.time()
    path.write_text(SignOfLife(since=now - DAYS, last=now - age, every=every).model_dump_json())


def be_well(world: World) -> None:
    """A loop of which nothing can be complained."""
    sign(world, "airflow")
    for name in NAMES:
        world.host_answers(name, **BUSY)
    world.add_games(1, "gpu-1")
    world.train(2.0, 1.9)
    world.evaluate(f"{3:016x}", 0.55)


@pytest.fixture(scope="module")
def world(tmp_path_factory: TempPathFactory) -> Iterator[World]:
    found = World(tmp_path_factory.mktemp("world"))
    with MonkeyPatch.context() as patch:
        patch.setenv("RINGRIFT_CONFIG_DIR", str(found.config))
        patch.setenv("RINGRIFT_LOOP_PRESET", "smoke")
        health = {"failures": 1, "together_seconds": 0.0, "first_pause_seconds": 0.1, "longest_pause_minutes": 0.002}
        (found.config / "fleet.yaml").write_text(yaml.safe_dump({"health": health, "connection": {"seconds": 2}}))
        yield found


@pytest.fixture(scope="module")
def sshd(world: World) -> Iterator[Server]:
    """One machine that is all hosts, each with a folder of its own."""
    with server(world.home / "sshd", "gpu-1") as found:
        entries = {name: found.entry(home=f"~/{name}") for name in NAMES}
        (world.config / "hosts.yaml").write_text(yaml.safe_dump({"hosts": entries}))
        yield found


@pytest.fixture(scope="module")
def alerting(world: World, sshd: Server) -> Iterator[Alerting]:
    for number in (1, 2, 3):
        world.add_model(number)
    world.rate(100, 130, 160)
    be_well(world)
    with Alerting(world.home) as found:
        yield found


def tend(world: World) -> None:
    with world.health() as health:
        tend_fleet(hosts(), fleet_settings(), health)


def sync(world: World) -> None:
    with world.health() as health:
        sync_games(hosts(), fleet_settings(), root=world.home / "data" / "selfplay", health=health)


def test_while_all_is_well_only_the_watchdog_is_heard(alerting: Alerting, world: World) -> None:
    alerting.wait_until_scraped()
    with alerting.again_and_again(lambda: world.add_games(1, "gpu-1")):
        world.crown(f"{2:016x}")
        alerting.wait_for("firing", "Watchdog")
        alerting.wait_until_quiet(besides={"Watchdog", "NoPromotionsIn24h"})


def test_every_panel_of_the_dashboards_shows_data(alerting: Alerting, world: World) -> None:
    world.crown(f"{3:016x}")
    sync(world)
    with world.database() as database:
        count_stage(database, CONFIG, "train", "success")
        with database.writing() as connection:
            count(connection, "gate", CONFIG, "random passed")
            count(connection, "evaluation_games", CONFIG, "gauntlet", 40)
    beat = world.home / "data" / "jobs" / f"ringrift__{CONFIG}.train.manual" / "heartbeat"
    beat.parent.mkdir(parents=True)
    beat.touch()
    for file in (MONITORING / "grafana").glob("*.json"):
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel["targets"]:
                query = re.sub(r"\$(config|host)\b", ".*", target["expr"]).replace("$__rate_interval", "6s")
                query = re.sub(r"\[(1|24)h\]", "[6s]", query)
                assert alerting.eventually(query), (file.name, panel["title"], query)


def test_hosts_that_are_badly_used_are_told_of(alerting: Alerting, world: World) -> None:
    over = BUSY | {"cpu": 90, "memory": (1000, 50), "disk": (1000, 20), "gpu": [(90, 70_000, 80_000)]}
    for name in NAMES:
        world.host_answers(name, **over)
    alerts = ("CPUOverutilized", "GPUOverutilized", "HighMemoryUtilization", "DiskFilling")
    alerting.wait_for("firing", *alerts)
    for name in NAMES:
        world.host_answers(name, **BUSY | {"cpu": 20, "gpu": [(99, 70_000, 80_000)]})
    alerting.wait_for("firing", "CPUUnderutilized", "GPUCriticallyOverloaded")
    alerting.wait_for("resolved", *set(alerts) - {"GPUOverutilized"})
    for name in NAMES:
        world.host_answers(name, **BUSY | {"gpu": [(10, 70_000, 80_000)]})
    alerting.wait_for("firing", "GPUUnderutilized")
    be_well(world)
    alerting.wait_for("resolved", "CPUUnderutilized", "GPUCriticallyOverloaded", "GPUUnderutilized", "GPUOverutilized")


def test_learning_that_goes_wrong_is_told_of(alerting: Alerting, world: World) -> None:
    world.add_games(6000, "gpu-1")
    world.evaluate(f"{3:016x}", 0.30)
    world.rate(300, 200, 100)
    world.train(2.0, 6.0, age=3 * 3600 + 1)  # the clock of files is a little behind
    alerts = ("GamesPendingThresholdExceeded", "ModelRegression", "EloDecline", "LossDivergence", "TrainingStuck")
    alerting.wait_for("firing", *alerts)
    alerting.wait_for("firing", "ProlongedBackpressure", "NoPromotionsIn24h")
    world.add_model(4, games=100_000)
    world.crown(f"{4:016x}")
    world.evaluate(f"{4:016x}", 0.60)
    world.rate(100, 200, 300)
    world.train(2.0, 1.9)
    alerting.wait_for("resolved", *alerts, "ProlongedBackpressure", "NoPromotionsIn24h")


def test_a_steady_alert_is_told_once(alerting: Alerting) -> None:
    told = [one for one in alerting.delivered if (one["name"], one["status"]) == ("TrainingStuck", "firing")]
    assert len(told) == 1
    assert told[0]["annotations"]["summary"].startswith(f"A training of {CONFIG} has written nothing for 3h 0m")
    assert told[0]["annotations"]["action"]
    assert told[0]["generatorURL"].startswith("http://")


def test_self_play_that_stands_still_is_told_of(alerting: Alerting, world: World) -> None:
    world.add_games(1, "gpu-2", ended=time.time() - 7200)
    alerting.wait_for("firing", "SelfplayStalled", "NoGamesSynced")
    with alerting.again_and_again(lambda: world.add_games(1, "gpu-2")):
        alerting.wait_for("resolved", "SelfplayStalled", "NoGamesSynced")


def test_hosts_that_are_gone_are_told_of_until_they_are_back(alerting: Alerting, world: World, sshd: Server) -> None:
    with alerting.again_and_again(lambda: world.add_games(1, "gpu-1")):
        with world.health() as health:
            for name in ("gpu-4", "gpu-5"):
                health.failed(name, OSError("its cable was pulled"))
        alerting.wait_for("firing", "LowActiveHosts", "WorkerOffline")
        sshd.stop()
        sync(world)
        tend(world)
        with alerting.again_and_again(lambda: sync(world), pause=1.0):
            alerting.wait_for("firing", "AllHostsFailed", "HighSyncErrorRate")
        sshd.start()
        with alerting.again_and_again(lambda: tend(world), pause=1.0):
            alerting.wait_for("resolved", "AllHostsFailed", "LowActiveHosts", "WorkerOffline", "HighSyncErrorRate")


def test_a_loop_that_dies_and_a_database_that_is_gone_are_told_of(alerting: Alerting, world: World) -> None:
    be_well(world)
    sign(world, "loop")
    sign(world, "airflow", age=3600, every=60)
    alerting.wait_for("firing", "AirflowSilent")
    sign(world, "loop", age=3600, every=60)
    database = world.home / DATABASE
    hidden = database.with_suffix(".hidden")
    database.rename(hidden)
    alerting.wait_for("firing", "AILoopDown", "MetricsIncomplete")
    assert alerting.eventually('ringrift_host_memory_utilization_percent{host="local"}')
    hidden.rename(database)
    sign(world, "airflow")
    alerting.wait_for("resolved", "AILoopDown", "MetricsIncomplete", "AirflowSilent")


def test_all_alerts_of_the_rules_were_provoked_and_delivered(alerting: Alerting) -> None:
    told = {one["name"] for one in alerting.delivered if one["status"] == "firing"}
    assert told == alerting.rules()
    resolved = {one["name"] for one in alerting.delivered if one["status"] == "resolved"}
    assert resolved == told - {"Watchdog"}
