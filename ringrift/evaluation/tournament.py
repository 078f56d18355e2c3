"""Round-robin tournaments, with a cross-table and the Elo that follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, Final

from ringrift.evaluation.elo import NoRating, Ratings
from ringrift.evaluation.fixtures import Fixture
from ringrift.evaluation.gauntlet import mean_score
from ringrift.evaluation.match_runner import MatchRunner
from ringrift.evaluation.participants import Participant
from ringrift.evaluation.rating import update_ratings
from ringrift.evaluation.results import GameResult, distinct, interval
from ringrift.evaluation.schedule import BadMatch
from ringrift.evaluation.store import count_evaluations, store_evaluation
from ringrift.game import parse_config

TOURNAMENT: Final = "tournament"


@dataclass(frozen=True)
class Pairing:
    """The result of two players of a tournament."""

    first: str
    second: str
    games: int
    distinct: int
    score: float
    """The first player's score: the mean share of the second's seats that its own came in ahead of."""
    low: float
    high: float
    """The upper end of its 95 % Wilson interval."""


@dataclass(frozen=True)
class TournamentReport:
    """The result of a tournament."""

    config: str
    number: int
    """The number of the tournament of this config, from 0."""
    players: tuple[str, ...]
    """The players, the best first."""
    pairings: tuple[Pairing, ...]
    ratings: Ratings | None
    """The ratings of all players of rated games so far; None where there is no anchor."""
    notes: tuple[str, ...]

    def score(self, first: str, second: str) -> float:
        """Return what the first has scored against the second."""
        for pairing in self.pairings:
            if (pairing.first, pairing.second) == (first, second):
                return pairing.score
            if (pairing.first, pairing.second) == (second, first):
                return 1 - pairing.score
        raise KeyError((first, second))

    def to_json(self) -> dict[str, Any]:
        """Return the report in JSON's types."""
        return {
            "config": self.config,
            "number": self.number,
            "players": list(self.players),
            "pairings": [asdict(pairing) for pairing in self.pairings],
            "ratings": None if self.ratings is None else self.ratings.to_json(),
            "notes": list(self.notes),
        }


def round_robin(config: str, players: Sequence[Participant], games: int, runner: MatchRunner) -> TournamentReport:
    """Play every two of the players against each other, `games` in all seatings; store the report and rate all anew.

    Each tournament of a config has other openings than the last; one that was interrupted goes on. Raises
    `Interrupted`, and `BadMatch` for fewer than two different players.
    """
    names = [player.name for player in players]
    if len(set(names)) < max(len(names), 2):
        raise BadMatch(f"a tournament needs two players or more, each once, not {', '.join(names)}")
    parse_config(config)
    number = count_evaluations(runner.database, config, TOURNAMENT)
    fixtures = tournament_fixtures(config, players, games, number)
    for player in players:  # what is wrong with one of them is reported before the first game
        runner.agents(runner.plan_of(fixtures[0]), (player,))
    pairings = [_pairing(fixture.players, runner.play_ready(runner.ready(fixture))) for fixture in fixtures]
    notes = [
        f"only {pairing.distinct} of {pairing.games} games of {pairing.first} and {pairing.second} are different"
        for pairing in pairings
        if pairing.distinct < pairing.games
    ]
    ratings = None
    try:
        ratings = update_ratings(runner.database, config)
    except NoRating as error:
        notes.append(f"no Elo: {error}")
    order = sorted(names, key=lambda name: -mean_pairing_score(pairings, name))
    report = TournamentReport(config, number, tuple(order), tuple(pairings), ratings, tuple(notes))
    store_evaluation(runner.database, TOURNAMENT, config, report.to_json())
    return report


def tournament_fixtures(config: str, players: Sequence[Participant], games: int, number: int) -> list[Fixture]:
    """Return the games of every two players in the tournament of that number."""
    part = f"{TOURNAMENT} {number}"
    return [Fixture(config, "tournament", part, games, pair) for pair in combinations(players, 2)]


def _pairing(pair: Sequence[Participant], games: Sequence[GameResult]) -> Pairing:
    first, second = (player.name for player in pair)
    score = mean_score(games, first)
    different = len(distinct(games))
    return Pairing(first, second, len(games), different, score, *interval(games, first))


def mean_pairing_score(pairings: Sequence[Pairing], player: str) -> float:
    """Return a player's mean score over its opponents."""
    own = [pairing for pairing in pairings if player in (pairing.first, pairing.second)]
    return sum(pairing.score if pairing.first == player else 1 - pairing.score for pairing in own) / len(own)
