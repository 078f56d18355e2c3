"""The gauntlet: who is good enough passes, who is hopeless is cut off, and luck cannot be asked twice."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from ringrift.cli.render import rendered
from ringrift.evaluation.fixtures import GauntletRole as Role
from ringrift.evaluation.gauntlet import gauntlet, judge_games
from ringrift.evaluation.match_runner import MatchRunner
from ringrift.evaluation.participants import Participant, participant
from ringrift.evaluation.settings import evaluation_settings
from ringrift.evaluation.store import rated_games, stored_evaluations
from ringrift.networks import MissingModel
from tests.contexts import record
from tests.evaluation.planted import result, won

pytestmark = pytest.mark.slow

CONFIG = "square8_2p"
HOPELESS = Participant("policy:0123456789abcdef", "random")


@pytest.mark.parametrize(
    ("role", "wins", "of", "verdict"),
    [
        ("random", 100, 100, "passed"),
        ("random", 85, 100, "passed"),
        ("random", 84, 100, "failed"),
        ("heuristic", 60, 100, "passed"),
        ("heuristic", 59, 100, "failed"),
        ("champion", 51, 100, "passed"),
        ("champion", 50, 100, "failed"),  # an equal does not take its place
        ("champion", 25, 30, "passed"),  # clear before all games are played
        ("champion", 17, 30, "not finished"),
        ("champion", 5, 30, "failed"),
        ("heuristic", 13, 20, "not finished"),
        ("random", 10, 20, "failed"),
    ],
)
def test_games_are_judged_by_a_sequential_test_and_in_the_end_by_score(
    role: Role, wins: int, of: int, verdict: str
) -> None:
    games = won("model", "other", wins, of=of)
    found = judge_games(role, "model", "other", games, evaluation_settings().gauntlet)
    assert found.verdict == verdict
    assert (found.wins, found.losses, found.draws, found.distinct) == (wins, of - wins, 0, of)
    assert found.score == pytest.approx(wins / of)
    assert found.low < found.score <= found.high


def test_games_of_one_opening_that_go_one_way_count_as_one() -> None:
    """As pairs, 40 games of which 24 are won say less than if they were independent."""
    settings = evaluation_settings().gauntlet
    independent = won("model", "other", 24, of=40)
    pairs = [replace(game, block=f"pair {number // 2}") for number, game in enumerate(independent)]
    single, paired = (judge_games("champion", "model", "other", games, settings) for games in (independent, pairs))
    assert paired.score == single.score
    assert paired.low < single.low < single.high < paired.high
    assert (single.verdict, paired.verdict) == ("passed", "not finished")


def test_a_limit_of_nothing_is_passed_by_everybody() -> None:
    settings = evaluation_settings().gauntlet
    free = settings.model_copy(update={"limits": settings.limits.model_copy(update={"heuristic": 0.0})})
    assert judge_games("heuristic", "model", "other", won("model", "other", 0, of=10), free).verdict == "passed"


def test_stopped_games_are_draws_and_half_a_win() -> None:
    games = [*won("model", "other", 6, of=10), *(result(("model", "other"), None) for _ in range(10))]
    found = judge_games("champion", "model", "other", games, evaluation_settings().gauntlet)
    assert (found.wins, found.losses, found.draws, found.score) == (6, 4, 10, 0.55)
    assert found.elo is not None
    assert found.elo.low < found.elo.elo == pytest.approx(34.9, abs=0.1)


def test_among_copies_the_share_of_those_behind_counts_and_half_is_equal() -> None:
    seats = ("model", "other", "other", "other")
    games = [result(seats, ranks) for ranks in ((1, 2, 3, 4), (2, 1, 3, 4), (3, 1, 2, 4), (4, 1, 2, 3))]
    found = judge_games("champion", "model", "other", games, evaluation_settings().gauntlet)
    assert found.score == 0.5
    assert found.wins_share == 0.25
    assert [game.score("model") for game in games] == pytest.approx([1, 2 / 3, 1 / 3, 0])


def test_a_search_runs_the_gauntlet_twice_with_the_same_games(runner: MatchRunner) -> None:
    model, champion = participant("minimax@2?weights=v1", CONFIG), participant("heuristic:v1?temperature=16", CONFIG)
    report = gauntlet(CONFIG, model, champion, runner)
    assert report.passed
    assert [one.role for one in report.opponents] == ["random", "heuristic", "champion"]
    assert [(one.games, one.verdict) for one in report.opponents] == [(16, "passed")] * 3
    assert report["champion"].opponent == "heuristic:v1?temperature=16"
    told: list[Any] = []
    again = gauntlet(CONFIG, model, champion, replace(runner, context=replace(runner.context, progress=record(told))))
    assert again == report
    assert told and all(done == total for _, done, total, _ in told), "nothing is played"
    (stored,) = stored_evaluations(runner.database, CONFIG, kind="gauntlet", candidate="minimax@2?weights=v1")
    assert stored.passed is True
    assert stored.report == json.loads(json.dumps(report.to_json()))
    assert rated_games(runner.database, CONFIG) == [], "they are the gate's"


def test_a_hopeless_model_is_cut_off_after_the_first_stage(runner: MatchRunner) -> None:
    report = gauntlet(CONFIG, HOPELESS, None, runner)
    assert not report.passed
    assert report["heuristic"].verdict == "cut off"
    assert report.games == 8
    assert "there is no champion yet" in report.notes[0]
    with pytest.raises(KeyError):
        report["champion"]


def test_the_champion_does_not_play_against_itself(runner: MatchRunner) -> None:
    report = gauntlet(CONFIG, HOPELESS, HOPELESS, runner)
    assert "the model is the champion" in report.notes[0]
    assert len(report.opponents) == 2


def test_among_three_the_model_sits_alone(runner: MatchRunner) -> None:
    report = gauntlet("hex8_3p", participant("heuristic:v1?temperature=1", "hex8_3p"), None, runner)
    assert [one.games for one in report.opponents] == [6 + 12, 6 + 12] or not report.passed
    plan = runner.plan(
        "hex8_3p",
        (participant("heuristic:v1?temperature=1", "hex8_3p"), participant("random", "hex8_3p")),
        games=4,
        kind="gate",
        part="first",
        alone=True,
    )
    seated = runner.play("gate", plan, [])
    assert [game.players.count("heuristic:v1?temperature=1") for game in seated] == [1] * 6
    assert {game.players.index("heuristic:v1?temperature=1") for game in seated} == {0, 1, 2}
    assert "alone among copies" in report.notes[-1]


def test_a_champion_that_is_not_there_is_said_before_anybody_plays(runner: MatchRunner) -> None:
    gone = Participant("gumbel:0123456789abcdef@32", "gumbel:nowhere.pth@32")
    with pytest.raises(MissingModel, match=r"nowhere\.pth: no such model"):
        gauntlet(CONFIG, HOPELESS, gone, runner)
    assert stored_evaluations(runner.database, CONFIG) == []


def test_repeated_games_are_counted_and_told() -> None:
    game = result(("model", "other"), (1, 2))
    found = judge_games("random", "model", "other", [game] * 10, evaluation_settings().gauntlet)
    assert (found.games, found.distinct, found.score) == (10, 1, 1)
    assert found.low < 0.5, "one game says little"
    assert found.verdict == "not finished", "and passes nobody"


def test_a_report_prints_as_a_table(runner: MatchRunner) -> None:
    report = gauntlet(CONFIG, HOPELESS, None, runner)
    console = Console(width=170)
    with console.capture() as capture:
        console.print(rendered(report))
    assert "square8_2p: gauntlet of policy:0123456789abcdef, 8 games" in capture.get()
    assert "cut off" in capture.get()
    assert "not passed: " in capture.get()
    assert capture.get().rstrip().endswith("games against heuristic, wanted ≥ 60%, cut off")
