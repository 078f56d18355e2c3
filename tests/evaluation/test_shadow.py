"""The shadow evaluation, and the alarm when a model has become worse."""

from __future__ import annotations

from dataclasses import replace

from ringrift.evaluation.elo import fit_elo
from ringrift.evaluation.match_runner import MatchRunner
from ringrift.evaluation.participants import Participant
from ringrift.evaluation.regression import RegressionTest, look_for_regression, regression_settings
from ringrift.evaluation.settings import ShadowSettings, evaluation_settings
from ringrift.evaluation.shadow import regressions, shadow
from ringrift.evaluation.sprt import judge
from ringrift.evaluation.store import rated_games, stored_evaluations
from tests.evaluation.planted import won

CONFIG = "square8_2p"
OLD, NEW = "policy:0123456789abcdef", "policy:fedcba9876543210"
ALARM = evaluation_settings().alarm


def against(*scores: float) -> RegressionTest:
    """The test against the predecessor, with so many equal blocks of each score."""
    verdict = judge([score for score in scores for _ in range(100)], regression_settings(ALARM))
    return RegressionTest(OLD, 2 * verdict.blocks, verdict, verdict.stronger is False and verdict.score < ALARM.score)


def test_a_model_that_holds_its_own_raises_no_alarm() -> None:
    ratings = fit_elo([*won(OLD, "random", 30, of=40), *won(NEW, "random", 29, of=40)])
    assert regressions(ratings, NEW, against(0.0, 1.0), ALARM) == ()
    assert regressions(ratings, NEW, None, ALARM) == ()


def test_losing_against_its_predecessor_raises_the_alarm() -> None:
    ratings = fit_elo(won(NEW, "random", 29, of=40))
    said = f"{NEW} scores 25.0% of 400 games against its predecessor {OLD}: weaker, less than 45%"
    assert regressions(ratings, NEW, against(0.0, 0.5), ALARM) == (said,)


def test_what_may_have_been_bad_luck_raises_no_alarm() -> None:
    ratings = fit_elo([*won(OLD, "random", 32, of=40), *won(NEW, "random", 28, of=40)])
    drop = ratings.difference(OLD, NEW)
    assert drop.elo > ALARM.elo_drop
    assert drop.low < 0
    assert regressions(ratings, NEW, against(0.0, 0.5, 0.5, 1.0, 0.4), ALARM) == ()


def test_an_elo_far_under_that_of_the_best_model_raises_the_alarm() -> None:
    ratings = fit_elo([*won(OLD, "random", 38, of=40), *won(NEW, "random", 22, of=40)])
    (alarm,) = regressions(ratings, NEW, None, ALARM)
    assert alarm.startswith(f"{NEW} lies ")
    assert alarm.endswith(f"under {OLD}, more than 50")
    assert regressions(ratings, OLD, None, ALARM) == ()


def test_players_of_another_form_are_no_measure() -> None:
    other = "gumbel:0123456789abcdef@32"
    ratings = fit_elo([*won(other, "random", 39, of=40), *won(NEW, "random", 25, of=40)])
    assert regressions(ratings, NEW, None, ALARM) == ()


def test_the_newest_model_plays_a_few_games_and_other_ones_every_time(runner: MatchRunner) -> None:
    old, new = Participant(OLD, "heuristic"), Participant(NEW, "random")
    alarm = runner.settings.alarm.model_copy(update={"look_blocks": 30})
    few = runner.settings.model_copy(update={"shadow": ShadowSettings(games=24), "alarm": alarm})
    runner = replace(runner, context=runner.context.with_settings(few))
    report = shadow(CONFIG, new, old, runner)
    assert [(one.opponent, one.games) for one in report.results] == [("random", 8), ("heuristic:v1", 8), (OLD, 8)]
    assert report.regression is not None
    assert report.regression.games == 60
    assert any("against its predecessor" in alarm for alarm in report.alarms), report
    assert not report.raised_before
    better = shadow(CONFIG, old, None, runner)
    assert (report.number, better.number) == (0, 1)
    assert better.alarms == ()
    assert [entry.passed for entry in stored_evaluations(runner.database, CONFIG, kind="shadow")] == [True, False]
    games = rated_games(runner.database, CONFIG)
    assert len({(game.players, game.actions_hash) for game in games}) == len(games) == 48


def test_the_test_goes_on_from_evaluation_to_evaluation_until_it_is_clear(runner: MatchRunner) -> None:
    alarm = runner.settings.alarm.model_copy(update={"look_blocks": 1, "most_blocks": 3, "false_alarm": 1e-9})
    few = runner.settings.model_copy(update={"alarm": alarm, "shadow": ShadowSettings(games=2)})
    runner = replace(runner, context=runner.context.with_settings(few))
    old, new = Participant(OLD, "heuristic"), Participant(NEW, "heuristic?temperature=1")
    games = [look_for_regression(CONFIG, new, old, runner).games for _ in range(4)]
    assert games == [2, 4, 6, 6], "a look more every time, and no more than the most"


def test_an_alarm_cannot_be_tried_away_and_is_told_once(runner: MatchRunner) -> None:
    alarm = runner.settings.alarm.model_copy(update={"look_blocks": 30})
    few = runner.settings.model_copy(update={"alarm": alarm, "shadow": ShadowSettings(games=2)})
    runner = replace(runner, context=runner.context.with_settings(few))
    old, new = Participant(OLD, "heuristic"), Participant(NEW, "random")
    first, again = shadow(CONFIG, new, old, runner), shadow(CONFIG, new, old, runner)
    assert first.regression == again.regression
    assert first.regression is not None
    assert first.regression.weaker
    assert (first.raised_before, again.raised_before) == (False, True)
    assert set(first.alarms) <= set(again.alarms)
