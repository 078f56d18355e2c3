"""Every game of an evaluation is kept whole: it is found by its name, and replays to the result that was counted."""

from __future__ import annotations

import pytest

from ringrift.evaluation.gauntlet import gauntlet
from ringrift.evaluation.kept_games import GameFilter, NoSuchEvaluationGame, find_kept_game, kept_records, newest_games
from ringrift.evaluation.match_runner import MatchRunner
from ringrift.evaluation.participants import participant
from ringrift.evaluation.schema import evaluation_games, evaluation_moves
from ringrift.evaluation.shadow import shadow
from ringrift.evaluation.tournament import round_robin
from ringrift.game import Game
from ringrift.game_database import GamesDatabase

CONFIG = "square8_2p"
PLAYERS = (participant("heuristic:v1", CONFIG), participant("random", CONFIG))


def test_the_games_of_every_evaluation_replay_to_their_results(runner: MatchRunner) -> None:
    gauntlet(CONFIG, participant("heuristic:v1?temperature=1", CONFIG), None, runner)
    shadow(CONFIG, participant("heuristic:v1?temperature=2", CONFIG), None, runner)
    round_robin(CONFIG, PLAYERS, 4, runner)
    games = newest_games(runner.database, GameFilter(), 1000)
    assert {game.kind for game in games} == {"gate", "shadow", "tournament"}
    for game in games:
        kept, record = find_kept_game(runner.database, game.name)
        assert kept == game
        replayed = Game.from_record(record)  # which compares the result, too
        assert record["engines"] == list(game.players)
        ranks = tuple(replayed.ranks()) if replayed.array["winner"] else None
        assert (ranks, int(replayed.array["ply"])) == (game.ranks, game.plies)


def test_games_are_chosen_by_what_they_were_played_for_and_by_whom(runner: MatchRunner) -> None:
    gauntlet(CONFIG, participant("heuristic:v1?temperature=1", CONFIG), None, runner)
    round_robin(CONFIG, PLAYERS, 4, runner)

    def chosen(wanted: GameFilter) -> int:
        assert len(newest_games(runner.database, wanted, 1000)) == len(list(kept_records(runner.database, wanted)))
        return len(newest_games(runner.database, wanted, 1000))

    assert chosen(GameFilter(kind="tournament")) == 4
    assert chosen(GameFilter(player="temperature=1")) == chosen(GameFilter(kind="gate"))
    assert chosen(GameFilter(config="hex8_2p")) == 0
    run = newest_games(runner.database, GameFilter(kind="tournament"), 1)[0].run
    assert chosen(GameFilter(run=run[:8])) == 4
    with pytest.raises(NoSuchEvaluationGame, match="did you mean 'tournament'"):
        chosen(GameFilter(kind="tournaments"))


def test_a_game_that_is_not_there_is_named(runner: MatchRunner) -> None:
    with pytest.raises(NoSuchEvaluationGame, match="name it as RUN/NUMBER"):
        find_kept_game(runner.database, "17")
    with pytest.raises(NoSuchEvaluationGame, match="there is no game '0123/4'"):
        find_kept_game(runner.database, "0123/4")


def test_a_game_of_an_earlier_version_has_no_moves(runner: MatchRunner) -> None:
    round_robin(CONFIG, PLAYERS, 2, runner)
    game = newest_games(runner.database, GameFilter(), 1)[0]
    with runner.database.writing() as connection:
        connection.execute(evaluation_moves.delete())
    with pytest.raises(NoSuchEvaluationGame, match="its moves were not kept"):
        find_kept_game(runner.database, game.name)
    assert list(kept_records(runner.database, GameFilter())) == []


def test_a_game_goes_with_its_moves(runner: MatchRunner, database: GamesDatabase) -> None:
    round_robin(CONFIG, PLAYERS, 2, runner)
    with database.writing() as connection:
        connection.execute(evaluation_games.delete())
        assert connection.execute(evaluation_moves.select()).all() == []
