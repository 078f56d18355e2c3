"""The shadow evaluation: a few games of the newest model now and then, and the alarm if it has become worse."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from ringrift.evaluation.elo import Ratings
from ringrift.evaluation.fixtures import Fixture
from ringrift.evaluation.gauntlet import mean_score
from ringrift.evaluation.match_runner import MatchRunner
from ringrift.evaluation.participants import Participant
from ringrift.evaluation.rating import anchors, form_of, update_ratings
from ringrift.evaluation.regression import RegressionTest, look_for_regression
from ringrift.evaluation.results import GameResult, interval
from ringrift.evaluation.settings import AlarmSettings
from ringrift.evaluation.store import count_evaluations, store_evaluation, stored_evaluations

SHADOW: Final = "shadow"


@dataclass(frozen=True)
class ShadowResult:
    """The result of the model against one opponent."""

    opponent: str
    games: int
    score: float
    low: float
    high: float
    """The upper end of its 95 % Wilson interval."""


@dataclass(frozen=True)
class ShadowReport:
    """The result of a shadow evaluation."""

    config: str
    number: int
    """The number of the shadow evaluation of this config, from 0."""
    model: str
    results: tuple[ShadowResult, ...]
    ratings: Ratings
    regression: RegressionTest | None
    """The test against the predecessor; None without one."""
    alarms: tuple[str, ...]
    """The alarms, one for each thing that has become worse."""
    raised_before: bool
    """Whether an earlier evaluation of the model has raised an alarm: then no second notification is due."""

    def to_json(self) -> dict[str, Any]:
        """Return the report in JSON's types."""
        return {
            "config": self.config,
            "number": self.number,
            "model": self.model,
            "results": [asdict(result) for result in self.results],
            "rating": asdict(self.ratings[self.model]),
            "regression": self.regression and asdict(self.regression),
            "alarms": list(self.alarms),
            "raised_before": self.raised_before,
        }


def shadow(config: str, model: Participant, predecessor: Participant | None, runner: MatchRunner) -> ShadowReport:
    """Let a model play a few games against the anchors and its predecessor, if it has one; stored, and rated.

    Each shadow evaluation of a config has other openings than the last; one that was interrupted goes on. Raises
    `Interrupted`.
    """
    number = count_evaluations(runner.database, config, SHADOW)
    games = {
        fixture.players[1].name: runner.play_ready(runner.ready(fixture))
        for fixture in shadow_fixtures(config, model, predecessor, number, runner)
    }
    ratings = update_ratings(runner.database, config)
    test = None
    if predecessor is not None and predecessor.name != model.name:
        test = look_for_regression(config, model, predecessor, runner)
    earlier = stored_evaluations(runner.database, config, kind=SHADOW, candidate=model.name)
    report = ShadowReport(
        config=config,
        number=number,
        model=model.name,
        results=tuple(_result(name, model.name, played) for name, played in games.items()),
        ratings=ratings,
        regression=test,
        alarms=regressions(ratings, model.name, test, runner.settings.alarm),
        raised_before=any(evaluation.passed is False for evaluation in earlier),
    )
    store_evaluation(runner.database, SHADOW, config, report.to_json(), candidate=model.name, passed=not report.alarms)
    return report


def shadow_fixtures(
    config: str, model: Participant, predecessor: Participant | None, number: int, runner: MatchRunner
) -> list[Fixture]:
    """Return the games of the shadow evaluation of that number against the anchors and the predecessor."""
    opponents = anchors(config, runner)
    if predecessor is not None and predecessor.name != model.name:
        opponents.append(predecessor)
    share = -(-runner.settings.shadow.games // len(opponents))
    return [Fixture(config, "shadow", f"{SHADOW} {number}", share, (model, opponent)) for opponent in opponents]


def regressions(ratings: Ratings, model: str, test: RegressionTest | None, settings: AlarmSettings) -> tuple[str, ...]:
    """Return what has become worse: a model beside its predecessor, by the sequential test, its Elo beside the best's.

    Elo is compared with models that play in the same way. A few games of equals often end beyond the limit: an alarm
    takes a 95 % interval that has no room for an equal.
    """
    alarms = []
    if test is not None and test.weaker:
        alarms.append(f"{model} scores {test}, less than {settings.score:.0%}")
    others = [
        rating for rating in ratings.players if rating.player != model and form_of(rating.player) == form_of(model)
    ]
    if others and model in ratings:
        best = others[0].player
        drop = ratings.difference(best, model)
        if drop.elo > settings.elo_drop and drop.low > 0:
            alarms.append(
                f"{model} lies {drop.elo:.0f} Elo ({drop.low:.0f} … {drop.high:.0f}) under {best}, more than "
                f"{settings.elo_drop:.0f}"
            )
    return tuple(alarms)


def _result(opponent: str, model: str, games: list[GameResult]) -> ShadowResult:
    score = mean_score(games, model)
    return ShadowResult(opponent, len(games), score, *interval(games, model))
