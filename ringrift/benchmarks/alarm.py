"""The regression alarm on simulated games: how often equals raise it, and how soon a weaker model raises it.

No game of RingRift is played: results are drawn from strengths, and openings may suit one of the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Final

import numpy as np

from ringrift.benchmarks.gate import log_ratios
from ringrift.evaluation.regression import regression_settings
from ringrift.evaluation.settings import AlarmSettings

STRENGTHS: Final = (20.0, 0.0, -20.0, -35.0, -50.0, -75.0, -100.0, -150.0, -200.0)
"""Elo of the model above its predecessor."""
GAMES: Final = 2
"""The games of a block: an opening with the seats exchanged, two players."""


@dataclass(frozen=True)
class AlarmOutcome:
    """The result of many tests of models of one strength."""

    elo: float
    raised: float
    """The share of the tests that raise the alarm."""
    games_to_alarm: float | None
    """Games until then, in the mean; None where none is raised."""
    games: float
    """Games of a test, in the mean."""


def simulate_alarm(alarm: AlarmSettings, elo: float, *, spread: float, tests: int, seed: int) -> AlarmOutcome:
    """Test models that are `elo` stronger than their predecessors, or weaker.

    :param spread: standard deviation of what an opening is worth to one of the two, in Elo.
    """
    rng = np.random.default_rng([seed, round(elo * 1000) % (1 << 32)])
    test = regression_settings(alarm)
    suits = rng.normal(0.0, spread, (tests, test.most))
    chance = 1 / (1 + 10 ** (-(elo + suits) / 400))  # in both games: an opening suits a player, not a seat
    scores = (rng.random((GAMES, tests, test.most)) < chance).mean(0)
    lower, upper = log(test.beta / (1 - test.alpha)), log((1 - test.beta) / test.alpha)
    over, raised = np.zeros(tests, np.bool_), np.zeros(tests, np.bool_)
    blocks = np.full(tests, test.most)
    for look in range(alarm.look_blocks, test.most + 1, alarm.look_blocks):
        ratios = log_ratios(scores[:, :look], test.weaker, test.stronger)
        ends = ~over & ((ratios <= lower) | (ratios >= upper))
        raised |= ends & (ratios <= lower) & (scores[:, :look].mean(1) < alarm.score)
        blocks[ends] = look
        over |= ends
    games = GAMES * blocks
    return AlarmOutcome(
        elo=elo,
        raised=float(raised.mean()),
        games_to_alarm=float(games[raised].mean()) if raised.any() else None,
        games=float(games.mean()),
    )
