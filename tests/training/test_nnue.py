"""The training of integer networks: what is read, what is learned, and that whole numbers say the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ringrift.agents import make_agent
from ringrift.datasets.game_selection import EmptySelection
from ringrift.datasets.settings import dataset_settings
from ringrift.game import get_board, legal_actions, new_workspace
from ringrift.game_database import GamesDatabase
from ringrift.networks.nnue import NnueNetwork
from ringrift.nnue import read_network
from ringrift.nnue.batch import input_batch, network_scores
from ringrift.run_context import Cancelled
from ringrift.training.history import read_history
from ringrift.training.nnue import NnueInputs, train_nnue
from ringrift.training.nnue_positions import read_positions
from ringrift.training.nnue_settings import NnueSettings, nnue_settings
from tests.contexts import export_context, training_context
from tests.datasets.games import fill, searched_records
from tests.search.parts import positions

CONFIG = "square8_2p"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GamesDatabase]:
    with fill(tmp_path_factory.mktemp("games") / "games.db", searched_records(CONFIG, 60)) as opened:
        yield opened


def settings(**changes: Any) -> NnueSettings:
    return nnue_settings("smoke", {"batch": 128, "epochs": 2.0, **changes})


def random_module(board: str) -> NnueNetwork:
    torch.manual_seed(3)
    network = NnueNetwork(get_board(board))
    with torch.no_grad():
        network.features.add_(torch.randn_like(network.features) * 0.1)
    network.clip()
    return network


def float_scores(network: NnueNetwork, players: int, states: Any, symmetry: int = 0) -> Any:
    every = np.arange(len(states))
    batch = input_batch(network.board, players, states, every, np.full(len(states), symmetry))
    rows, offsets, stages = map(torch.from_numpy, batch)
    with torch.no_grad():
        return network(rows, offsets, stages, players).numpy()


@pytest.mark.parametrize(("board", "players"), [("square8", 2), ("hex8", 4)])
def test_whole_numbers_say_what_the_trained_network_says(board: str, players: int) -> None:
    network = random_module(board)
    states = positions(board, players, 64, 60)
    exact = np.tanh(float_scores(network, players, states) / 2)
    whole = np.tanh(network_scores(get_board(board), players, network.quantised(), states) / 2)
    print(f"{board}: off by {np.abs(exact - whole).mean():.5f} on average, {np.abs(exact - whole).max():.5f} at most")
    assert np.abs(exact - whole).max() < 0.05
    assert np.abs(exact - whole).mean() < 0.01
    assert exact.std() > 0.1


def test_the_positions_are_the_choices_of_the_games_with_what_became_of_them(database: GamesDatabase) -> None:
    read = read_positions(database, CONFIG, "training", export_context(), 10**6, 0)
    board, work = get_board("square8"), new_workspace(get_board("square8"))
    for row in range(0, len(read.states), 50):
        assert legal_actions(read.states[row], board.tables, work, work["actions"]) > 1
    assert set(np.unique(read.outcome_values)) == {-1.0, 1.0}
    known = ~np.isnan(read.root_values[:, 0])
    assert 0.7 < known.mean() < 0.9  # four of five choices have statistics
    assert (read.targets(1.0)[known] == read.root_values[known]).all()
    assert (read.targets(1.0)[~known] == read.outcome_values[~known]).all()
    assert (read.targets(0.0) == read.outcome_values).all()
    few = read_positions(database, CONFIG, "training", export_context(), 300, 0)
    assert 200 < len(few.states) < 400


def test_a_training_learns_and_writes_a_network_and_a_report_into_the_folder_of_its_run(
    database: GamesDatabase, tmp_path: Path
) -> None:
    def trained(folder: str) -> Any:
        inputs = NnueInputs(CONFIG, settings(search_share=0.0), tmp_path / folder, tmp_path / "runs")
        return train_nnue(inputs, database, dataset_settings(), training_context())

    report = trained("one")
    path = tmp_path / "one" / CONFIG / f"{report.facts.model}.nnue"
    stored = read_network(path, CONFIG)
    assert stored.description["extra"]["training"]["run"] == report.facts.run
    assert report.losses[0].training is not None
    assert report.losses[0].training < 0.9  # who knows nothing is off by 1
    folder = tmp_path / "runs" / CONFIG / report.facts.run
    assert {"report.json", "report.md", "report.png", "history.jsonl"} <= {file.name for file in folder.iterdir()}
    assert trained("two").facts.run == report.facts.run


def test_a_teacher_gives_the_values(database: GamesDatabase, tmp_path: Path) -> None:
    teacher = make_agent("policy:heuristic?temperature=0", get_board("square8"), 2)
    inputs = NnueInputs(CONFIG, settings(search_share=1.0, epochs=4.0), tmp_path, tmp_path / "runs", "policy:heuristic")
    report = train_nnue(inputs, database, dataset_settings(), training_context(), teacher=teacher)
    by_name = {loss.name: loss for loss in report.losses}
    assert by_name["total"].training is not None
    assert by_name["value"].training is not None
    assert by_name["total"].training < 0.15 < by_name["value"].training  # the heuristic's values, not the outcomes


def test_a_training_that_was_stopped_goes_on_to_the_same_network(database: GamesDatabase, tmp_path: Path) -> None:
    inputs = NnueInputs(CONFIG, settings(log_steps=1, validations=4.0), tmp_path / "models", tmp_path / "runs")
    through = NnueInputs(CONFIG, inputs.settings, tmp_path / "models", tmp_path / "elsewhere")
    whole = train_nnue(through, database, dataset_settings(), training_context())
    seen: list[float] = []

    def stop(work: str, done: float, total: float | None, detail: str = "") -> None:
        if work == "training" and total is not None and done >= 0.7 * total:
            stopped.cancellation.set()

    stopped = training_context(progress=stop)
    with pytest.raises(Cancelled, match="goes on"):
        train_nnue(inputs, database, dataset_settings(), stopped)
    resumed = training_context(progress=lambda work, done, *_: seen.append(done) if work == "training" else None)
    again = train_nnue(inputs, database, dataset_settings(), resumed)
    steps = read_history(tmp_path / "runs" / CONFIG / again.facts.run / "history.jsonl").training["step"]
    assert steps.tolist() == list(range(1, len(steps) + 1))
    assert len(steps) / 2 < seen[0] <= 0.8 * len(steps), "it began at a validation, not at the start"
    assert again.facts.model == whole.facts.model
    assert not (tmp_path / "runs" / CONFIG / again.facts.run / "checkpoints").exists()


def test_without_games_there_is_nothing_to_learn(database: GamesDatabase, tmp_path: Path) -> None:
    inputs = NnueInputs("hex8_4p", settings(), tmp_path, tmp_path)
    with pytest.raises(EmptySelection, match="are of hex8_4p"):
        train_nnue(inputs, database, dataset_settings(), training_context())


def test_a_cancelled_training_leaves_no_network(database: GamesDatabase, tmp_path: Path) -> None:
    context = training_context()
    context.cancellation.set()
    with pytest.raises(Cancelled):
        train_nnue(NnueInputs(CONFIG, settings(), tmp_path, tmp_path), database, dataset_settings(), context)
    assert not list(tmp_path.rglob("*.nnue"))
