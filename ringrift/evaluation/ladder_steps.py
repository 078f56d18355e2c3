"""The steps of the ladder of difficulty: is each level stronger than the one below?"""

from __future__ import annotations

from dataclasses import dataclass
from math import log10
from threading import Event
from typing import Final

from ringrift.agents.ladder import ladder_spec
from ringrift.evaluation.matches import PLIES_OF_A_TURN, MatchPlan, make_players, play_match
from ringrift.evaluation.report import report_match
from ringrift.evaluation.results import GameResult
from ringrift.game import parse_config
from ringrift.limits import move_limit
from ringrift.statistics import sign_test

BLOCK: Final = 10
"""Openings that are played before the result is looked at again."""
CLEAR: Final = 0.001
"""A step as clear as that is not measured further. Looking several times makes chance hits more frequent, and this is
ten times as strict as the 0.01 that counts."""
STRONGER: Final = 0.01


@dataclass(frozen=True)
class LadderStep:
    """The result of a level against the one below."""

    config: str
    level: int
    spec: str
    below: str
    games: int
    better: int
    """The pairs of games with exchanged seats in which the level got more points than the one below."""
    worse: int
    scored: float
    """The games' scores of the level, each the share of other seats that it came in ahead of."""
    milliseconds: float | None
    """The mean time of a decision of the level."""

    @property
    def p(self) -> float:
        """The p-value of the one-sided sign test: the probability of this many better pairs if it is no stronger."""
        return sign_test(self.better, self.worse, "greater")

    @property
    def elo(self) -> float:
        """The Elo between the two, with half a game won by either added, so that it is finite.

        Where a step is clear after a few games, it is known to some 100 Elo only, and too large rather than too small.
        """
        return 400 * log10((self.scored + 0.5) / (self.games - self.scored + 0.5))

    @property
    def stronger(self) -> bool:
        """Whether the level is measurably stronger."""
        return self.p < STRONGER


def measure_step(
    config: str, level: int, *, openings: int, seed: int = 0, cancellation: Event | None = None
) -> LadderStep:
    """Play a level against the one below from up to `openings` openings, until the result is clear."""
    specs = (ladder_spec(config, level), ladder_spec(config, level - 1))
    players = parse_config(config)[1]
    agents = None
    games = better = worse = 0
    scored = 0.0
    for first in range(0, openings, BLOCK):
        plan = MatchPlan(
            config=config,
            players=specs,
            openings=min(BLOCK, openings - first),
            opening_plies=PLIES_OF_A_TURN * players,
            max_moves=move_limit(config),
            seed=seed + first,
        )
        agents = agents or make_players(plan)
        played = list(play_match(agents, plan, cancellation=cancellation))
        report = report_match(plan, played)
        games += report.games
        scored += sum(
            GameResult(tuple(map(str, game.scheduled.seating)), game.ranks, "", 0).score("0") for game in played
        )
        better += report.comparisons[0].better
        worse += report.comparisons[0].worse
        if sign_test(better, worse, "greater") < CLEAR or (cancellation and cancellation.is_set()):
            break
    timed = agents[0] if agents else None
    milliseconds = 1000 * timed.seconds / timed.decisions if timed and timed.decisions else None
    return LadderStep(config, level, *specs, games, better, worse, scored, milliseconds)
