"""Matches that are kept: interrupted, they go on; nothing is played twice; the gate's games are not rated."""

from __future__ import annotations

from dataclasses import replace
from threading import Event

import pytest

from ringrift.agents import Agent
from ringrift.evaluation.elo import fit_elo
from ringrift.evaluation.match_runner import MatchRunner
from ringrift.evaluation.participants import participant
from ringrift.evaluation.results import distinct
from ringrift.evaluation.schema import GameKind
from ringrift.evaluation.store import (
    count_evaluations,
    first_played,
    newest_ratings,
    rated_games,
    rating_history,
    run_of,
    store_evaluation,
    store_ratings,
    stored_evaluations,
    stored_games,
)
from ringrift.game.types import States
from ringrift.game_database import GamesDatabase
from ringrift.kernels.types import I64
from ringrift.run_context import Cancelled, RunContext
from ringrift.search import SearchOutput
from tests.evaluation.planted import won

CONFIG = "square8_2p"
PAIR = (participant("heuristic:v1", CONFIG), participant("random", CONFIG))


class Watched(Agent):
    """Notes which games it is asked about."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.games: set[int] = set()

    def act(self, states: States, games: I64) -> SearchOutput:
        self.games.update(games.tolist())
        return self.agent.act(states, games)


def play(runner: MatchRunner, kind: GameKind = "rating", games: int = 8, part: str = "part") -> None:
    plan = runner.plan(CONFIG, PAIR, games=games, kind=kind, part=part)
    runner.play(kind, plan, runner.agents(plan, PAIR))


def test_an_interrupted_match_goes_on_and_comes_to_the_same(runner: MatchRunner) -> None:
    plan = runner.plan(CONFIG, PAIR, games=8, kind="rating", part="part")
    whole = runner.play("gate", plan, runner.agents(plan, PAIR))

    stop = Event()
    told = []

    def stop_soon(work: str, done: float, total: float | None, detail: str = "") -> None:
        told.append((work, done, total))
        if done == 3:
            stop.set()

    with pytest.raises(Cancelled, match=r"stopped after . of 8 games of heuristic:v1 – random; run it again to go on"):
        replace(runner, context=RunContext(runner.settings, stop_soon, stop)).play(
            "rating", plan, runner.agents(plan, PAIR)
        )
    before = stored_games(runner.database, run_of("rating", plan))
    assert 3 <= len(before) < 8
    assert told[:2] == [("games of heuristic:v1 – random", 0, 8), ("games of heuristic:v1 – random", 1, 8)]

    agents = [Watched(agent) for agent in runner.agents(plan, PAIR)]
    again = runner.play("rating", plan, agents)
    assert agents[0].games.isdisjoint(before), "what is stored is not played again"
    assert [(game.players, game.ranks, game.actions_hash) for game in again] == [
        (game.players, game.ranks, game.actions_hash) for game in whole
    ]


def test_a_whole_match_is_read_from_the_database(runner: MatchRunner) -> None:
    plan = runner.plan(CONFIG, PAIR, games=4, kind="rating", part="part")
    first = runner.play("rating", plan, runner.agents(plan, PAIR))
    assert runner.play("rating", plan, []) == first, "without players"


def test_every_part_kind_and_pair_has_openings_of_its_own(runner: MatchRunner) -> None:
    plans = [
        runner.plan(CONFIG, pair, games=4, kind=kind, part=part)
        for pair in (PAIR, PAIR[::-1])
        for kind in ("gate", "rating")
        for part in ("first", "second")
    ]
    assert len({plan.seed for plan in plans}) == 8
    assert plans[0] == runner.plan(CONFIG, PAIR, games=4, kind="gate", part="first")


def test_games_are_rounded_up_to_whole_openings(runner: MatchRunner) -> None:
    for config, alone, games in (
        ("square8_2p", True, 10),
        ("hex8_3p", True, 9),
        ("hex8_4p", True, 12),
        ("hex8_3p", False, 12),
    ):
        assert runner.plan(config, PAIR, games=9, kind="gate", part="", alone=alone).games == games


def test_games_of_an_opening_are_a_block(runner: MatchRunner) -> None:
    play(runner)
    games = rated_games(runner.database, CONFIG)
    assert len({game.block for game in games}) == 4
    assert [game.players for game in games[:2]] == [("heuristic:v1", "random"), ("random", "heuristic:v1")]
    assert len(distinct(games)) == 8
    assert distinct([*games, *games]) == games


def test_games_of_the_gate_are_not_rated_all_others_are(runner: MatchRunner) -> None:
    kinds: tuple[GameKind, ...] = ("gate", "rating", "shadow", "tournament")
    for kind, rated in zip(kinds, (0, 2, 4, 6), strict=True):
        play(runner, kind, games=2)
        assert len(rated_games(runner.database, CONFIG)) == rated
    assert rated_games(runner.database, "hex8_2p") == []
    assert first_played(runner.database, CONFIG).keys() == {"heuristic:v1", "random"}


def test_a_match_that_was_broken_off_is_not_rated(runner: MatchRunner) -> None:
    stop = Event()

    def stop_at_once(work: str, done: float, total: float | None, detail: str = "") -> None:
        if done:
            stop.set()

    with pytest.raises(Cancelled):
        play(replace(runner, context=RunContext(runner.settings, stop_at_once, stop)))
    assert rated_games(runner.database, CONFIG) == []
    play(runner)
    assert len(rated_games(runner.database, CONFIG)) == 8


def test_fits_are_a_history(database: GamesDatabase) -> None:
    assert newest_ratings(database, CONFIG) == []
    fits = [fit_elo(won("heuristic", "random", games, of=10)) for games in (6, 8)]
    assert [store_ratings(database, CONFIG, fit) for fit in fits] == [1, 2]
    assert store_ratings(database, "hex8_2p", fits[0]) == 1
    assert newest_ratings(database, CONFIG) == list(fits[1].players)
    history = rating_history(database, CONFIG, player="heuristic")
    assert [(entry.fit, entry.rating) for entry in history] == [(1, fits[0]["heuristic"]), (2, fits[1]["heuristic"])]


def test_the_same_fit_again_is_not_stored(database: GamesDatabase) -> None:
    few, more = (fit_elo(won("heuristic", "random", games, of=10)) for games in (6, 8))
    assert [store_ratings(database, CONFIG, fit) for fit in (few, few, more, few)] == [1, 1, 2, 3]
    assert [entry.fit for entry in rating_history(database, CONFIG, player="random")] == [1, 2, 3]


def test_reports_are_kept_the_newest_first(database: GamesDatabase) -> None:
    store_evaluation(database, "gauntlet", CONFIG, {"games": 1}, candidate="one", passed=True)
    store_evaluation(database, "gauntlet", CONFIG, {"games": 2}, candidate="two", passed=False)
    store_evaluation(database, "tournament", CONFIG, {"games": 3})
    assert [entry.report["games"] for entry in stored_evaluations(database, CONFIG)] == [3, 2, 1]
    (one,) = stored_evaluations(database, CONFIG, kind="gauntlet", candidate="one")
    assert (one.candidate, one.passed, one.kind) == ("one", True, "gauntlet")
    assert count_evaluations(database, CONFIG, "gauntlet") == 2
    assert stored_evaluations(database, "hex8_2p") == []


def test_the_same_report_again_is_not_stored(database: GamesDatabase) -> None:
    """Unless something else was found in between, or it is about somebody else."""
    for games, candidate in ((1, "one"), (1, "two"), (1, "one"), (2, "one"), (1, "one"), (1, None), (1, None)):
        store_evaluation(database, "gauntlet", CONFIG, {"games": games}, candidate=candidate, passed=False)
    found = [(entry.report["games"], entry.candidate) for entry in stored_evaluations(database, CONFIG)]
    assert found[::-1] == [(1, "one"), (1, "two"), (2, "one"), (1, "one"), (1, None)]
    store_evaluation(database, "gauntlet", CONFIG, {"games": 1}, passed=True)
    assert count_evaluations(database, CONFIG, "gauntlet") == 6
