"""Iterations of the loop, with few games and a tiny network; every stage is the real one."""

from __future__ import annotations

import io
import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from rich.console import Console

from ringrift.agents import champion
from ringrift.cli.render import rendered
from ringrift.evaluation.settings import EvaluationSettings, evaluation_settings
from ringrift.game_database import GamesDatabase, ingest
from ringrift.models import ModelSettings, ModelStore, history, model_settings
from ringrift.networks import NetworkConfig, add_model, build_network, save_model
from ringrift.pipeline import run_iteration as run_iteration_module
from ringrift.pipeline.curve import NoCurve, learning_curve
from ringrift.pipeline.halt import Halted, halt, resume
from ringrift.pipeline.iteration import (
    BadIteration,
    Iteration,
    LoopInputs,
    last_iteration,
    read_iterations,
    write_iteration,
)
from ringrift.pipeline.pipeline_settings import PipelineSettings, pipeline_settings
from ringrift.pipeline.readiness import Readiness
from ringrift.pipeline.run_iteration import run_iteration
from ringrift.pipeline.settings import LoopPreset, loop_settings
from ringrift.pipeline.stage_functions import STAGE_FUNCTIONS
from ringrift.pipeline.stages import LEARNING, STAGES
from ringrift.pipeline.status import Activity, Arrivals, ConfigStatus, LoopActivity, Status, status
from ringrift.run_context import Cancelled, Progress, RunContext, no_progress
from ringrift.training import hyper_parameters
from ringrift.training.thresholds import AtLeast, TrainingThresholds, training_thresholds
from tests.contexts import ingest_context, record
from tests.datasets.games import searched_records
from tests.game_database.records import write
from tests.models.making import crowned, network, registered

pytestmark = pytest.mark.slow

CONFIG = "square8_2p"
NAMES = [stage.name for stage in STAGES if not stage.fleet]


def preset(**training: Any) -> LoopPreset:
    """Six games of the heuristic's search a iteration, which are enough for a training."""
    smoke = loop_settings().presets["smoke"]
    play = smoke.selfplay.model_copy(update={"shards": 2, "games": 3, "players": "gumbel:heuristic@2?noise=1"})
    learn = smoke.training.model_copy(update={"new_games": 6} | training)
    return smoke.model_copy(update={"selfplay": play, "training": learn, "rated_as": ["policy"]})


def few_games(settings: EvaluationSettings) -> EvaluationSettings:
    limits = settings.gauntlet.limits.model_copy(update={"random": 0.0, "heuristic": 0.0, "champion": 0.0})
    gauntlet = settings.gauntlet.model_copy(
        update={"as_": "policy", "first_games": 2, "second_games": 2, "cut_off": 0.0, "limits": limits}
    )
    few = {"anchors": {2: ["random", "heuristic:v1"]}, "anchor_games": 4, "games": 2}
    rating = settings.rating.model_copy(update=few)
    return settings.model_copy(update={"gauntlet": gauntlet, "rating": rating})


def open_gate(settings: ModelSettings) -> ModelSettings:
    """A gate that lets everybody pass who plays by the rules."""
    gate = settings.gate
    changes = {
        "gauntlet": gate.gauntlet.model_copy(update={"games": 2, "elo": -10_000.0}),
        "inference": gate.inference.model_copy(update={"milliseconds": 10_000.0}),
        "trial": gate.trial.model_copy(
            update={
                "player": "policy:{model}",
                "random_games": 2,
                "heuristic_games": 2,
                "random": -1.0,
                "heuristic": -1.0,
                "stopped": 1.0,
            }
        ),
    }
    return settings.model_copy(update={"gate": gate.model_copy(update=changes)})


def few_samples(thresholds: TrainingThresholds) -> TrainingThresholds:
    """Thresholds under which a training of six games may begin."""
    few = {name: AtLeast(fail=1, warn=1) for name in ("games", "samples", "holdout_games")}
    few["holdout_games"] = AtLeast(fail=0, warn=0)
    return thresholds.model_copy(update={"preflight": thresholds.preflight.model_copy(update=few)})


def small_settings(**training: Any) -> PipelineSettings:
    """The settings of the project with few games wherever games are played."""
    return replace(
        pipeline_settings(CONFIG, "smoke"),
        loop=preset(**training),
        hyper=hyper_parameters(CONFIG, "smoke", {"batch": 32, "validate_samples": 64}),
        evaluation=few_games(evaluation_settings()),
        models=open_gate(model_settings()),
        training=few_samples(training_thresholds()),
    )


@pytest.fixture
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopInputs]:
    monkeypatch.chdir(tmp_path)
    with GamesDatabase(str(tmp_path / "games.db"), create=True) as database:
        yield LoopInputs(CONFIG, database, ModelStore(database, tmp_path / "models"))


def run(
    inputs: LoopInputs, cancellation: Event | None = None, progress: Progress = no_progress, **training: Any
) -> Iteration:
    return run_iteration(inputs, RunContext(small_settings(**training), progress, cancellation or Event()))


def test_all_stages_of_one_machine_have_a_function_in_the_order_of_the_list() -> None:
    assert list(STAGE_FUNCTIONS) == NAMES
    assert set(LEARNING) <= {stage.name for stage in STAGES}


def test_files_of_earlier_versions_are_read_with_the_names_of_today(tmp_path: Path) -> None:
    """As version 0.1 wrote them: `self-play` and `rating`."""
    folder = tmp_path / CONFIG
    folder.mkdir()
    shutil.copy(Path(__file__).parent / "iteration-0.1.json", folder / "00000.json")
    (iteration,) = read_iterations(tmp_path, CONFIG)
    assert list(iteration.stages) == [name for name in NAMES if name not in ("check", "gate")]
    assert (iteration.over, iteration.fact("selfplay", "games")) == (True, 1000)


def test_an_iteration_leads_from_games_to_a_champion(inputs: LoopInputs) -> None:
    iteration = run(inputs)
    assert list(iteration.stages) == NAMES
    assert iteration.over
    champion = inputs.store.champion(CONFIG)
    assert champion is not None, iteration.outcome
    assert champion.id == iteration.fact("train", "model")
    assert iteration.outcome == f"{CONFIG}: {champion.id} is the champion, the first"
    assert (inputs.store.folder / f"ringrift_best_{CONFIG}.pth").exists()
    assert iteration.fact("selfplay", "games") == 6
    assert all(done.seconds >= 0 for done in iteration.stages.values())


def test_the_next_iteration_learns_from_new_games_and_goes_on_from_the_last_model(
    inputs: LoopInputs,
) -> None:
    first, second = run(inputs), run(inputs)
    assert (first.number, second.number) == (0, 1)
    assert second.fact("train", "parent") == first.fact("train", "model")
    assert second.stages["threshold"].line.startswith("6 of 6 new games; ")
    assert [one.number for one in read_iterations(inputs.iterations, CONFIG)] == [0, 1]


def test_an_iteration_that_does_not_train_says_which_condition_stopped_it(inputs: LoopInputs) -> None:
    iteration = run(inputs, new_games=300)
    assert iteration.over
    assert iteration.outcome == "6 of 300 new games; no training yet"
    assert run(inputs, new_games=300).outcome == "12 of 300 new games; no training yet"


@pytest.mark.parametrize("stage", NAMES)
def test_stopped_in_any_stage_an_iteration_goes_on_where_it_was(inputs: LoopInputs, stage: str) -> None:
    """Whatever was finished is not done again."""
    begun: list[str] = []
    stop = Event()
    real = dict(STAGE_FUNCTIONS)

    def watched(name: str) -> Any:
        def stage_function(inputs: LoopInputs, iteration: Iteration, context: RunContext[PipelineSettings]) -> Any:
            begun.append(name)
            if name == stage:
                stop.set()
            return real[name](inputs, iteration, context)

        return stage_function

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_iteration_module, "STAGE_FUNCTIONS", {name: watched(name) for name in NAMES})
        with pytest.raises(Cancelled, match=f"iteration 0 was cancelled in {stage}; it goes on from there"):
            run(inputs, stop)
        stop.clear()
        stage_before, stage = stage, "none"
        iteration = run(inputs)
    assert iteration.number == 0
    assert list(iteration.stages) == NAMES
    assert begun == [*NAMES[: NAMES.index(stage_before) + 1], *NAMES[NAMES.index(stage_before) :]]


def test_a_gate_that_is_stopped_says_nothing_about_the_model(inputs: LoopInputs) -> None:
    stop = Event()

    def stop_in_the_gate(work: str, done: float, total: float | None, detail: str = "") -> None:
        if work == "gate":
            stop.set()

    with pytest.raises(Cancelled, match="was cancelled in gate"):
        run(inputs, stop, stop_in_the_gate)
    (model,) = inputs.store.listed(CONFIG)
    assert model.status == "development"
    assert history(inputs.store, model=model.id) == []
    stopped = last_iteration(inputs.iterations, CONFIG)
    assert stopped is not None
    assert stopped.spent[0] > 0
    iteration = run(inputs)
    assert iteration.fact("promote", "champion") == model.id
    assert iteration.stages["gate"].seconds > stopped.spent[0], "what was spent before the stop counts"


def test_nothing_begins_while_the_loop_is_halted(inputs: LoopInputs) -> None:
    halt("illegal moves")
    with pytest.raises(Halted, match="illegal moves; `ringrift resume` ends it"):
        run(inputs)
    resume()
    assert run(inputs).over


def test_an_iteration_is_told_as_it_happens_and_prints_as_a_table(inputs: LoopInputs) -> None:
    told: list[Any] = []
    iteration = run(inputs, progress=record(told))
    assert {"selfplay", "ingest", "export", "train", "gauntlet", "gate"} <= {work for work, *_ in told}
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(rendered(iteration))
    text = console.export_text()
    assert all(stage in text for stage in NAMES)
    assert json.loads(json.dumps(iteration.to_json()))["over"] is True


def test_the_file_of_an_iteration_that_cannot_be_read_is_named(inputs: LoopInputs) -> None:
    path = inputs.iterations / CONFIG / "00000.json"
    path.parent.mkdir(parents=True)
    path.write_text("{")
    with pytest.raises(BadIteration, match=r"00000.json: cannot be read .*; delete it, and the iteration begins anew"):
        last_iteration(inputs.iterations, CONFIG)


def test_the_status_says_how_every_config_stands(inputs: LoopInputs) -> None:
    empty = status(inputs.database, inputs.store.folder, inputs.iterations, preset())
    assert empty.configs == ()
    iteration = run(inputs)
    (found,) = status(inputs.database, inputs.store.folder, inputs.iterations, preset()).configs
    assert found.config == CONFIG
    assert found.games == 6
    assert found.waiting.startswith("0 of 6 new games")
    assert (found.champion, found.wrong) == (iteration.fact("train", "model"), "")
    assert set(found.elo) == {"policy"}
    assert found.verdict is not None
    assert found.verdict.startswith("promoted")
    assert found.iteration == f"iteration 0: {iteration.outcome}"
    assert found.selfplay == "6 games: budget 6, not weighed yet"
    assert (found.activity.trainings, found.activity.promotions) == (1, 1)
    assert found.activity.promoted is not None
    loop = status(inputs.database, inputs.store.folder, inputs.iterations, preset()).loop
    assert loop is not None
    assert loop.since is not None
    assert loop.activity == found.activity
    assert (loop.hosts, loop.syncs, loop.retired) == (0, 0, ())
    (inputs.store.folder / f"ringrift_best_{CONFIG}.pth").unlink()
    (found,) = status(inputs.database, inputs.store.folder, inputs.iterations, preset()).configs
    assert "the champion's file is missing: `ringrift models verify --repair`" in found.wrong


def test_the_status_names_the_champion_of_the_package_until_there_is_another(
    inputs: LoopInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(champion, "SHIPPED", tmp_path / "package")
    model = registered(inputs.store, config=CONFIG, architecture="small", training={"steps": 10})

    def shown() -> tuple[str | None, str | None, str]:
        (one,) = status(inputs.database, inputs.store.folder, inputs.iterations, preset()).configs
        return one.champion, one.shipped, dict(one.lines())["champion"]

    assert shown() == (None, None, "none yet")
    shipped = save_model(tmp_path / "package" / f"{CONFIG}.pth", network(CONFIG, 7, "small"))[:16]
    assert shown() == (None, shipped, f"{shipped}, shipped")
    crowned(inputs.store, model)
    assert shown() == (model.id, None, model.id)


def test_the_status_prints_as_a_block_for_every_config() -> None:
    """Nothing is cut on a narrow terminal, and Elo is told with its interval and its trend."""
    found = ConfigStatus(
        config=CONFIG,
        games=1_234,
        held_out=56,
        waiting="212 of 300 new games; 8 of 20 minutes since the last training",
        readiness=Readiness(CONFIG, 212, 300, 8.0, 20.0),
        trained=int(time.time()) - 3 * 86_400,
        training="run 0123, step 1,840, 2.1 passes over the samples",
        newest="9c307b294abcdef0",
        newest_elo={"policy": (300.0, 280.0, 320.0)},
        champion="45307b294abcdef0",
        shipped=None,
        wrong="files: gone",
        elo={"gumbel@32": (812.4, 790.1, 834.9), "policy": (512.0, 480.0, 544.0)},
        trends={"gumbel@32": "gumbel@32: +8 Elo a model (-27 … +43) over the last 6"},
        verdict="refused: no: " + "a reason as long as the gate has them, " * 5,
        iteration="iteration 7: [brackets] are no mark-up",
        selfplay="80 games: budget 100 × weight 0.80",
        warnings=("the hold-out loss of 9c307b294abcdef0 is 2.20, that of the 5 before 2.00",),
        activity=Activity(7, 21, 3, int(time.time()) - 7_200),
    )
    console = Console(width=100, record=True, file=io.StringIO())
    loop = LoopActivity(
        since=1_767_225_600,
        last="ringrift__square8_2p: gate, success",
        syncs=40,
        failed_syncs=2,
        hosts=3,
        retired=("gpu-1",),
        arrivals=(Arrivals("gpu-2", 1200, {"60": 0.985, "600": 1.0}),),
        activity=found.activity,
    )
    console.print(rendered(Status("halted since noon", (found, replace(found, config="hex8_3p")), loop)))
    told = [line.rstrip() for line in console.export_text().splitlines()]
    assert told[:2] == ["halted since noon", CONFIG]
    for line in (
        "  games        1,234, 56 of them held out",
        "  to training  212 of 300 new games; 8 of 20 minutes since the last training",
        "  training     run 0123, step 1,840, 2.1 passes over the samples",
        "  trained      9c307b294abcdef0, 3 d ago",
        "               policy 300 (280 … 320)",
        "  champion     45307b294abcdef0",
        "               files: gone",
        "  Elo          gumbel@32 812 (790 … 835)",
        "  Elo          policy 512 (480 … 544)",
        "  trend        gumbel@32: +8 Elo a model (-27 … +43) over the last 6",
        "  loop         iteration 7: [brackets] are no mark-up",
        "  self-play    80 games: budget 100 × weight 0.80",
        "  so far       7 trainings, 21 evaluations, 3 promotions, the last 2 h ago",
        "  warning      the hold-out loss of 9c307b294abcdef0 is 2.20, that of the 5 before 2.00",
    ):
        assert told.count(line) == 2
    for line in (
        "  running  since 2026-01-01 00:00:00 UTC, ",
        "  last     ringrift__square8_2p: gate, success",
        "  so far   7 trainings, 21 evaluations, 3 promotions",
        "  hosts    3, retired: gpu-1; 40 syncs, 2 of them failed",
        "  games    gpu-2: 1,200 games, 98% within 1 min, 100% within 10 min of their end",
    ):
        assert sum(one.startswith(line) for one in told) == 1
    assert len(told) < 48


def test_an_unreadable_turn_is_told_with_its_config_and_spoils_no_other(inputs: LoopInputs) -> None:
    write_iteration(inputs.iterations, Iteration(CONFIG, 4, {}))
    path = inputs.iterations / "hex8_2p" / "00000.json"
    path.parent.mkdir(parents=True)
    path.write_text("{")
    found = status(inputs.database, inputs.store.folder, inputs.iterations, preset()).configs
    assert [(one.config, one.iteration) for one in found if one.config == CONFIG] == [
        (CONFIG, "iteration 4: not begun …")
    ]
    (bad,) = (one for one in found if one.config == "hex8_2p")
    assert bad.iteration is not None
    assert bad.iteration.startswith(f"{path}: cannot be read")


def test_the_curve_of_learning_has_a_point_for_every_model(inputs: LoopInputs, tmp_path: Path) -> None:
    run(inputs), run(inputs)
    curve = learning_curve(inputs.store, CONFIG, inputs.iterations)
    first, second = curve.points
    assert (first.games, first.iteration, second.iteration) == (6, 0, 1)
    assert second.games >= 12, "those of self-play, and of the evaluation between"
    assert first.cpu_hours is not None
    assert second.cpu_hours is not None
    assert 0 < first.cpu_hours < second.cpu_hours
    assert all(set(point.elo) == {"policy"} for point in curve.points)
    assert {entry.fit for entry in curve.history} == {1, 2}, "a fit a model"
    assert curve.anchors["random"] == 0
    curve.draw(tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
    others = learning_curve(inputs.store, CONFIG, tmp_path / "nothing of ringrift loop")
    assert [(one.model, one.elo, one.promoted) for one in others.points] == [
        (one.model, one.elo, one.promoted) for one in curve.points
    ]
    assert {(one.iteration, one.cpu_hours) for one in others.points} == {(None, None)}
    others.draw(tmp_path / "others.png")
    assert (tmp_path / "others.png").exists()


def test_without_a_rated_model_there_is_no_curve_and_no_picture(inputs: LoopInputs, tmp_path: Path) -> None:
    with pytest.raises(NoCurve, match="no model has been trained yet; `ringrift loop`"):
        learning_curve(inputs.store, CONFIG, inputs.iterations).draw(tmp_path / "curve.png")
    network = build_network(NetworkConfig.of("small", "square8", 2))
    inputs.store.register(add_model(inputs.store.folder / CONFIG, network, {"training": {"steps": 10}}))
    with pytest.raises(NoCurve, match="no model has an Elo yet; `ringrift rate`"):
        learning_curve(inputs.store, CONFIG, inputs.iterations).draw(tmp_path / "curve.png")
    assert not (tmp_path / "curve.png").exists()


def test_the_champion_searches_old_games_again_before_an_export_where_the_preset_asks(inputs: LoopInputs) -> None:
    write(Path("old.jsonl"), searched_records(CONFIG, 12))
    ingest(inputs.database, [Path("old.jsonl")], ingest_context())
    asked = replace(small_settings(), loop=preset().model_copy(update={"reanalyses": True}))
    asked = replace(asked, reanalysis=asked.reanalysis.model_copy(update={"search": "gumbel@2", "games": 3}))

    def facts() -> Any:
        iteration = Iteration(CONFIG, 0, {})
        return STAGE_FUNCTIONS["export"](inputs, iteration, RunContext(asked, no_progress, Event())).facts["reanalysis"]

    assert facts() is None, "there is no champion yet"
    champion = crowned(inputs.store, registered(inputs.store, config=CONFIG, architecture="small"))
    again = facts()
    assert (again["model"], again["searched"]) == (champion.id, 3)
    assert facts()["known"] == 3, "the next export goes on with others"
