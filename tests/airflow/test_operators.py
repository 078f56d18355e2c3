"""The stages: which command each of them is, and what it makes of the report."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.sdk import Asset
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, TaskDeferred

from ringrift.fleet.failures import JobFailed, Postponed
from ringrift.pipeline.halt import halt, resume
from ringrift.pipeline.plan import PlannedGames
from ringrift.selfplay.hard_positions import positions_file, read_positions_file
from ringrift_airflow.hooks.fleet import FleetHook
from ringrift_airflow.operators.distribute import DistributeModelOperator
from ringrift_airflow.operators.evaluation import RateOperator, RemoteGauntletOperator, ShadowOperator
from ringrift_airflow.operators.export import ExportOperator
from ringrift_airflow.operators.fleet import CleanHostsOperator, TendFleetOperator
from ringrift_airflow.operators.population import PopulationMemberOperator, PopulationOperator
from ringrift_airflow.operators.promotion import GateOperator, PromoteOperator
from ringrift_airflow.operators.ringrift import RingriftOperator, small
from ringrift_airflow.operators.selfplay import RemoteSelfplayOperator
from ringrift_airflow.operators.sync import SyncGamesOperator
from ringrift_airflow.operators.train import CheckOperator, RemoteTrainOperator
from ringrift_airflow.triggers.resume import ResumeTrigger
from tests.airflow.conftest import Tries
from tests.airflow.place import Place
from tests.datasets.games import add, searched_records

CONFIG = "square8_2p"


def run(kind: type[Any], tries: Tries, **keywords: Any) -> Any:
    if issubclass(kind, RingriftOperator):
        keywords["deferrable"] = False
    return kind(task_id="task", **keywords).execute(dated(tries))


def dated(tries: Tries) -> Any:
    return tries.context() | {"data_interval_start": datetime(2026, 1, 2, 3, 30, tzinfo=UTC)}


def words(place: Place, verb: str) -> str:
    return " ".join(place.calls(verb)[-1]["words"])


def test_shards_of_an_interval_are_runs_and_folders_of_their_own(place: Place) -> None:
    run(RemoteSelfplayOperator, Tries(), config=CONFIG, shard=0, games="30", players="")
    name = "square8_2p-20260102T033000-0"
    assert words(place, "selfplay") == f"selfplay square8_2p --run {name} --worker {name} --games 30 --json"
    run(RemoteSelfplayOperator, Tries(), config=CONFIG, shard=3, games=5, players="random")
    name = "square8_2p-20260102T033000-3"
    assert words(place, "selfplay").endswith(f"--worker {name} --games 5 --players random --json")


def test_a_shard_plays_its_share_of_what_is_planned(place: Place, tries: Tries) -> None:
    shard = {"config": CONFIG, "shard": 0, "games": 5, "players": "random", "preset": "smoke", "shards": 3}
    run(RemoteSelfplayOperator, tries, **shard)
    assert " --games 20 " in words(place, "selfplay"), "the budget of smoke, 60 games, by three shards"
    assert words(place, "selfplay").endswith(" --players random --from-zero --json"), "as smoke says"
    tries.conf = {"games": 5}
    run(RemoteSelfplayOperator, tries, **shard)
    assert " --games 5 " in words(place, "selfplay"), "a person has said how many"
    tries.conf, tries.run_type = {}, "backfill"
    run(RemoteSelfplayOperator, tries, **shard)
    assert " --games 5 " in words(place, "selfplay"), "a backfill plays the same games again"


def test_bootstrap_targets_hold_unless_another_run_is_playing(place: Place, tries: Tries) -> None:
    shard = {"config": "hex8_4p", "shard": 0, "games": 5, "preset": "smoke", "shards": 2}
    run(RemoteSelfplayOperator, tries, **shard)
    assert " --games 50 " in words(place, "selfplay"), "100 games are wanted before the first training"
    tries.counts = [4, 2]
    run(RemoteSelfplayOperator, tries, **shard)
    assert " --games 30 " in words(place, "selfplay")


@pytest.mark.parametrize(("preset", "from_zero"), [("quick", True), ("laptop", False)])
def test_the_champion_of_the_package_plays_unless_the_preset_learns_from_zero(
    preset: str, from_zero: bool, place: Place, tries: Tries
) -> None:
    from ringrift.models import ModelStore

    run(RemoteSelfplayOperator, tries, config=CONFIG, shard=0, games=5, preset=preset)
    assert ("--from-zero" in words(place, "selfplay")) == from_zero
    with FleetHook().health() as health:
        store = ModelStore(health.database, place.home / "models")
        assert [model.status for model in store.listed(CONFIG)] == ([] if from_zero else ["production"])
    tries.run_type = "backfill"
    run(RemoteSelfplayOperator, tries, config=CONFIG, shard=0, games=5, preset=preset)
    assert ("--from-zero" in words(place, "selfplay")) == from_zero


def test_self_play_with_a_champion_that_is_not_whole_fails_for_good_and_says_what_a_person_can_do(
    place: Place, tries: Tries
) -> None:
    shard = {"config": CONFIG, "shard": 0, "games": 5, "preset": "laptop"}
    run(RemoteSelfplayOperator, tries, **shard)
    (place.home / "models" / f"ringrift_best_{CONFIG}.pth").write_bytes(b"half")
    with pytest.raises(AirflowFailException, match="`ringrift models verify --repair` puts"):
        run(RemoteSelfplayOperator, tries, **shard)


def test_hard_positions_are_looked_for_once_before_the_games_that_begin_there(
    place: Place, tries: Tries, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = place.home / "include" / "config"
    settings.mkdir(parents=True)
    (settings / "selfplay.yaml").write_text("opening: {hard: 0.25}\n")
    monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(settings))
    with FleetHook().health() as health:
        add(health.database, place.home / "played.jsonl", searched_records("hex8_2p", 20))
    shard = {"config": "hex8_2p", "shard": 0, "games": 5, "preset": "smoke"}
    run(RemoteSelfplayOperator, tries, **shard)
    positions = place.home / positions_file("hex8_2p")
    assert len(read_positions_file(positions, "hex8_2p").positions) > 1
    positions.unlink()
    tries.number = 2
    run(RemoteSelfplayOperator, tries, **shard)
    assert not positions.exists(), "a second try goes on with the games of the first"


def test_a_backfill_begins_with_the_champions_and_the_progress_of_the_loop(place: Place, tries: Tries) -> None:
    from ringrift.models import ModelStore
    from tests.models.making import registered

    with FleetHook().health() as health:
        registered(
            ModelStore(health.database, place.home / "models"),
            config=CONFIG,
            architecture="small",
            training={"run": "1"},
        )
    tries.run_type = "backfill"
    run(RemoteSelfplayOperator, tries, config=CONFIG, shard=0, games=5, preset="laptop")
    assert words(place, "selfplay").endswith(" --games 5 --progress 0.02 --json")


def test_self_play_that_pauses_plays_nothing_and_lets_what_follows_run(
    place: Place, tries: Tries, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused = PlannedGames(CONFIG, 0, "pauses: 6,000 games wait for training")
    monkeypatch.setattr("ringrift.pipeline.plan.planned_games", lambda *_, **__: paused)
    shard = {"config": CONFIG, "shard": 0, "games": 5, "preset": "smoke", "shards": 2}
    assert run(RemoteSelfplayOperator, tries, **shard) == paused.to_json()
    assert place.calls("selfplay") == []


def test_a_data_set_that_is_not_fit_skips_the_training_and_says_why(place: Place, tries: Tries) -> None:
    assert run(CheckOperator, tries, config=CONFIG, preset="smoke")["ready"]
    assert words(place, "preflight") == "preflight square8_2p --preset smoke --from newest --validate --clean --json"
    place.answer(preflight={"code": 1})
    with pytest.raises(AirflowSkipException, match="no training: games: 3"):
        run(CheckOperator, tries, config=CONFIG, preset="smoke")


def test_an_alarm_fails_for_good_and_one_that_stands_skips(place: Place, tries: Tries) -> None:
    shadow = {"words": ["tournament", CONFIG, "--shadow"]}
    assert run(ShadowOperator, tries, **shadow)["alarms"] == []
    place.answer(tournament={"code": 3})
    with pytest.raises(AirflowFailException, match="regression alarm of square8_2p: it scores 30%"):
        run(ShadowOperator, tries, **shadow)
    place.answer(tournament={"code": 1})
    with pytest.raises(AirflowSkipException, match="the regression alarm of square8_2p stands: it scores 30%"):
        run(ShadowOperator, tries, **shadow)


def test_what_finds_no_room_is_tried_again_later(place: Place, tries: Tries) -> None:
    place.answer(train={"code": 75})
    with pytest.raises(Postponed):
        run(RemoteTrainOperator, tries, config=CONFIG, preset="smoke")


def test_a_run_without_an_interval_gives_its_games_its_own_name(place: Place, tries: Tries) -> None:
    task = RemoteSelfplayOperator(task_id="task", config=CONFIG, shard=0, games=1)
    assert "--run square8_2p-scheduled--2026-01-01T00-00-00-00-00-0" in task.command_line(tries.context())


def test_a_run_started_by_hand_does_not_play_the_games_of_the_interval_that_airflow_infers(tries: Tries) -> None:
    """A form that was not touched asks for the current moment, whose interval is that of the last scheduled run."""
    task = RemoteSelfplayOperator(task_id="task", config=CONFIG, shard=0, games=1)
    context = dated(tries) | {"logical_date": datetime(2026, 1, 2, 4, 7, 12, 345, tzinfo=UTC)}
    tries.run_type = "manual"
    by_hand = context | {"dag_run": tries.context()["dag_run"]}
    assert "--run square8_2p-20260102T033000-0 " in task.command_line(context)
    assert "--run square8_2p-manual-20260102T040712-0 " in task.command_line(by_hand)
    del by_hand["logical_date"]
    assert "--run square8_2p-scheduled--2026-01-01T00-00-00-00-00-0 " in task.command_line(by_hand)


def test_a_parameter_that_there_is_not_is_refused_before_anything_is_played(place: Place, tries: Tries) -> None:
    tries.conf = {"trian_now": True}
    with pytest.raises(AirflowFailException, match=r"^parameter 'trian_now': unknown; did you mean 'train_now'\?$"):
        run(RemoteSelfplayOperator, tries, config=CONFIG, shard=0, games=1)
    assert place.calls() == []
    tries.conf = {"train_now": True}
    run(RemoteSelfplayOperator, tries, config=CONFIG, shard=0, games=1)


def test_the_report_goes_with_the_asset(place: Place, tries: Tries) -> None:
    asset = Asset("games/square8_2p")
    found = run(RingriftOperator, tries, words=["games", "ingest", "data/selfplay/square8_2p"], outlets=[asset])
    assert words(place, "games ingest") == "games ingest data/selfplay/square8_2p --json"
    assert found["games"] == 3
    assert tries.outlets[asset].extra == found


def test_a_backfill_exports_the_games_of_its_interval_into_a_folder_of_their_own(place: Place, tries: Tries) -> None:
    assert run(ExportOperator, tries, config=CONFIG, shards=2)["samples"] == 100
    assert words(place, "dataset export") == "dataset export square8_2p --json"
    tries.run_type = "backfill"
    run(ExportOperator, tries, config=CONFIG, shards=2)
    assert words(place, "dataset export") == (
        "dataset export square8_2p --run square8_2p-20260102T033000-0 --run square8_2p-20260102T033000-1"
        " --out data/training/intervals/20260102T033000 --json"
    )


def test_a_backfill_that_trains_exports_to_where_its_training_reads(place: Place, tries: Tries) -> None:
    tries.run_type = "backfill"
    tries.params["train_in_backfill"] = True
    run(ExportOperator, tries, config=CONFIG, shards=2)
    assert words(place, "dataset export") == "dataset export square8_2p --json"
    run(RemoteTrainOperator, tries, config=CONFIG, preset="smoke")
    assert "--datasets" not in words(place, "train")


def test_a_model_goes_from_training_through_gauntlet_and_gate_to_the_hosts(place: Place, tries: Tries) -> None:
    trained = run(RemoteTrainOperator, tries, config=CONFIG, preset="smoke")
    assert words(place, "train") == "train square8_2p --preset smoke --from newest --register --json"
    assert trained["losses"] == {"loss": [1.5, 1.6]}
    path = f"models/square8_2p/{trained['model']}.pth"
    assert trained["path"] == path
    tries.xcoms["train"] = trained
    assert run(RemoteGauntletOperator, tries, config=CONFIG)["passed"] is True
    assert words(place, "evaluate") == f"evaluate square8_2p {path} --no-rating --json"
    gate = run(GateOperator, tries, config=CONFIG)
    assert words(place, "promote") == f"promote square8_2p {path} --check --json"
    assert gate["outcome"] == "passed"
    assert gate["table"].splitlines() == [
        f"square8_2p: {trained['model']}, no champion yet: **passed**",
        "",
        "| check | what | measured | limit | verdict |",
        "| --- | --- | --- | --- | --- |",
        "| random | won | 95 % | 90 % | passed |",
    ]
    assert not (place.home / "models" / "ringrift_best_square8_2p.pth").exists()
    assert run(PromoteOperator, tries, config=CONFIG)["outcome"] == "promoted"
    assert words(place, "promote") == f"promote square8_2p {path} --json"
    assert run(DistributeModelOperator, tries, config=CONFIG)["model"] == trained["model"]


def test_a_run_that_is_to_train_now_does_not_wait_for_the_champion_to_grow_old(place: Place) -> None:
    tries = Tries(train_now=True)
    tries.xcoms["train"] = run(RemoteTrainOperator, tries, config=CONFIG, preset="smoke")
    run(GateOperator, tries, config=CONFIG)
    assert words(place, "promote").endswith(".pth --no-pause --check --json")
    run(PromoteOperator, tries, config=CONFIG)
    assert words(place, "promote").endswith(".pth --no-pause --json")


def test_a_training_that_has_nothing_new_to_learn_from_is_skipped(place: Place, tries: Tries) -> None:
    place.answer(train={"code": 1})
    with pytest.raises(AirflowSkipException, match=r"^0 of 100 samples are new$"):
        run(RemoteTrainOperator, tries, config=CONFIG, preset="smoke")


def test_a_stage_that_is_asked_again_after_its_answer_asks_anew(place: Place, tries: Tries) -> None:
    place.answer(train={"code": 1})
    with pytest.raises(AirflowSkipException):
        run(RemoteTrainOperator, tries, config=CONFIG, preset="smoke")
    place.answer()
    assert run(RemoteTrainOperator, tries, config=CONFIG, preset="smoke")["ended"] == "all 2 epochs"
    assert len(place.calls("train")) == 2


def test_alone_a_stage_takes_the_newest_model(place: Place, tries: Tries) -> None:
    with pytest.raises(AirflowFailException, match="square8_2p: no model is registered yet"):
        run(RemoteGauntletOperator, tries, config=CONFIG)
    model = run(RemoteTrainOperator, tries, config=CONFIG, preset="smoke")["path"]
    run(RemoteGauntletOperator, tries, config=CONFIG)
    assert words(place, "evaluate") == f"evaluate square8_2p {model} --no-rating --json"


def test_a_model_is_rated_in_every_way_that_the_preset_names(place: Place, tries: Tries) -> None:
    with pytest.raises(AirflowSkipException, match=r"^no rating: rated_as of the preset in loop\.yaml is empty$"):
        run(RateOperator, tries, config=CONFIG, forms=[])
    tries.xcoms["train"] = run(RemoteTrainOperator, tries, config=CONFIG, preset="smoke")
    found = run(RateOperator, tries, config=CONFIG, forms=["policy", "gumbel@32"])
    path = tries.xcoms["train"]["path"]
    assert words(place, "rate") == f"rate square8_2p {path} --as policy --as gumbel@32 --json"
    assert [one["player"] for one in found["ratings"]] == ["policy", "gumbel@32"]


def test_a_gauntlet_that_is_not_passed_is_no_failure(place: Place, tries: Tries) -> None:
    run(RemoteTrainOperator, tries, config=CONFIG, preset="smoke")
    place.answer(evaluate={"code": 1})
    assert run(RemoteGauntletOperator, tries, config=CONFIG)["passed"] is False


def test_a_crash_is_not_taken_for_a_no(place: Place, tries: Tries) -> None:
    run(RemoteTrainOperator, tries, config=CONFIG, preset="smoke")
    (place.home / "ringrift").write_text("#!/bin/sh\necho Traceback >&2\nexit 1\n")
    for kind in (RemoteGauntletOperator, GateOperator, PromoteOperator):
        with pytest.raises(JobFailed, match="exit code 1 without a report: Traceback"):
            run(kind, tries, config=CONFIG)


@pytest.mark.parametrize("kind", [GateOperator, PromoteOperator])
def test_a_gate_that_says_no_skips_and_says_which_condition(kind: type[Any], place: Place, tries: Tries) -> None:
    run(RemoteTrainOperator, tries, config=CONFIG, preset="smoke")
    place.answer(promote={"code": 1})
    with pytest.raises(AirflowSkipException, match=r"^not promoted: no: random: won: 81 %, the limit is 90 %$"):
        run(kind, tries, config=CONFIG)
    assert tries.xcoms["skip_reason"] == "not promoted: no: random: won: 81 %, the limit is 90 %"


@pytest.mark.parametrize("kind", [RemoteTrainOperator, RemoteGauntletOperator, GateOperator, PromoteOperator])
def test_a_backfill_neither_trains_nor_promotes_unless_asked_to(kind: type[Any], place: Place, tries: Tries) -> None:
    tries.run_type = "backfill"
    keywords = {"preset": "smoke"} if kind is RemoteTrainOperator else {}
    with pytest.raises(AirflowSkipException, match="train_in_backfill"):
        run(kind, tries, config=CONFIG, **keywords)
    assert place.calls() == []
    tries.params["train_in_backfill"] = True
    run(RemoteTrainOperator, tries, config=CONFIG, preset="smoke")
    run(kind, tries, config=CONFIG, **keywords)


def test_a_champion_that_is_not_whole_is_not_distributed(place: Place, tries: Tries) -> None:
    with pytest.raises(AirflowFailException, match="cannot be read with its"):
        run(DistributeModelOperator, tries, config=CONFIG)
    best = place.home / "models" / "ringrift_best_square8_2p.pth"
    best.parent.mkdir(parents=True)
    best.write_bytes(b"half")
    best.with_suffix(".json").write_text(json.dumps({"sha256": "0" * 64}))
    with pytest.raises(AirflowFailException, match=r"its checksum is not that of its \.json"):
        run(DistributeModelOperator, tries, config=CONFIG)


def test_on_one_machine_the_games_are_there_already(place: Place, tries: Tries) -> None:
    assert run(SyncGamesOperator, tries, config=CONFIG)["hosts"] == ["local"]


@pytest.mark.parametrize(
    ("kind", "keywords"),
    [
        (SyncGamesOperator, {"config": CONFIG}),
        (DistributeModelOperator, {"config": CONFIG}),
        (TendFleetOperator, {"configs": [CONFIG]}),
        (CleanHostsOperator, {}),
        (RingriftOperator, {"words": ["models", "prune"]}),
    ],
)
def test_while_the_loop_is_halted_nothing_is_done(
    kind: type[Any], keywords: Any, place: Place, tries: Tries, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[Any] = []
    monkeypatch.setattr(kind, "work", lambda _, context: done.append(context))
    halt("no power", place.home)
    with pytest.raises(TaskDeferred) as waits:
        run(kind, tries, **keywords)
    assert isinstance(waits.value.trigger, ResumeTrigger)
    assert done == []
    resume(place.home)
    getattr(kind(task_id="task", **keywords), waits.value.method_name)(tries.context(), {"why": "resumed"})
    assert len(done) == 1


def test_long_reports_lose_their_lists_and_tables() -> None:
    report = {"games": 3, "name": "x", "table": list(range(10_000))}
    assert small(report) == {"games": 3, "name": "x"}
    assert small({"table": [1, 2]}) == {"table": [1, 2]}


def test_a_member_of_a_population_is_one_command_named_after_the_run(place: Place, tries: Tries) -> None:
    asked: dict[str, Any] = {"config": CONFIG, "preset": "smoke", "fitness": "loss", "sizes": (8, 10)}
    run(PopulationMemberOperator, tries, population="", generation=3, member=5, **asked)
    name = "20260102T033000"
    common = f"tune population square8_2p --preset smoke --fitness loss --name {name} --members 8 --generations 10"
    assert words(place, "tune") == f"{common} --generation 3 --member 5 --json"
    run(PopulationOperator, tries, population="mine", **asked)
    assert words(place, "tune") == common.replace(name, "mine") + " --json"
