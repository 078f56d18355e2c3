"""The shadow evaluation, and the alarm when a model has become worse."""

from __future__ import annotations

from dataclasses import replace

from ringrift.evaluation.elo import fit_elo
from ringrift.evaluation.match_runner import MatchRunner
from ringrift.evaluation.participants import Participant
from ringrift.evaluation.settings import AlarmSettings, ShadowSettings
from ringrift.evaluation.shadow import ShadowResult, regressions, shadow
from ringrift.evaluation.store import rated_games, stored_evaluations
from tests.evaluation.planted import won

CONFIG = "square8_2p"
OLD, NEW = "policy:0123456789abcdef", "policy:fedcba9876543210"
ALARM = AlarmSettings(score=0.45, elo_drop=50)


def against(score: float, high: float) -> ShadowResult:
    """Games against the predecessor."""
    return ShadowResult(OLD, 40, score, 0.1, high)


def test_a_model_that_holds_its_own_raises_no_alarm() -> None:
    ratings = fit_elo([*won(OLD, "random", 30, of=40), *won(NEW, "random", 29, of=40)])
    assert regressions(ratings, NEW, against(0.45, 0.49), ALARM) == ()
    assert regressions(ratings, NEW, None, ALARM) == ()


def test_losing_against_its_predecessor_raises_the_alarm() -> None:
    ratings = fit_elo(won(NEW, "random", 29, of=40))
    said = f"{NEW} scores 30.0% (10.0% – 49.0%) against its predecessor, less than 45%"
    assert regressions(ratings, NEW, against(0.3, 0.49), ALARM) == (said,)


def test_what_may_have_been_bad_luck_raises_no_alarm() -> None:
    ratings = fit_elo([*won(OLD, "random", 32, of=40), *won(NEW, "random", 28, of=40)])
    drop = ratings.difference(OLD, NEW)
    assert drop.elo > ALARM.elo_drop
    assert drop.low < 0
    assert regressions(ratings, NEW, against(0.25, 0.6), ALARM) == ()


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
    few = runner.settings.model_copy(update={"shadow": ShadowSettings(games=24)})
    runner = replace(runner, context=runner.context.with_settings(few))
    report = shadow(CONFIG, new, old, runner)
    assert [(one.opponent, one.games) for one in report.results] == [("random", 8), ("heuristic", 8), (OLD, 8)]
    assert any("against its predecessor" in alarm for alarm in report.alarms), report
    better = shadow(CONFIG, old, None, runner)
    assert (report.number, better.number) == (0, 1)
    assert better.alarms == ()
    assert [entry.passed for entry in stored_evaluations(runner.database, CONFIG, kind="shadow")] == [True, False]
    games = rated_games(runner.database, CONFIG)
    assert len({(game.players, game.actions_hash) for game in games}) == len(games) == 48
