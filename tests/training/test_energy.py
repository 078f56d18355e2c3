"""The training of energy networks: what is told apart, what is learned, and that it is the same every time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
import torch

from ringrift.agents import make_agent
from ringrift.datasets.game_selection import EmptySelection
from ringrift.datasets.settings import dataset_settings
from ringrift.energy import read_energy_network
from ringrift.game import get_board
from ringrift.game_database import GamesDatabase
from ringrift.networks.energy import EnergyNetwork
from ringrift.run_context import Cancelled
from ringrift.settings import BadSettings
from ringrift.training.energy import Contrasts, EnergyReport, learn_contrasts, measure, train_energy
from ringrift.training.energy_settings import energy_settings
from ringrift.training.nnue_positions import Positions, read_positions
from tests.contexts import any_context, export_context
from tests.datasets.games import fill, searched_records

CONFIG = "square8_2p"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GamesDatabase]:
    with fill(tmp_path_factory.mktemp("games") / "games.db", searched_records(CONFIG, 60)) as opened:
        yield opened


@pytest.fixture(scope="module")
def positions(database: GamesDatabase) -> Positions:
    return read_positions(database, CONFIG, "training", export_context(), 10**6, 0)


def trained(database: GamesDatabase, models: Path, **changes: Any) -> EnergyReport:
    settings = energy_settings("smoke", {"batch": 128, "candidates": 8, **changes})
    return train_energy(CONFIG, settings, models, database, dataset_settings(), any_context())


def test_only_the_decisions_of_winners_are_examples(positions: Positions) -> None:
    contrasts = Contrasts(get_board("square8"), 2, positions, 8)
    movers = positions.states["player"].astype(np.int64) - 1
    won = positions.outcome_values[np.arange(len(movers)), movers] > 0
    assert 0 < len(contrasts) == won.sum() < len(won)
    assert (contrasts.weights == 1).all()
    assert (contrasts.played == positions.actions[won]).all()


def test_a_training_writes_the_same_network_every_time(database: GamesDatabase, tmp_path: Path) -> None:
    report = trained(database, tmp_path / "one")
    assert read_energy_network(report.path, CONFIG).id == report.model
    assert report.holdout is not None
    assert trained(database, tmp_path / "two").model == report.model
    assert trained(database, tmp_path / "two", seed=1).model != report.model


def test_what_a_player_always_does_is_learned(positions: Positions) -> None:
    board = get_board("square8")
    player = make_agent("heuristic", board, 2)
    taught = positions._replace(actions=player.act(positions.states, positions.games).chosen_actions)
    contrasts = Contrasts(board, 2, taught, 8)
    torch.manual_seed(0)
    network = EnergyNetwork(2)
    before = measure(network, contrasts, np.arange(1000))
    learn_contrasts(network, contrasts, energy_settings("smoke", {"batch": 64, "epochs": 4.0}), any_context())
    after = measure(network, contrasts, np.arange(1000))
    print(f"accuracy of one in 8: {before.accuracy:.0%} before, {after.accuracy:.0%} after")
    assert after.accuracy > before.accuracy + 0.2


def test_without_games_there_is_nothing_to_learn(tmp_path: Path) -> None:
    with GamesDatabase(str(tmp_path / "empty.db"), create=True) as empty, pytest.raises(EmptySelection):
        trained(empty, tmp_path)


def test_a_cancelled_training_leaves_nothing(database: GamesDatabase, tmp_path: Path) -> None:
    cancelled = Event()
    context = any_context(cancellation=cancelled)

    def cancel(work: str, done: float, total: float | None, detail: str = "") -> None:
        if work == "training":
            cancelled.set()

    context = replace(context, progress=cancel)
    with pytest.raises(Cancelled):
        train_energy(CONFIG, energy_settings("smoke"), tmp_path, database, dataset_settings(), context)
    assert not list(tmp_path.rglob("*.ebmo"))


@pytest.mark.parametrize(
    ("preset", "changes", "message"),
    [("huge", {}, "preset 'huge'"), (None, {"candidates": 1}, "candidates"), (None, {"colour": 1}, "colour")],
)
def test_wrong_settings_are_named(preset: str | None, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BadSettings, match=message):
        energy_settings(preset, changes)
