"""Games that another machine has played: they count as if they were played here, and nothing but moves is believed."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ringrift.evaluation.fixtures import BadFixture, Fixture
from ringrift.evaluation.gauntlet import gauntlet, gauntlet_fixtures
from ringrift.evaluation.match_runner import MatchRunner
from ringrift.evaluation.participants import Participant, participant
from ringrift.evaluation.rating import rate_model, rating_fixtures
from ringrift.evaluation.shared_games import BadGames, open_fixtures, play_fixture, take_games
from ringrift.evaluation.store import newest_ratings, rated_games
from ringrift.game_database import GamesDatabase
from ringrift.game_database.packing import pack_actions, unpack_actions

CONFIG = "square8_2p"
MODEL = Participant("policy:0123456789abcdef", "heuristic:v1?temperature=2")
PAIR = (participant("heuristic:v1", CONFIG), participant("random", CONFIG))
FIXTURE = Fixture(CONFIG, "rating", "part", 4, PAIR)


@pytest.fixture
def elsewhere(runner: MatchRunner, tmp_path: Path) -> Any:
    """Another machine."""
    with GamesDatabase(str(tmp_path / "elsewhere.db"), create=True) as database:
        yield replace(runner, database=database)


class Unplayed(MatchRunner):
    """Refuses to play."""

    def agents(self, plan: Any, players: Any) -> Any:
        return []


def answered(elsewhere: MatchRunner, fixture: Fixture) -> Any:
    """Return the answer of another machine, after it has gone through JSON."""
    return json.loads(json.dumps(play_fixture(fixture, elsewhere).to_json()))["games"]


def test_a_gauntlet_that_was_shared_out_is_judged_here_without_a_game(runner: MatchRunner, elsewhere: Any) -> None:
    champion = participant("heuristic:v1?temperature=3", CONFIG)
    expected = gauntlet(CONFIG, MODEL, champion, replace(runner, database=elsewhere.database))
    fixtures = gauntlet_fixtures(CONFIG, MODEL, champion, runner.settings.gauntlet)
    assert [fixture.against for fixture in fixtures] == ["random", "heuristic", "champion"]
    assert open_fixtures(fixtures, runner) == fixtures
    for fixture in fixtures:
        take_games(fixture, answered(elsewhere, fixture), runner, "gpu-1")
    assert open_fixtures(fixtures, runner) == []
    assert gauntlet(CONFIG, MODEL, champion, Unplayed(runner.database, runner.context)) == expected


def test_elo_of_games_that_were_played_elsewhere_is_fitted_here(runner: MatchRunner, elsewhere: Any) -> None:
    fixtures = rating_fixtures(CONFIG, MODEL, None, runner)
    told = sum(take_games(fixture, answered(elsewhere, fixture), runner, "gpu-1") for fixture in fixtures)
    assert told == len(rated_games(runner.database, CONFIG)) == 8 + 4 + 4
    ratings = rate_model(CONFIG, MODEL, None, Unplayed(runner.database, runner.context))
    assert set(newest_ratings(runner.database, CONFIG)) == set(ratings.players)
    assert newest_ratings(elsewhere.database, CONFIG) == []


def test_games_come_once_however_often_they_are_told(runner: MatchRunner, elsewhere: Any) -> None:
    answer = answered(elsewhere, FIXTURE)
    for _ in range(2):
        assert take_games(FIXTURE, answer, runner, "gpu-1") == 4
    assert len(rated_games(runner.database, CONFIG)) == 4


def spoilt(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Change the actions of game 1."""

    def spoil(answer: Any) -> Any:
        game = answer["parts"][0]["games"][1]
        actions = change(unpack_actions(base64.b64decode(game["actions"])))
        game["actions"] = base64.b64encode(pack_actions(actions)).decode()
        return answer

    return spoil


def without_a_game(answer: Any) -> Any:
    del answer["parts"][0]["games"][2]
    return answer


def of_another_game(answer: Any) -> Any:
    games = answer["parts"][0]["games"]
    games[1]["actions"] = games[2]["actions"]
    return answer


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (without_a_game, "gpu-1: has 3 of 4 games of heuristic:v1 – random: run it there again"),
        (
            spoilt(lambda actions: actions[:-1]),
            r"gpu-1: game 1 of heuristic:v1 – random: is not over after \d+ actions",
        ),
        (spoilt(lambda actions: actions[[*range(len(actions)), 0]]), r"gpu-1: game 1 of .*: move \d+: "),
        (of_another_game, "game 1 of heuristic:v1 – random: does not begin with opening 0: has it other settings"),
        (lambda answer: answer | {"parts": []}, "gpu-1: has not played 'part' of rating heuristic:v1 – random"),
        (lambda answer: [], "gpu-1: its games cannot be read: all of it: "),
        (lambda answer: {"parts": [{"part": 3, "games": []}]}, r"its games cannot be read: parts\.0\.part: "),
        (
            lambda answer: {"parts": [*answer["parts"], {"part": "second 0", "games": []}]},
            "has played 'second 0', which rating heuristic:v1 – random does not have",
        ),
        (
            lambda answer: {"parts": [{"part": "part", "games": [{"number": 0, "actions": "AAAA"}] * 4}]},
            "has 1 of 4 games",
        ),
    ],
)
def test_games_that_are_not_what_they_should_be_are_refused_in_a_line(
    spoil: Callable[[Any], Any], said: str, runner: MatchRunner, elsewhere: Any
) -> None:
    with pytest.raises(BadGames, match=said) as error:
        take_games(FIXTURE, spoil(answered(elsewhere, FIXTURE)), runner, "gpu-1")
    assert "\n" not in str(error.value)
    assert rated_games(runner.database, CONFIG) == []


def test_a_fixture_is_the_same_after_it_was_a_text() -> None:
    assert Fixture.read(json.dumps(FIXTURE.to_json())) == FIXTURE


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "fixture: not JSON"),
        ("[]", "fixture: all of it: "),
        (json.dumps(FIXTURE.to_json() | {"kind": "x"}), "fixture: kind: "),
        (json.dumps(FIXTURE.to_json() | {"games": 0}), "fixture: games: "),
    ],
)
def test_what_is_no_fixture_is_one_line(text: str, said: str) -> None:
    with pytest.raises(BadFixture, match=said):
        Fixture.read(text)
