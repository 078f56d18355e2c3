"""Everybody against everybody, with a cross-table and the Elo that follows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

from ringrift.evaluation.elo import NoRating, Ratings
from ringrift.evaluation.gauntlet import mean_score
from ringrift.evaluation.match_runner import MatchRunner
from ringrift.evaluation.participants import Participant
from ringrift.evaluation.rating import update_ratings
from ringrift.evaluation.results import GameResult, distinct, interval
from ringrift.evaluation.schedule import BadMatch
from ringrift.evaluation.store import count_evaluations, store_evaluation
from ringrift.game import parse_config

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

TOURNAMENT: Final = "tournament"


@dataclass(frozen=True)
class Pairing:
    """Two players of a tournament."""

    first: str
    second: str
    games: int
    distinct: int
    score: float
    """Of the first: the mean over the games of the share of the seats of the second that its own came in ahead of."""
    low: float
    high: float
    """Its 95 % Wilson interval."""


@dataclass(frozen=True)
class TournamentReport:
    """What has come of a tournament. Prints as tables on a rich console."""

    config: str
    number: int
    """Of the tournament of this config, from 0."""
    players: tuple[str, ...]
    """The best first."""
    pairings: tuple[Pairing, ...]
    ratings: Ratings | None
    """Of everybody who has played rated games so far; None where there is no anchor."""
    notes: tuple[str, ...]

    def score(self, first: str, second: str) -> float:
        """What the first has scored against the second."""
        for pairing in self.pairings:
            if (pairing.first, pairing.second) == (first, second):
                return pairing.score
            if (pairing.first, pairing.second) == (second, first):
                return 1 - pairing.score
        raise KeyError((first, second))

    def to_json(self) -> dict[str, Any]:
        """All of it, for machines."""
        return {
            "config": self.config,
            "number": self.number,
            "players": list(self.players),
            "pairings": [asdict(pairing) for pairing in self.pairings],
            "ratings": None if self.ratings is None else self.ratings.to_json(),
            "notes": list(self.notes),
        }

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        from rich.markup import escape
        from rich.table import Table

        games = sum(pairing.games for pairing in self.pairings)
        yield f"{self.config}: tournament {self.number} of {len(self.players)} players, {games} games"
        table = Table("", "player", "mean", "Elo", "95 %")
        table.columns[1].overflow = "fold"
        cross = Table("", *map(str, range(1, len(self.players) + 1)), title="who scored what against whom")
        for column in (table.columns[0], *table.columns[2:], *cross.columns):
            column.justify, column.no_wrap = "right", True
        for place, player in enumerate(self.players, 1):
            elo, reach = "", ""
            if self.ratings is not None and player in self.ratings:
                rating = self.ratings[player]
                elo, reach = f"{rating.elo:.0f}", f"{rating.low:.0f} … {rating.high:.0f}"
            table.add_row(f"{place}", escape(player), f"{_mean(self.pairings, player):.1%}", elo, reach)
            scores = ("–" if other == player else f"{self.score(player, other):.0%}" for other in self.players)
            cross.add_row(f"{place}", *scores)
        yield table
        yield cross
        for note in (*self.notes, *(self.ratings.notes if self.ratings else ())):
            yield escape(note)


def round_robin(config: str, players: Sequence[Participant], games: int, runner: MatchRunner) -> TournamentReport:
    """Let every two of the players play so many games, in all seatings; the report is stored, and all are rated anew.

    Each tournament of a config has other openings than the last; one that was interrupted goes on. Raises
    `Interrupted`, and `BadMatch` for fewer than two different players.
    """
    names = [player.name for player in players]
    if len(set(names)) < max(len(names), 2):
        raise BadMatch(f"a tournament needs two players or more, each once, not {', '.join(names)}")
    parse_config(config)
    number = count_evaluations(runner.database, config, TOURNAMENT)
    pairs = list(combinations(players, 2))
    plans = [runner.plan(config, pair, games=games, kind="tournament", part=f"{TOURNAMENT} {number}") for pair in pairs]
    for player in players:  # what is wrong with one of them is said before anybody plays
        runner.agents(plans[0], (player,))
    pairings = []
    for pair, plan in zip(pairs, plans, strict=True):
        pairings.append(_pairing(pair, runner.play("tournament", plan, runner.agents(plan, pair))))
    notes = [
        f"only {one.distinct} of {one.games} games of {one.first} and {one.second} are different"
        for one in pairings
        if one.distinct < one.games
    ]
    ratings = None
    try:
        ratings = update_ratings(runner.database, config)
    except NoRating as error:
        notes.append(f"no Elo: {error}")
    order = sorted(names, key=lambda name: -_mean(pairings, name))
    report = TournamentReport(config, number, tuple(order), tuple(pairings), ratings, tuple(notes))
    store_evaluation(runner.database, TOURNAMENT, config, report.to_json())
    return report


def _pairing(pair: Sequence[Participant], games: Sequence[GameResult]) -> Pairing:
    first, second = (player.name for player in pair)
    score = mean_score(games, first)
    different = len(distinct(games))
    return Pairing(first, second, len(games), different, score, *interval(games, first))


def _mean(pairings: Sequence[Pairing], player: str) -> float:
    """What a player has scored in the mean of its opponents."""
    own = [one for one in pairings if player in (one.first, one.second)]
    return sum(one.score if one.first == player else 1 - one.score for one in own) / len(own)
