"""Metrics say how the loop is, whatever of it cannot be read."""

from __future__ import annotations

import math
import re
import time
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine, event, update

from ringrift.fleet.schema import host_rows
from ringrift.game_database.counters import read_counters
from ringrift.game_database.ingest import ingest
from ringrift.monitoring import MonitoringInputs, exposed, write_metrics
from ringrift.monitoring.catalogue import METRICS
from ringrift.monitoring.snapshot import PARTS, measure
from tests.contexts import ingest_context
from tests.game_database.records import random_records
from tests.monitoring.world import CONFIG, World

OF_THE_SPECIFICATION = {
    *("ringrift_training_runs_total", "ringrift_promotions_total", "ringrift_games_synced_total"),
    *("ringrift_gpu_utilization", "ringrift_games_pending_training", "ringrift_current_elo", "ringrift_elo_trend"),
    *("ringrift_hosts_active", "ringrift_uptime_seconds", "ringrift_cluster_cpu_utilization_percent"),
    *("ringrift_cluster_gpu_utilization_percent", "ringrift_cluster_gpu_memory_utilization"),
    *("ringrift_gpu_memory_status", "ringrift_optimization_action"),
    *("ringrift_cpu_in_target_range", "ringrift_gpu_in_target_range"),
}
HOSTILE = 'gpu\x1b[2J\x07-1\n\u202e"}} 1\n# HELP'


def fill(world: World) -> None:
    """Something of everything."""
    world.write_hosts("gpu-1", "gpu-2")
    world.host_answers(
        "gpu-1", cpu=70, cores=8, load=5.5, memory=(1000, 300), disk=(1000, 400), gpu=[(90, 70_000, 80_000)]
    )
    world.host_answers("gpu-2", cpu=40, cores=24, load=9.5, memory=(3000, 2700), disk=(1000, 900))
    world.add_games(500)
    for number in (1, 2, 3):
        world.add_model(number, games=100 * number)
    world.rate(100, 130, 160)
    world.crown(f"{2:016x}")
    world.evaluate(f"{2:016x}", 0.61)
    world.train(2.0, 1.5)
    world.alive()
    with world.health() as health:
        health.count_sync("gpu-1", "ok")
        health.count_sync("gpu-1", "failed")


def test_every_name_of_the_specification_has_values(world: World) -> None:
    fill(world)
    snapshot = world.look()
    assert snapshot.faults == {}
    assert {name for name, _, _ in snapshot.samples} >= OF_THE_SPECIFICATION


def test_metrics_say_what_is_there(world: World) -> None:
    fill(world)
    values = world.look().values
    assert values("ringrift_games_synced_total") == {(CONFIG, "gpu-1"): 500}
    assert values("ringrift_games_pending_training") == {(CONFIG,): 200}
    assert values("ringrift_training_runs_total")[CONFIG, "completed"] == 3
    assert values("ringrift_promotions_total")[CONFIG, "promoted"] == 1
    assert values("ringrift_current_elo") == {(CONFIG, "policy"): 130}
    assert values("ringrift_current_elo_low") == {(CONFIG, "policy"): 100}
    assert values("ringrift_elo_trend")[CONFIG, "policy"] == pytest.approx(30)
    assert values("ringrift_gauntlet_score")[CONFIG, "champion"] == 0.61
    assert values("ringrift_evaluation_backlog") == {(CONFIG,): 1}
    assert values("ringrift_training_loss")[CONFIG, "total"] == 1.5
    assert values("ringrift_hosts_active") == {(): 2}
    assert values("ringrift_cluster_cpu_utilization_percent")[()] == pytest.approx((70 * 8 + 40 * 24) / 32)
    assert values("ringrift_cluster_memory_utilization_percent")[()] == pytest.approx(25)
    assert values("ringrift_optimization_action") == {("cpu",): 1, ("gpu",): -1}
    assert values("ringrift_gpu_memory_status") == {("gpu-1", "0"): 1}
    assert values("ringrift_syncs_total")["gpu-1", "failed"] == 1
    assert values("ringrift_backpressure") == {(CONFIG,): 0}


def test_the_loop_is_up_while_it_leaves_signs_of_life(world: World) -> None:
    assert world.look().values("ringrift_uptime_seconds") == {(): 0}
    world.alive()
    late = MonitoringInputs(world.home, world.inputs.database, clock=lambda: time.time() + 500)
    later = MonitoringInputs(world.home, world.inputs.database, clock=lambda: time.time() + 700)
    assert measure(late).values("ringrift_uptime_seconds")[()] == pytest.approx(500, abs=60)
    assert measure(later).values("ringrift_uptime_seconds") == {(): 0}


def test_real_games_are_counted_as_they_come_in(world: World, tmp_path: Path) -> None:
    file = tmp_path / "games.jsonl"
    file.write_bytes(b"".join(record.to_line() for record in random_records(CONFIG, 3)) + b"no game\n")
    with world.database() as database:
        ingest(database, [file], ingest_context())
        ingest(database, [file], ingest_context())
        assert sum(one.total for one in read_counters(database)["games"].values()) == 3
    values = world.look().values
    assert values("ringrift_games") == {(CONFIG,): 3}
    assert sum(values("ringrift_quarantined_lines_total").values()) == 1


def test_a_loss_that_is_no_number_is_nan_and_a_torn_line_is_passed_over(world: World) -> None:
    folder = world.train(2.0, None)
    with (folder / "history.jsonl").open("a") as history:
        history.write('{"step": 3, "los')
    assert math.isnan(world.look().values("ringrift_training_loss")[CONFIG, "total"])


def test_only_a_training_that_has_not_ended_can_be_stuck(world: World) -> None:
    world.train(2.0, age=9000)
    age = world.look().values("ringrift_training_progress_age_seconds")[(CONFIG,)]
    assert age == pytest.approx(9000, abs=60)
    world.train(2.0, age=9000, ended=True)
    assert world.look().values("ringrift_training_progress_age_seconds") == {}
    world.train(2.0, age=90_000)
    assert world.look().values("ringrift_training_progress_age_seconds") == {}


def test_a_host_that_is_silent_or_retired_is_not_active(world: World) -> None:
    world.write_hosts("gpu-1", "gpu-2", "gpu-3")
    world.host_answers("gpu-1", cpu=50, cores=8)
    world.host_answers("gpu-2", cpu=90, cores=8)
    with world.database() as database, database.writing() as connection:
        connection.execute(update(host_rows).where(host_rows.c.name == "gpu-2").values(retired=int(time.time())))
    values = world.look().values
    assert values("ringrift_host_up") == {("gpu-1",): 1, ("gpu-2",): 0, ("gpu-3",): 0}
    assert values("ringrift_cluster_cpu_utilization_percent") == {(): 50}


# Bad input.


def test_without_a_database_all_that_needs_none_is_served(world: World) -> None:
    fill(world)
    gone = MonitoringInputs(world.home, str(world.home / "gone.db"))
    snapshot = measure(gone)
    assert set(snapshot.faults) == {"stages", "games", "training", "strength", "machines"}
    assert all("there is no games database" in fault and "\n" not in fault for fault in snapshot.faults.values())
    assert snapshot.values("ringrift_uptime_seconds")[()] >= 0
    assert snapshot.values("ringrift_training_loss")[CONFIG, "total"] == 1.5
    assert snapshot.values("ringrift_host_memory_utilization_percent")[("local",)] > 0
    assert {part for (part,) in snapshot.values("ringrift_scrape_ok")} == set(PARTS)


def test_broken_settings_of_the_hosts_harm_no_other_part(world: World) -> None:
    world.add_games(7)
    (world.config / "hosts.yaml").write_text("hosts: [not, a, mapping]\n")
    snapshot = world.look()
    assert "hosts.yaml" in snapshot.faults["machines"]
    assert snapshot.values("ringrift_games") == {(CONFIG,): 7}


def test_hostile_names_are_one_harmless_label(world: World) -> None:
    world.add_games(3, host=HOSTILE)
    text = exposed(world.inputs)[0].decode()
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", text)
    (family,) = (one for one in text_string_to_metric_families(text) if one.name == "ringrift_games_synced")
    assert [sample.value for sample in family.samples] == [3]


def test_garbled_usage_in_the_database_is_no_usage(world: World) -> None:
    fill(world)
    with world.database() as database, database.writing() as connection:
        connection.execute(update(host_rows).where(host_rows.c.name == "gpu-2").values(usage='{"cpu": 900}'))
    snapshot = world.look()
    assert snapshot.faults == {}
    assert ("gpu-2",) not in snapshot.values("ringrift_host_cpu_utilization_percent")
    assert snapshot.values("ringrift_hosts_active") == {(): 2}


def test_no_more_hosts_are_named_than_the_settings_allow(world: World) -> None:
    (world.config / "monitoring.yaml").write_text("hosts: 2\n")
    world.write_hosts("known")
    world.add_games(1, "known", ended=1_700_000_000)
    for number in range(5):
        world.add_games(10, f"stranger-{number}", ended=1_700_000_100 + number)
    synced = world.look().values("ringrift_games_synced_total")
    assert synced == {(CONFIG, "known"): 1, (CONFIG, "stranger-4"): 10, (CONFIG, "other"): 40}


# The form.


def test_both_forms_of_the_text_can_be_read(world: World) -> None:
    fill(world)
    plain, plain_type = exposed(world.inputs)
    opened, opened_type = exposed(world.inputs, "application/openmetrics-text; version=1.0.0")
    assert plain_type.startswith("text/plain")
    assert opened_type.startswith("application/openmetrics-text")
    assert opened.endswith(b"# EOF\n")
    kinds = {metric.name.removesuffix("_total"): metric.kind for metric in METRICS}
    families = list(text_string_to_metric_families(plain.decode()))
    assert len(families) > len(OF_THE_SPECIFICATION)
    assert all(family.type == kinds[family.name] and family.documentation for family in families)


def test_the_file_for_node_exporter_is_the_same_text(world: World, tmp_path: Path) -> None:
    fill(world)
    write_metrics(world.inputs, tmp_path / "out" / "ringrift.prom")
    families = {one.name for one in text_string_to_metric_families((tmp_path / "out" / "ringrift.prom").read_text())}
    assert families >= {name.removesuffix("_total") for name in OF_THE_SPECIFICATION}


def test_a_scrape_reads_no_table_but_those_of_a_row_a_host_or_counter(world: World) -> None:
    """By the plans of SQLite for all that a scrape asks: an index, or a table that does not grow with the games."""
    fill(world)
    asked: set[tuple[str, Any]] = set()

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.lstrip().startswith("SELECT"):
            asked.add((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        assert world.look().faults == {}
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert len(asked) > 5
    with world.database() as database, database.engine.connect() as connection:
        for statement, parameters in asked:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            scanned = {row[-1].split()[1] for row in plan if row[-1].startswith("SCAN")}
            assert scanned <= {"counters", "hosts", "alembic_version", "CONSTANT", "sqlite_master"}, (statement, plan)
