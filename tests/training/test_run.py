"""Whole trainings of a tiny network on planted data."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
import torch

from ringrift import version
from ringrift.datasets import BadDataset, open_dataset
from ringrift.datasets.loader import Loader
from ringrift.encoding import symmetries
from ringrift.game import Game, get_board
from ringrift.game_database import GamesDatabase
from ringrift.models import ModelStore
from ringrift.models.shipped import ship_model
from ringrift.networks import (
    NetworkConfig,
    ResidualNetwork,
    WrongModel,
    build_network,
    load_model,
    read_info,
    save_model,
)
from ringrift.selfplay.hard_positions import HardPosition, HardPositions, regression_file, write_positions_file
from ringrift.training import TrainingInputs, TrainingReport
from ringrift.training import train as train_in_this_process
from ringrift.training.checkpoints import checkpoints
from ringrift.training.distributed import ProcessGroup
from ringrift.training.errors import BusyRun, Diverged, NothingNew, SpoiledNetwork
from ringrift.training.history import read_history
from ringrift.training.losses import PolicyTarget
from ringrift.training.run import _alone
from ringrift.training.yardstick import ignorant_losses
from ringrift.version import code_version
from tests.contexts import record, training_context
from tests.training.planted import CONFIG, write_planted

pytestmark = pytest.mark.slow

Make = Callable[..., TrainingInputs]

THOROUGH = {"epochs": 20.0, "checkpoint_steps": 1000, "validate_epochs": 5.0}


def train(inputs: TrainingInputs, **options: Any) -> TrainingReport:
    context = training_context(**{name: options.pop(name) for name in ("cancellation", "progress") if name in options})
    report = train_in_this_process(inputs, context, **options)
    assert report is not None
    return report


def model_path(inputs: TrainingInputs, report: TrainingReport) -> Path:
    return inputs.models / inputs.config / f"{report.facts.model}.pth"


def run_folder(inputs: TrainingInputs, report: TrainingReport) -> Path:
    return inputs.runs / inputs.config / report.facts.run


def stopping_at(step: int) -> tuple[Event, dict[str, Any]]:
    """An event, and the arguments of a training that sets it after so many steps."""
    stop = Event()

    def progress(work: str, done: float, total: float | None, detail: str = "") -> None:
        if done >= step:
            stop.set()

    return stop, {"cancellation": stop, "progress": progress}


def losses(inputs: TrainingInputs, report: TrainingReport) -> dict[int, float]:
    history = read_history(run_folder(inputs, report) / "history.jsonl").training
    return dict(zip(history["step"].astype(int).tolist(), history["losses.total"].tolist(), strict=True))


def test_a_network_finds_what_was_planted_in_the_data(make_inputs: Make) -> None:
    """Also on games that it has not seen: the marked cell is the good action, and decides who wins."""
    inputs = make_inputs(**THOROUGH)
    report = train(inputs)
    held_out = {loss.name: loss.holdout for loss in report.losses}
    assert held_out["accuracy"] is not None
    assert held_out["value"] is not None
    assert held_out["accuracy"] > 0.95
    assert held_out["value"] < 0.3
    assert report.facts.ended in ("all steps done (20 epochs)", "no better any more")


def test_what_was_learned_holds_under_every_symmetry(make_inputs: Make) -> None:
    inputs = make_inputs(**THOROUGH)
    network = load_model(model_path(inputs, train(inputs)))
    dataset = open_dataset(inputs.datasets / f"{CONFIG}.holdout")
    batch = next(iter(Loader(dataset, batch=64, shuffle=False, augment=False)))
    tables = symmetries(get_board("square8"), 2)
    values = []
    for table in torch.from_numpy(np.array(tables.gather)).long():
        turned = batch.features.flatten(2)[:, :, table].view_as(batch.features)
        with torch.inference_mode():
            values.append(network(turned, batch.globals).values[:, 0])
    spread = torch.stack(values).std(0).mean()
    assert len(values) == 8
    assert spread < 0.15
    assert torch.stack(values).mean(0).std() > 0.5  # and the values themselves are not all the same


def test_the_model_says_where_it_comes_from(make_inputs: Make) -> None:
    inputs = make_inputs()
    report = train(inputs)
    lineage = read_info(model_path(inputs, report)).extra["training"]
    assert lineage["run"] == report.facts.run
    assert lineage["parent"] is None
    assert lineage["dataset"]["identity"] == open_dataset(inputs.datasets / CONFIG).identity
    assert lineage["dataset"]["samples"] == 512
    assert lineage["settings"]["batch"] == 32
    assert lineage["steps"] == report.steps == 32
    assert lineage["code"] == report.facts.code == code_version()
    assert set(lineage["holdout"]) >= {"total", "policy", "value", "accuracy"}


def test_a_report_shows_how_the_model_does_in_the_regression_set(
    make_inputs: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    game = Game("square8", 2)
    actions = [int(game.legal_actions()[0])]
    game.play(actions[0])
    best = int(game.legal_actions()[0])
    position = HardPosition(
        actions=actions, hash=f"{game.hash():016x}", reason="swing", score=1.0, best=best, value=0.25
    )
    write_positions_file(regression_file(CONFIG), HardPositions(config=CONFIG, positions=[position]))
    report = train(make_inputs())
    assert report.regression is not None
    assert (report.regression.positions, report.regression.player) == (1, report.facts.model)
    assert any(line.startswith("regression set") for line in report.lines())
    regression_file(CONFIG).write_text("{}")
    assert train(make_inputs(epochs=1.0)).regression is None
    assert "without the regression set" in caplog.text


def test_a_run_leaves_a_report_a_history_and_curves_for_tensorboard(make_inputs: Make) -> None:
    inputs = make_inputs()
    report = train(inputs)
    folder = run_folder(inputs, report)
    assert json.loads((folder / "report.json").read_text())["facts"]["model"] == report.facts.model
    assert (folder / "report.png").stat().st_size > 10_000
    assert (folder / "report.md").read_text().startswith("# Training run")
    events = [path for path in (folder / "tensorboard").iterdir() if "tfevents" in path.name]
    assert events
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # type: ignore[import-untyped]

    curves = EventAccumulator(str(folder / "tensorboard")).Reload()
    assert [event.step for event in curves.Scalars("losses/total")] == list(range(1, 33))
    assert curves.Scalars("holdout/total")


def test_the_same_training_gives_the_same_model(make_inputs: Make) -> None:
    first, second = (make_inputs(runs=name) for name in ("one", "two"))
    assert train(first).facts.model == train(second).facts.model


def test_other_settings_make_another_run(make_inputs: Make) -> None:
    assert train(make_inputs()).facts.run != train(make_inputs(learning_rate=0.02)).facts.run


def test_a_finished_run_is_not_trained_again(make_inputs: Make) -> None:
    inputs = make_inputs()
    report = train(inputs)
    told: list[Any] = []
    again = train(inputs, progress=record(told))
    assert again.facts.model == report.facts.model
    assert told == []


def test_other_code_writes_the_model_of_a_finished_run_as_it_was(
    make_inputs: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = make_inputs()
    report = train(inputs)
    monkeypatch.setattr(version, "__version__", "9.9")
    code_version.cache_clear()
    try:
        again = train(inputs)
        assert (again.facts.model, again.facts.code) == (report.facts.model, report.facts.code)
        assert train(make_inputs(learning_rate=0.02)).facts.code.startswith("9.9")
    finally:
        code_version.cache_clear()


def test_a_stopped_run_goes_on_as_if_it_had_never_stopped(make_inputs: Make) -> None:
    """Same losses at every step, same model: weights, averages, dropout and the order of the samples come back."""
    inputs = make_inputs(runs="whole", dropout=0.5)
    whole = train(inputs)
    parts = make_inputs(runs="parts", dropout=0.5)
    for step in (3, 17):
        _, stopping = stopping_at(step)
        stopped = train(parts, **stopping)
        assert stopped.facts.model is None
        assert stopped.facts.ended == "stopped"
        assert stopped.steps == step + 1  # it is told after a step, and asks before the next is logged
    assert [path.name.split("-")[0] for path in checkpoints(run_folder(parts, whole) / "checkpoints")][
        -1
    ] == "emergency"
    last = train(parts)
    assert last.facts.model == whole.facts.model
    assert losses(parts, last) == losses(inputs, whole)


def test_smaller_parts_of_a_batch_learn_the_same_when_memory_runs_out(
    make_inputs: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every sample is learned from once all the same: the step that failed is done again from its start."""
    from ringrift.training.step import Learner

    sizes: list[list[int]] = []
    seen: list[list[int]] = []
    step = Learner.step

    def scarce(learner: Learner, batches: Any) -> Any:
        if len(batches[0].samples) > 16:
            raise torch.OutOfMemoryError("CUDA out of memory")
        sizes.append([len(batch.samples) for batch in batches])
        seen.append(torch.cat([batch.samples for batch in batches]).tolist())
        return step(learner, batches)

    monkeypatch.setattr(Learner, "step", scarce)
    train(make_inputs(epochs=1.0, batch=64))
    assert sizes == [[16] * 4] * 8
    assert sorted(chain.from_iterable(seen)) == list(range(512))


def test_samples_are_trained_on_so_many_times_and_no_more(make_inputs: Make) -> None:
    report = train(make_inputs(epochs=50.0, replay_ratio=2.0))
    assert report.samples == 2 * 512
    assert report.facts.ended == "all steps done (2 passes over 512 new samples)"


def test_only_what_the_parent_has_not_learned_from_counts_as_new(make_inputs: Make) -> None:
    """The brake knows what the parents learned from, also where their own data set is gone."""
    inputs = make_inputs(replay_ratio=1.0)
    parent = model_path(inputs, train(inputs))
    with pytest.raises(NothingNew, match=r"0 of 512 samples are new since [0-9a-f]{16}, .* play more games"):
        train(make_inputs(parent, replay_ratio=1.0))
    write_planted(inputs.datasets, 512, seed=9, first_game=32)  # games 32 … 95; the parent knows 0 … 63
    child = train(make_inputs(parent, replay_ratio=1.0))
    assert child.samples == 256
    assert child.facts.parent == parent.stem
    grandchild = make_inputs(model_path(inputs, child), replay_ratio=1.0)
    with pytest.raises(NothingNew, match="0 of 512"):
        train(grandchild)


def test_the_brake_holds_where_the_folder_of_the_parents_run_is_gone(
    make_inputs: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """By the size of the pool when the parent learned: of 64 games now, 24 are new."""
    inputs = make_inputs(passes=1.0)
    ended = {"ended": np.arange(64)}
    write_planted(inputs.datasets, 512, pool_size=100, facts_of_games=ended)
    parent = model_path(inputs, train(inputs))
    shutil.rmtree(inputs.runs)
    with pytest.raises(NothingNew, match="0 of 512"):
        train(make_inputs(parent, passes=1.0))
    assert "64 of the 64 games" in caplog.text
    write_planted(inputs.datasets, 512, seed=9, first_game=40, pool_size=124, facts_of_games=ended)
    assert train(make_inputs(parent, passes=1.0)).samples == 24 * 8


def test_all_games_are_new_to_a_model_of_the_package(
    make_inputs: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It has learned elsewhere: a loop that begins with it would otherwise wait for ever for something new."""
    inputs = make_inputs(replay_ratio=1.0)
    with GamesDatabase(str(tmp_path / "games.db"), create=True) as database:
        store = ModelStore(database, inputs.models)
        shipped = ship_model(store, store.register(model_path(inputs, train(inputs))), tmp_path / "package")
    shutil.rmtree(inputs.runs)
    assert train(make_inputs(shipped, replay_ratio=1.0)).samples == 512
    assert "taken for known" not in caplog.text


def test_a_child_starts_where_its_parent_stood(make_inputs: Make) -> None:
    inputs = make_inputs(**THOROUGH)
    parent = train(inputs)
    write_planted(inputs.datasets, 512, seed=9, first_game=1000)
    child = train(make_inputs(model_path(inputs, parent), learning_rate=1e-6, epochs=0.1))
    accuracy = {report.facts.run: report.losses[-1].holdout for report in (parent, child)}
    assert accuracy[child.facts.run] == pytest.approx(accuracy[parent.facts.run], abs=0.02)


def test_a_network_for_three_players_starts_from_one_for_two(make_inputs: Make) -> None:
    """What it has learned of the board is there from the first step on."""
    inputs = make_inputs(**THOROUGH)
    parent = model_path(inputs, train(inputs))
    for part, games in (("training", 5_000), ("holdout", 6_000)):
        write_planted(inputs.datasets, 256, config="square8_3p", seed=7, first_game=games, part=part)
    short = {"epochs": 0.5, "learning_rate": 1e-6}
    reports = [train(replace(make_inputs(origin, **short), config="square8_3p")) for origin in (parent, None)]
    child, stranger = ({loss.name: loss.holdout for loss in report.losses} for report in reports)
    assert child["accuracy"] is not None
    assert stranger["accuracy"] is not None
    assert child["accuracy"] > 0.9 > 0.6 > stranger["accuracy"]
    model = load_model(inputs.models / "square8_3p" / f"{reports[0].facts.model}.pth")
    assert model.config.players == 3


def test_a_model_of_another_board_is_no_parent(make_inputs: Make, tmp_path: Path) -> None:
    other = tmp_path / "other.pth"
    save_model(other, build_network(NetworkConfig.of("tiny", "hex8", 2, "v1")))
    with pytest.raises(WrongModel, match="made for board hex8, not square8"):
        train(make_inputs(other))


def test_held_out_games_among_those_to_train_on_are_an_error(make_inputs: Make) -> None:
    inputs = make_inputs()
    write_planted(inputs.datasets, 64, first_game=60, part="holdout")
    with pytest.raises(BadDataset, match=r"4 of its games are in .* too, so that it would measure"):
        train(inputs)


def test_without_held_out_games_the_last_weights_count(make_inputs: Make) -> None:
    inputs = make_inputs()
    (inputs.datasets / f"{CONFIG}.holdout.json").unlink()
    report = train(inputs)
    assert report.facts.model
    assert any("no validation" in warning for warning in report.warnings())


def test_a_run_that_gets_no_better_ends_early_with_its_best_weights(make_inputs: Make) -> None:
    """Random outcomes and policies: all that can be learned is to know the samples by heart."""
    inputs = make_inputs(epochs=40.0, patience=2)
    draw = np.random.default_rng(1)
    noise = draw.choice([-1.0, 1.0], 512).astype(np.float32)
    write_planted(inputs.datasets, outcome_values=np.stack([noise, -noise], 1))
    report = train(inputs)
    assert report.facts.ended == "no better any more"
    total = next(loss for loss in report.losses if loss.name == "total")
    assert total.best_step is not None
    assert report.steps == total.best_step + 2 * 16
    lineage = read_info(model_path(inputs, report)).extra["training"]
    assert lineage["best_step"] == total.best_step
    assert lineage["holdout"]["total"] == pytest.approx(total.best)


def test_a_run_can_end_early_when_its_strength_rises_no_more(make_inputs: Make) -> None:
    measured: list[float] = []

    def strength(network: ResidualNetwork, group: ProcessGroup) -> float:
        assert not network.training
        assert group.size == 1
        measured.append([100.0, 150.0, 152.0, 153.0][len(measured)])
        return measured[-1]

    report = train(
        make_inputs(epochs=40.0, early_stopping="elo", elo_patience=2, elo_step=5.0),
        strength=strength,
    )
    assert report.facts.ended == "no better any more"
    assert measured == [100.0, 150.0, 152.0, 153.0]


def test_a_loss_that_explodes_stops_the_run_and_keeps_what_was_good(make_inputs: Make) -> None:
    inputs = make_inputs(learning_rate=1e6, clip=1e9, warm_up_epochs=0.0, ema_decay=0.0, checkpoint_steps=1)
    with pytest.raises(Diverged, match=r"has diverged at step \d+: .*try a lower learning_rate \(now 1e\+06\)"):
        train(inputs)
    assert list(inputs.models.rglob("*.pth")) == []


def test_a_first_loss_that_is_absurd_stops_the_run(make_inputs: Make) -> None:
    """There is no lower one before it to compare it with, but knowing nothing has a loss, too."""
    inputs = make_inputs(learning_rate=30.0, warm_up_epochs=0.0, log_steps=8, average=0.0)
    with pytest.raises(Diverged, match=r"has diverged at step \d: loss"):
        train(inputs)


def test_a_network_that_knows_no_more_than_nothing_becomes_no_model(make_inputs: Make) -> None:
    """Its loss has exploded and come back, so that nothing stopped the run; the report says why it is refused."""
    inputs = make_inputs(learning_rate=30.0, warm_up_epochs=0.0, epochs=0.5, average=0.0, divergence=1e9)
    with pytest.raises(SpoiledNetwork, match=r"no model: its loss is .*knowing nothing .*learning_rate"):
        train(inputs)
    assert list(inputs.models.rglob("*.pth")) == []
    (folder,) = (inputs.runs / CONFIG).iterdir()
    facts = json.loads((folder / "report.json").read_text())["facts"]
    assert facts["model"] is None
    assert facts["ended"].startswith("no model: the training has spoiled the network: ")
    with pytest.raises(SpoiledNetwork):
        train(inputs)


@pytest.mark.parametrize("holdout", [True, False])
def test_knowing_nothing_is_measured_where_the_network_is(make_inputs: Make, holdout: bool) -> None:
    inputs = make_inputs(epochs=0.1)
    dataset = open_dataset(inputs.datasets / (f"{CONFIG}.holdout" if holdout else CONFIG))
    network = build_network(NetworkConfig.of("tiny", "square8", 2, "v1"))
    found = ignorant_losses(network, dataset, 100, inputs.hyper.losses, PolicyTarget(True, 1.0))
    assert found["policy"] == pytest.approx(np.log(4)), "the one good action of four"
    assert found["value"] == pytest.approx(1.0), "every game is won by somebody"
    assert found["ownership"] == pytest.approx(np.log(3))


def test_a_loss_that_is_no_number_stops_the_run(make_inputs: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from ringrift.training.step import Learner, StepMetrics

    step = Learner.step

    def spoiled(learner: Learner, batches: Any) -> StepMetrics:
        measured = step(learner, batches)
        return measured._replace(losses=measured.losses * torch.nan) if learner.steps == 12 else measured

    monkeypatch.setattr(Learner, "step", spoiled)
    inputs = make_inputs()
    with pytest.raises(Diverged, match=r"at step 12: loss nan.*regular-000000010-[0-9a-f]{16}\.pt"):
        train(inputs)


def test_two_processes_cannot_train_in_the_same_folder(make_inputs: Make) -> None:
    inputs = make_inputs()
    folder = run_folder(inputs, train(inputs))
    with (
        _alone(folder, ProcessGroup(0, 1, torch.device("cpu"))),
        pytest.raises(BusyRun, match="another process is training there"),
    ):
        train(inputs)
