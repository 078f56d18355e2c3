"""Stored games as positions: for the regression, and for agreement with a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from ringrift.agents import make_agent
from ringrift.game import parse_config
from ringrift.game_database import GamesDatabase
from ringrift.heuristic import FEATURE_COUNT, frozen_weights
from ringrift.networks import ARCHITECTURES, Architecture, NetworkConfig, build_network, save_model
from ringrift.tuning.fitness import Games, network_fitness
from ringrift.tuning.logistic import logistic
from ringrift.tuning.positions import TooFewGames, read_positions
from ringrift.tuning.settings import tuning_settings
from tests.datasets.games import fill, searched_records

CONFIG = "square8_2p"
SETTINGS = tuning_settings().logistic.model_copy(update={"least_games": 10, "positions": 8})


@pytest.fixture
def database(tmp_path: Path) -> Iterator[GamesDatabase]:
    with fill(tmp_path / "games.db", searched_records(count=40)) as opened:
        yield opened


@pytest.mark.parametrize("target", ["results", "search"])
def test_positions_are_spread_over_the_newest_games(target: str, database: GamesDatabase) -> None:
    few = {"most_games": 12, "least_games": 10, "per_game": 8}
    positions = read_positions(database, CONFIG, target=target, **few)
    assert len(np.unique(positions.games)) == 12
    assert (np.bincount(positions.games) == 8).all()
    assert positions.values.shape == (len(positions.states), 2) == (12 * 8, 2)
    assert abs(positions.values).max() <= 1
    if target == "results":
        assert set(np.unique(positions.values)) == {-1.0, 1.0}
    for game in range(12):
        assert (np.diff(positions.states["ply"][positions.games == game].astype(int)) >= 0).all()


def test_a_config_without_games_has_too_few(database: GamesDatabase) -> None:
    with pytest.raises(TooFewGames, match="hex8_2p: 0 games with values of searches in the database"):
        read_positions(database, "hex8_2p", target="search", most_games=9, least_games=1, per_game=1)


@pytest.mark.parametrize("target", ["results", "search"])
def test_the_regression_reads_stored_games(target: str, database: GamesDatabase) -> None:
    report = logistic(database, CONFIG, frozen_weights(), SETTINGS, target)
    assert (report.games, report.positions) == (40, 40 * 8)
    assert report.loss_fitted < report.loss_in_use
    assert np.isfinite(report.start()).all()


def test_agreement_is_measured_with_the_values_of_the_model(
    database: GamesDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ARCHITECTURES, "tiny", Architecture(channels=8, blocks=1, squeeze=False, head_channels=4))
    torch.manual_seed(1)
    path = tmp_path / "model.pth"
    save_model(path, build_network(NetworkConfig.of("tiny", "square8", 2)))
    fitness = network_fitness(database, CONFIG, str(path), SETTINGS)
    assert fitness.features.shape == (40 * 8, 2, FEATURE_COUNT)
    positions = read_positions(database, CONFIG, target="results", most_games=5000, least_games=1, per_game=8)
    output = make_agent(f"policy:{path}", *parse_config(CONFIG)).act(positions.states[:5], np.arange(5))
    assert fitness.values[:5] == pytest.approx(output.root_values, abs=1e-5)
    scores = fitness(np.zeros((1, FEATURE_COUNT)), np.zeros((0, FEATURE_COUNT)), Games(10, 1))
    assert 0.4 < scores.mean() <= 1  # weights of 0 say 0, and a new network says little more
