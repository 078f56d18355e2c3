"""The regression alarm: a sequential test of a model against its predecessor, on paired openings.

A block is one opening in all seatings. The hypotheses are that the two are equal, and that the model is `elo_drop`
weaker; how often equals raise a false alarm, and how soon a weaker model is found out, was simulated (docs/alarm.md).
Model and predecessor decide the games, so that to ask again gives the same answer: luck cannot be tried twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

from ringrift.evaluation.match_runner import MatchRunner
from ringrift.evaluation.participants import Participant
from ringrift.evaluation.results import GameResult, block_scores
from ringrift.evaluation.schedule import seatings
from ringrift.evaluation.settings import AlarmSettings
from ringrift.evaluation.sprt import SprtSettings, SprtVerdict, judge
from ringrift.evaluation.store import run_of, stored_games
from ringrift.game import parse_config


@dataclass(frozen=True)
class RegressionTest:
    """How far the test of a model has come."""

    predecessor: str
    games: int
    verdict: SprtVerdict
    weaker: bool
    """Whether the model is clearly weaker than its predecessor: that is the alarm."""

    def __str__(self) -> str:
        said = "not clear yet"
        if self.verdict.finished:
            said = "weaker" if self.weaker else "not clearly weaker" if self.verdict.stronger is None else "not weaker"
        return f"{self.verdict.score:.1%} of {self.games} games against its predecessor {self.predecessor}: {said}"


def regression_settings(alarm: AlarmSettings) -> SprtSettings:
    """Return the test of equals against a model that is weaker by the Elo of the alarm."""
    return SprtSettings(
        weaker=-float(alarm.elo_drop),
        stronger=0,
        alpha=alarm.missed,
        beta=alarm.false_alarm,
        least=alarm.look_blocks,
        most=alarm.most_blocks,
    )


def look_for_regression(
    config: str, model: Participant, predecessor: Participant, runner: MatchRunner
) -> RegressionTest:
    """Play a few blocks more of the test, unless it is over; those that were played before count. `Cancelled`."""
    alarm = runner.settings.alarm
    settings = regression_settings(alarm)
    block = len(seatings(2, parse_config(config)[1], alone=True))
    games: list[GameResult] = []
    verdict = judge([], settings)
    for part in count():
        wanted = min(alarm.look_blocks, settings.most - verdict.blocks)
        plan = runner.plan(
            config, (model, predecessor), games=wanted * block, kind="gate", part=f"regression {part}", alone=True
        )
        new = len(stored_games(runner.database, run_of("gate", plan))) < plan.games
        games += runner.play("gate", plan, runner.agents(plan, (model, predecessor)) if new else [])
        verdict = judge(block_scores(games, model.name), settings)
        if new or verdict.finished:
            break
    weaker = verdict.stronger is False and verdict.score < alarm.score
    return RegressionTest(predecessor.name, len(games), verdict, weaker)
