"""The regression alarm: a sequential test of a model against its predecessor, on paired openings.

A block is one opening in all seatings. The hypotheses are that the two are equal, and that the model is `elo_drop`
weaker; how often equals raise a false alarm, and how soon a weaker model raises one, was simulated (docs/alarm.md).
Model and predecessor decide the games, so that to ask again gives the same answer: luck cannot be tried twice.
"""

from __future__ import annotations

from dataclasses import dataclass

from ringrift.evaluation.fixtures import Fixture
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
    """The state of the test of a model."""

    predecessor: str
    games: int
    verdict: SprtVerdict
    weaker: bool
    """Whether the model is clearly weaker than its predecessor: that is the alarm."""

    def __str__(self) -> str:
        conclusion = "not clear yet"
        if self.verdict.finished:
            conclusion = (
                "weaker" if self.weaker else "not clearly weaker" if self.verdict.stronger is None else "not weaker"
            )
        return (
            f"{self.verdict.score:.1%} of {self.games} games against its predecessor {self.predecessor}: {conclusion}"
        )


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
    games, fixture = _played(config, model, predecessor, runner)
    if fixture is not None:
        games += runner.play_ready(runner.ready(fixture))
    alarm = runner.settings.alarm
    verdict = judge(block_scores(games, model.name), regression_settings(alarm))
    weaker = verdict.stronger is False and verdict.score < alarm.score
    return RegressionTest(predecessor.name, len(games), verdict, weaker)


def regression_fixture(
    config: str, model: Participant, predecessor: Participant, runner: MatchRunner
) -> Fixture | None:
    """Return the next blocks of the test; None if it is over."""
    return _played(config, model, predecessor, runner)[1]


def _played(
    config: str, model: Participant, predecessor: Participant, runner: MatchRunner
) -> tuple[list[GameResult], Fixture | None]:
    """Return the games of all parts that were played to their end, and the part that comes next, if one does."""
    alarm = runner.settings.alarm
    settings = regression_settings(alarm)
    block = len(seatings(2, parse_config(config)[1], alone=True))
    games: list[GameResult] = []
    verdict = judge([], settings)
    part = 0
    while not verdict.finished:
        wanted = min(alarm.look_blocks, settings.most - verdict.blocks)
        pair = (model, predecessor)
        fixture = Fixture(config, "gate", f"regression {part}", wanted * block, pair, alone=True)
        plan = runner.plan_of(fixture)
        stored = stored_games(runner.database, run_of("gate", plan))
        if len(stored) < plan.games:
            return games, fixture
        games += stored.values()
        verdict = judge(block_scores(games, model.name), settings)
        part += 1
    return games, None
