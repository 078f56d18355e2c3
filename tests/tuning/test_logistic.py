"""The regression finds planted weights, says how sure it is, and asks for more games where there are too few."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from ringrift.cli.render import rendered
from ringrift.game import parse_config
from ringrift.game.playout import random_playouts
from ringrift.game_database import GamesDatabase
from ringrift.heuristic import FEATURE_COUNT, FEATURE_NAMES, frozen_weights
from ringrift.tuning.logistic import LogisticReport, fit, logistic
from ringrift.tuning.positions import Positions, TooFewGames, positions_at, relative_features
from ringrift.tuning.settings import tuning_settings

SETTINGS = tuning_settings().logistic
MATTER = FEATURE_NAMES.index("captives")
MEANINGLESS = FEATURE_NAMES.index("centre")
ABSENT = FEATURE_NAMES.index("leader")


def fitted(players: int, games: int = 400, *, twins: tuple[int, int] | None = None) -> LogisticReport:
    """The report on random features whose weights are planted: `centre` counts nothing, `leader` is always 0.

    Of `twins` one is the opposite of the other, and so is its weight.
    """
    draw = np.random.default_rng(players)
    planted = np.ones(FEATURE_COUNT)
    planted[[MATTER, MEANINGLESS]] = 3.0, 0.0
    own = draw.normal(size=(10 * games, players, FEATURE_COUNT)) / 4
    own[..., ABSENT] = 0
    if twins is not None:
        own[..., twins[1]] = -own[..., twins[0]]
        planted[twins[1]] = -1.0
    features = own - (own.sum(1, keepdims=True) - own) / (players - 1)
    won = draw.random((10 * games, players)) < 1 / (1 + np.exp(-features @ planted))
    values = np.where(won, 1.0, -1.0)
    states = np.zeros(10 * games, [("player", np.int8)])
    positions = Positions(states, values, np.repeat(np.arange(games), 10))
    return fit(f"square8_{players}p", features, positions, np.full(FEATURE_COUNT, 0.5), SETTINGS, "results")


@pytest.mark.parametrize("players", [2, 3])
def test_planted_weights_are_found_within_their_errors(players: int) -> None:
    report = fitted(players)
    by_name = {weight.feature: weight for weight in report.weights}
    captives, centre = by_name["captives"], by_name["centre"]
    assert captives.fitted is not None and captives.error is not None
    assert abs(captives.fitted - 3) < 4 * captives.error
    assert captives.matters
    assert centre.fitted is not None and centre.error is not None
    assert abs(centre.fitted) < 4 * centre.error < 1
    assert report.loss_fitted < report.loss_in_use


def test_the_start_goes_as_far_from_the_weights_in_use_as_the_games_are_sure() -> None:
    sure, unsure = (fitted(2, games).weights[MATTER] for games in (2000, 60))
    assert sure.fitted is not None and unsure.fitted is not None
    assert abs(sure.start - sure.fitted) < 0.1 * abs(sure.fitted - 0.5)
    assert 0.5 < unsure.start < unsure.fitted


def test_a_feature_that_never_varies_keeps_its_weight() -> None:
    leader = fitted(3).weights[ABSENT]
    assert (leader.fitted, leader.error, leader.matters, leader.start) == (None, None, False, 0.5)


def test_features_that_say_the_same_share_their_weight() -> None:
    """As what one of two players can capture and what threatens the other; their errors stay finite."""
    twins = [FEATURE_NAMES.index("targets"), FEATURE_NAMES.index("threatened")]
    weights = {weight.feature: weight for weight in fitted(2, twins=(twins[0], twins[1])).weights}
    one, other = weights["targets"], weights["threatened"]
    assert one.fitted is not None and one.error is not None and other.fitted is not None
    assert one.fitted == pytest.approx(-other.fitted, rel=0.01)
    assert abs(one.fitted - 1) < 4 * one.error < 1  # planted are 1 and -1: together 2, a half for each


def test_the_report_can_be_shown() -> None:
    report = fitted(2)
    console = Console(width=120)
    with console.capture() as capture:
        console.print(rendered(report))
    assert "captives" in capture.get()
    assert report.to_json()["games"] == 400
    assert report.start().shape == (FEATURE_COUNT,)


def test_positions_are_those_before_the_actions() -> None:
    board, players = parse_config("hex8_3p")
    game = random_playouts(board, players, 1, seed=4, keep_actions=1000)
    actions = game.actions[0, : game.action_counts[0]]
    at = np.array([0, 5, len(actions) - 1], np.int32)
    states = positions_at(board, players, actions, at)
    assert states["ply"][0] == 0
    assert (np.diff(states["ply"].astype(int)) > 0).all()
    features = relative_features("hex8_3p", states)
    assert features.shape == (3, players, FEATURE_COUNT)
    assert abs(features.sum(1)).max() < 1e-5  # own minus the mean of the others adds up to nothing


def test_too_few_games_are_counted(tmp_path: Path) -> None:
    message = r"square8_2p: 0 games with results in the database, and 50 are needed: `ringrift selfplay square8_2p`"
    path = str(tmp_path / "games.db")
    with GamesDatabase(path, create=True) as database, pytest.raises(TooFewGames, match=message):
        logistic(database, "square8_2p", frozen_weights(), SETTINGS)
