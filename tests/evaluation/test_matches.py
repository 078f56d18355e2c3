"""Matches: how games are played side by side, and that strength shows."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from threading import Event

import numpy as np
import pytest

from ringrift.agents import Agent, make_agent
from ringrift.evaluation import (
    MatchPlan,
    PlayedGame,
    ScheduledGame,
    game_record,
    make_players,
    play_games,
    play_match,
    report_match,
)
from ringrift.game import Game, get_board
from ringrift.game.types import States
from ringrift.kernels.types import I64
from ringrift.search import SearchOutput
from ringrift.selfplay import BadOpening, Openings

PLAN = MatchPlan("hex8_2p", ("random", "puct@4"), openings=6, opening_plies=8, max_moves=800, seed=5)


def played(plan: MatchPlan, side_by_side: int = 64) -> list[PlayedGame]:
    games = play_match(make_players(plan), plan, side_by_side=side_by_side)
    return sorted(games, key=lambda game: game.scheduled.number)


@pytest.fixture(scope="module")
def games() -> list[PlayedGame]:
    return played(PLAN)


class Watched(Agent):
    """A random player that notes what it is asked."""

    def __init__(self) -> None:
        self.agent: Agent = make_agent("random", get_board("hex8"), 2)
        self.batches: list[int] = []
        self.forced = 0

    def act(self, states: States, games: I64) -> SearchOutput:
        output = self.agent.act(states, games)
        self.batches.append(len(states))
        self.forced += int((np.diff(output.policy_offsets) < 2).sum())
        return output


@pytest.mark.parametrize("side_by_side", [1, 5])
def test_games_do_not_depend_on_how_many_run_side_by_side(games: list[PlayedGame], side_by_side: int) -> None:
    again = played(PLAN, side_by_side)
    assert [game.actions.tobytes() for game in again] == [game.actions.tobytes() for game in games]
    assert [game.outcome_values for game in again] == [game.outcome_values for game in games]
    assert report_match(PLAN, again) == report_match(PLAN, games)


def test_another_seed_gives_other_games(games: list[PlayedGame]) -> None:
    plan = replace(PLAN, openings=1, seed=6)
    assert played(plan)[0].actions.tobytes() != games[0].actions.tobytes()


def test_every_opening_is_played_in_both_seat_orders(games: list[PlayedGame]) -> None:
    by_opening = defaultdict(list)
    for game in games:
        by_opening[game.scheduled.opening].append(game)
    assert len(by_opening) == 6
    for first, second in by_opening.values():
        assert (first.scheduled.seating, second.scheduled.seating) == ((0, 1), (1, 0))
        assert np.array_equal(first.actions[:8], second.actions[:8])
    assert len({game.actions[:8].tobytes() for game in games}) == 6


def test_records_replay_exactly(games: list[PlayedGame]) -> None:
    record = game_record(PLAN, games[3])
    assert record["engines"] == ["puct@4", "random"]
    game = Game.from_record(record)
    assert game.actions == games[3].actions.tolist()
    assert (game.result().winner, game.result().reason) == (games[3].winner, games[3].reason)


def test_a_finished_game_makes_room_and_nobody_is_asked_about_forced_actions() -> None:
    board = get_board("hex8")
    watched = Watched()
    games = [ScheduledGame(number, number, (0, 0)) for number in range(16)]
    openings = Openings(board, 2, max_moves=800, seed=0)
    ended = list(play_games([watched], board, 2, games, openings, opening_plies=8, side_by_side=4))
    assert sorted(game.scheduled.number for game in ended) == list(range(16))
    assert watched.batches[0] == 4
    assert watched.batches == sorted(watched.batches, reverse=True), "full until no game is left to begin"
    assert watched.forced == 0


def test_games_that_run_are_given_up_when_the_match_is_stopped() -> None:
    stop = Event()
    games = play_match(make_players(PLAN), PLAN, side_by_side=4, cancellation=stop)
    first = next(games)
    stop.set()
    rest = list(games)
    assert len(rest) < 4, "only what ended in the same step"
    assert len({first.scheduled.number, *(game.scheduled.number for game in rest)}) == 1 + len(rest)


def test_a_game_is_stopped_at_the_limit_of_moves_and_worth_nothing() -> None:
    (game, _) = played(replace(PLAN, openings=1, max_moves=20))
    assert (game.plies, game.winner, game.reason, game.outcome_values) == (20, None, None, (0.0, 0.0))
    assert Game.from_record(game_record(PLAN, game)).result().status == "active"


def test_an_opening_longer_than_the_game_is_refused() -> None:
    with pytest.raises(BadOpening, match="an opening of 8 plies leaves nothing to play: games stop at 8 moves"):
        played(replace(PLAN, max_moves=8))


@pytest.mark.parametrize(("config", "openings"), [("hex8_2p", 100), ("square8_3p", 40), ("square8_4p", 20)])
def test_equal_players_are_equally_good_whatever_a_seat_is_worth(config: str, openings: int) -> None:
    plan = MatchPlan(config, ("random", "random"), openings, opening_plies=8, max_moves=800)
    report = report_match(plan, played(plan))
    assert report.distinct == report.games >= 200
    first, second = report.players
    assert first.low < 0.5 < first.high
    assert first.points == pytest.approx(-second.points, abs=1e-6)
    assert [seat.games for seat in first.seats] == [seat.games for seat in second.seats]
    assert report.comparisons[0].p_different > 0.05


@pytest.mark.parametrize(("config", "openings"), [("hex8_2p", 20), ("hex8_3p", 5)])
def test_a_search_beats_chance(config: str, openings: int) -> None:
    plan = MatchPlan(config, ("random", "puct@48"), openings, opening_plies=8, max_moves=800)
    report = report_match(plan, played(plan))
    random, puct = report.players
    assert puct.low > 0.5 > random.high
    assert puct.points > 0.2 > -0.2 > random.points
    assert 1 - report.comparisons[0].p_stronger < 0.01 > report.comparisons[0].p_different


def test_four_players_have_their_points_by_rank() -> None:
    plan = MatchPlan("hex8_4p", ("random",) * 4, openings=1, opening_plies=8, max_moves=800)
    report = report_match(plan, played(plan))
    assert report.games == 24
    assert sum(player.won for player in report.players) == 24
    assert sum(player.points for player in report.players) == pytest.approx(0, abs=1e-6)
    assert all(seat.games == 6 for player in report.players for seat in player.seats)
