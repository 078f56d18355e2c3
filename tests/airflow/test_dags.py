"""The DAGs of every preset as Airflow loads them."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from ringrift.pipeline.allocation_settings import allocation_settings
from ringrift.pipeline.settings import loop_settings
from ringrift.pipeline.stages import STAGES
from ringrift.settings import DEFAULTS
from tests.airflow.place import REPOSITORY, Place

CHAIN = [stage.name for stage in STAGES if stage.name != "rate"]
FILES = [
    "allocation.py",
    "fleet.py",
    "loop.py",
    "maintenance.py",
    "nnue.py",
    "population.py",
    "reanalysis.py",
    "tournaments.py",
    "tuning.py",
]
ON_HOSTS = ["gauntlet_ask", "gauntlet_games", "rate_ask", "rate_games"]
"""The tasks in which hosts play for gauntlet and rating before these are judged."""
ONE_AT_A_TIME = {"export", "check", "train", "gauntlet", "rate", "gate", "promote"}
POOLS = json.loads((DEFAULTS / "pools.json").read_text())
BY_HAND = ("population", "tune")
"""DAGs that run when a person asks for it."""
PRESETS = ("smoke", "quick", "laptop", "cluster")


def inspect(folder: Path, **environment: str) -> Any:
    place = Place.make(folder)
    script = str(Path(__file__).with_name("inspect_dags.py"))
    done = place.run(sys.executable, "-W", "ignore", script, str(REPOSITORY / "dags"), **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module", params=PRESETS)
def preset(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def loaded(preset: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return inspect(tmp_path_factory.mktemp(preset), RINGRIFT_LOOP_PRESET=preset)


def test_all_dags_load_and_every_config_has_its_loop(preset: str, loaded: Any) -> None:
    assert loaded["errors"] == {}
    loops = {
        f"ringrift__{kind}{config}"
        for config in loop_settings().presets[preset].configs
        for kind in ("", "nnue_", "reanalysis_")
    }
    kinds = ("shadow_tournament", "full_tournament", "maintenance", "fleet", "allocation", *BY_HAND)
    others = {f"ringrift__{name}" for name in kinds}
    assert set(loaded["dags"]) == loops | others
    print(f"{preset}: {len(loaded['dags'])} DAGs in {loaded['seconds']:.2f} s")


def test_parsing_the_dags_loads_neither_numba_nor_torch(loaded: Any) -> None:
    assert loaded["heavy"] == []


def test_the_same_source_gives_the_same_dags(loaded: Any) -> None:
    assert loaded["same"]


def test_every_dag_and_task_says_what_it_does_and_waits_to_be_started(preset: str, loaded: Any) -> None:
    retries = loop_settings().presets[preset].retries
    for name, dag in loaded["dags"].items():
        assert "ringrift" in dag["tags"], name
        assert dag["doc"], name
        assert dag["description"], name
        assert (dag["paused"], dag["catchup"]) == (True, False), name
        for task, facts in dag["tasks"].items():
            assert facts["doc"], (name, task)
            assert facts["retries"] == retries, (name, task)
            assert facts["pool"] == "default_pool" or facts["pool"] in POOLS, (name, task)
            assert facts["retry_policy"] or task in ("threshold", "approve", "check_connections"), (name, task)


def test_backfills_have_intervals_to_run(loaded: Any) -> None:
    by_hand = {f"ringrift__{name}" for name in BY_HAND}
    kinds = {name: dag["timetable"] for name, dag in loaded["dags"].items()}
    by_asset = {name for name, dag in loaded["dags"].items() if {"nnue", "reanalysis"} & {*dag["tags"]}}
    assert {kind for name, kind in kinds.items() if name not in by_hand | by_asset} == {"CronDataIntervalTimetable"}
    assert {kinds[name] for name in by_hand} == {"NullTimetable"}


def test_a_generation_is_asked_answered_in_parts_and_told_before_the_next(loaded: Any) -> None:
    tasks = loaded["dags"]["ringrift__tune"]["tasks"]
    chain = ["begin", "ask", "answer", "tell", "again"]
    assert [tasks[task]["downstream"] for task in chain] == [["ask"], ["answer"], ["tell"], ["again"], []]
    assert [task for task in chain if tasks[task]["mapped"]] == ["answer"]
    assert tasks["answer"]["pool"] == "ringrift_tuning"
    assert loaded["dags"]["ringrift__tune"]["runs"] == 1


def test_every_member_of_a_population_waits_for_the_generation_before(loaded: Any) -> None:
    tasks = loaded["dags"]["ringrift__population"]["tasks"]
    assert len(tasks) == 11
    for generation in range(10):
        task = tasks[f"generation_{generation}"]
        assert (task["mapped"], task["pool"]) == (True, "ringrift_tuning")
        assert task["downstream"] == [f"generation_{generation + 1}" if generation < 9 else "report"]


def test_a_new_data_set_starts_the_training_of_the_integer_network(preset: str, loaded: Any) -> None:
    for config in loop_settings().presets[preset].configs:
        dag = loaded["dags"][f"ringrift__nnue_{config}"]
        assert (dag["timetable"], dag["runs"]) == ("AssetTriggeredTimetable", 1)
        assert dag["tasks"]["train"]["inlets"] == [f"dataset/{config}"]
        assert dag["tasks"]["train"]["downstream"] == ["gate"]


def test_a_new_champion_starts_the_reanalysis_of_old_games(preset: str, loaded: Any) -> None:
    for config in loop_settings().presets[preset].configs:
        dag = loaded["dags"][f"ringrift__reanalysis_{config}"]
        assert (dag["timetable"], dag["runs"]) == ("AssetTriggeredTimetable", 1)
        task = dag["tasks"]["reanalyse"]
        assert (task["inlets"], task["pool"]) == ([f"production/{config}"], "ringrift_training")


def test_the_stages_follow_each_other_and_what_must_not_run_twice_does_not(preset: str, loaded: Any) -> None:
    runs = loop_settings().presets[preset].runs_at_once
    for config in loop_settings().presets[preset].configs:
        dag = loaded["dags"][f"ringrift__{config}"]
        assert dag["runs"] == runs > 1  # self-play of the next interval waits for nobody
        tasks = dag["tasks"]
        assert set(tasks) == {stage.name for stage in STAGES} | set(ON_HOSTS)
        for stage, following in zip(CHAIN, [*CHAIN[1:], None], strict=True):
            beside = ["gauntlet_ask", "rate", "rate_ask"] if stage == "train" else []
            assert tasks[stage]["downstream"] == ([following, *beside] if following else [])
        for stage in ("gauntlet", "rate"):
            assert tasks[f"{stage}_ask"]["downstream"] == [f"{stage}_games"]
            assert tasks[f"{stage}_games"]["downstream"] == [stage]
            assert tasks[f"{stage}_games"]["mapped"]
        assert {name for name, task in tasks.items() if task["at_once"] == 1} == ONE_AT_A_TIME
        assert {stage for stage in CHAIN if tasks[stage]["mapped"]} == {"selfplay"}
        assert [asset for stage in CHAIN for asset in tasks[stage]["outlets"]] == [
            f"{kind}/{config}" for kind in ("games", "dataset", "candidate", "production")
        ]


def test_what_a_stage_makes_is_made_of_what_the_stage_before_has_made(preset: str, loaded: Any) -> None:
    for config in loop_settings().presets[preset].configs:
        tasks = loaded["dags"][f"ringrift__{config}"]["tasks"].values()
        made_of = {(asset, source) for task in tasks for asset in task["outlets"] for source in task["inlets"]}
        chain = [f"{kind}/{config}" for kind in ("games", "dataset", "candidate", "production")]
        assert made_of == set(zip(chain[1:], chain, strict=False))


def test_page_and_form_of_a_loop_say_how_many_games_are_played(preset: str, loaded: Any) -> None:
    stage = loop_settings().presets[preset].selfplay
    dag = loaded["dags"]["ringrift__square8_2p"]
    intervals = {"*/30 * * * *": 48, "*/15 * * * *": 96}[loop_settings().presets[preset].every]
    games = stage.shards * stage.games if not stage.allocated else allocation_settings().budgets["square8_2p"]
    assert f"**A run plays {games:,} games**" in dag["doc"]
    assert f"{games:,} games for each of them, {games * intervals:,} for a day" in dag["doc"]
    for text in (dag["doc"], dag["descriptions"]["games"]):
        assert "unpause … on trigger" in text
        assert f"{games:,} games more" in text


def test_parameters_are_a_form_that_checks_what_is_typed(loaded: Any) -> None:
    params = loaded["dags"]["ringrift__square8_2p"]["params"]
    assert params["games"]["type"] == "integer"
    assert params["games"]["minimum"] == 1
    assert params["training_preset"]["enum"] == ["smoke", "laptop", "h100"]
    assert all(param["title"] for param in params.values())
    players = re.compile(params["players"]["pattern"])
    good = ["", "random", "gumbel:heuristic@16?noise=1", "policy?temperature=0", "mixed:random,3xpuct@64,2xgumbel@8"]
    assert [name for name in good if not players.search(name)] == []
    assert [name for name in ("nonsense@@", "gumbel@0", "@4", "Gumbel") if players.search(name)] == []


def test_a_loop_says_whether_a_backfill_plays_the_same_games_again(preset: str, loaded: Any) -> None:
    fixed = loop_settings().presets[preset].selfplay.players
    said = f"shard and `{fixed}` decide them." if fixed else "only while the same model is champion"
    assert said in loaded["dags"]["ringrift__square8_2p"]["doc"]


def test_pools_count_tasks_that_wait_in_the_triggerer(preset: str) -> None:
    assert all(pool["include_deferred"] for pool in POOLS.values())


def with_settings(folder: Path, change: tuple[str, str]) -> str:
    """A folder of settings with a change in loop.yaml."""
    copied = folder / "config"
    shutil.copytree(DEFAULTS, copied)
    text = (copied / "loop.yaml").read_text()
    assert change[0] in text
    (copied / "loop.yaml").write_text(text.replace(*change, 1))
    return str(copied)


def test_shares_of_an_export_and_rented_hosts_are_tasks_where_the_settings_want_them(tmp_path: Path) -> None:
    config = with_settings(tmp_path, ("export_shares: 1", "export_shares: 3"))
    (Path(config) / "rent.yaml").write_text("provider: aws\naws: {image: ami-1}\n")
    found = inspect(tmp_path, RINGRIFT_LOOP_PRESET="smoke", RINGRIFT_CONFIG_DIR=str(config))
    assert found["errors"] == {}
    tasks = found["dags"]["ringrift__square8_2p"]["tasks"]
    assert tasks["export_shares"]["mapped"]
    assert "export_shares" in tasks["threshold"]["downstream"]
    assert tasks["export_shares"]["downstream"] == ["export"]
    assert "rent_hosts" in found["dags"]["ringrift__fleet"]["tasks"]


def test_approval_is_a_task_of_its_own_when_it_is_wanted(tmp_path: Path) -> None:
    config = with_settings(tmp_path, ("approval: {wanted: false, hours: 1}", "approval: {wanted: true, hours: 1}"))
    found = inspect(tmp_path, RINGRIFT_LOOP_PRESET="smoke", RINGRIFT_CONFIG_DIR=config)
    assert found["errors"] == {}
    tasks = found["dags"]["ringrift__square8_2p"]["tasks"]
    assert tasks["gate"]["downstream"] == ["approve"]
    assert tasks["approve"]["downstream"] == ["promote"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("shards: 2", "shards: 0"), "presets.smoke.selfplay.shards: input should be greater than 0, not 0 (line 28)"),
        (
            ('hosts: "*/5 * * * *"', 'hosts: "99 * * * *"'),
            "presets.smoke.maintenance.hosts: '99 * * * *' is no schedule: [99 * * * *] is not acceptable",
        ),
        (
            ('every: "*/30 * * * *"', 'every: "0 0 30 2 *"'),
            "presets.smoke.every: '0 0 30 2 *' is a schedule that never comes: there is no such day",
        ),
        (("runs_at_once", "run_at_once"), "presets.smoke.run_at_once: unknown"),
        (("preset: laptop", "preset: lap"), "presets"),
        (("retries: 2", "retries: [2"), "is no YAML: "),
    ],
)
def test_settings_that_are_wrong_are_one_line_in_the_import_error(
    change: tuple[str, str], said: str, tmp_path: Path
) -> None:
    config = with_settings(tmp_path, change)
    preset = {} if change[0] == "preset: laptop" else {"RINGRIFT_LOOP_PRESET": "smoke"}
    errors = inspect(tmp_path, RINGRIFT_CONFIG_DIR=config, **({"RINGRIFT_LOOP_PRESET": ""} | preset))["errors"]
    assert sorted(Path(path).name for path in errors) == FILES
    for error in errors.values():
        last = error.strip().splitlines()[-1]
        assert last.startswith("ringrift.settings.BadSettings: ")
        if change[0] != "preset: laptop":
            assert f"{config}/loop.yaml: " in last
            assert said in last
        else:
            assert "loop preset 'lap': unknown; did you mean 'laptop'?" in last


def test_a_wrong_pool_is_one_line_in_the_import_error(tmp_path: Path) -> None:
    config = Path(with_settings(tmp_path, ("retries: 2", "retries: 2")))
    (config / "pools.json").write_text(json.dumps({"ringrift_training": {"slots": 0}}))
    errors = inspect(tmp_path, RINGRIFT_LOOP_PRESET="smoke", RINGRIFT_CONFIG_DIR=str(config))["errors"]
    assert sorted(Path(path).name for path in errors) == FILES
    for error in errors.values():
        last = error.strip().splitlines()[-1]
        said = "ringrift_training.slots: input should be greater than 0, not 0 (line 1)"
        assert last == f"ringrift.settings.BadSettings: {config}/pools.json: {said}"
