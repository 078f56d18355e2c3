"""The report of a match: wins with their intervals, and which player is the stronger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np

from ringrift.evaluation.matches import MatchPlan, PlayedGame, Timed
from ringrift.game import parse_config
from ringrift.statistics import CONFIDENCE, sign_test, wilson_interval

LETTERS = "ABCD"
"""The letters of the players of a match, in order; two of them may have the same spec."""
STOPPED = "stopped"
MANY = 0.1
"""The share of stopped games from which on the report warns."""
DISTINCT = 0.95
"""The share of different games below which it does: a few repeated ones change no interval visibly."""


@dataclass(frozen=True)
class SeatResult:
    """The result of a player in one seat."""

    seat: int
    games: int
    won: int
    points: float
    """The mean of the values of the ranks, 1 for the first … −1 for the last."""


@dataclass(frozen=True)
class PlayerResult:
    """The result of a player."""

    name: str
    spec: str
    games: int
    won: int
    share: float
    """The share of games won; the seat of the winner counts, whatever plays in the others."""
    low: float
    high: float
    """The upper end of the 95 % Wilson interval of the share."""
    points: float
    """The mean value of the ranks over all seats taken: 1 for the first … −1 for the last, 0 in a stopped game."""
    milliseconds: float | None
    """The mean time of a decision in the batch; None without decisions."""
    seats: tuple[SeatResult, ...]


@dataclass(frozen=True)
class Comparison:
    """A comparison of two players by pairs of games.

    A pair is two games of the same opening in which the two have exchanged their seats, and others have kept theirs.
    The sign test over the pairs in which one of them got more points than the other gives the probability of this many
    for one side if the two are equally strong.
    """

    first: str
    second: str
    better: int
    """The pairs in which the first got more points than the second."""
    worse: int
    even: int
    p_stronger: float
    """The p-value of the one-sided test: low if the first is stronger."""
    p_different: float
    """The p-value of the two-sided test: low if either is stronger."""

    def __str__(self) -> str:
        if self.p_different < 1 - CONFIDENCE:
            stronger, weaker = (self.first, self.second) if self.better > self.worse else (self.second, self.first)
            conclusion = f"{stronger} is stronger than {weaker}"
        else:
            conclusion = f"{self.first} and {self.second}: no telling who is stronger"
        return (
            f"{conclusion}, p = {self.p_different:.2g} (two-sided sign test over pairs of games with exchanged seats: "
            f"{self.first} better in {self.better}, {self.second} in {self.worse}, even in {self.even})"
        )


@dataclass(frozen=True)
class MatchReport:
    """The result of a match, as far as it was played."""

    plan: MatchPlan
    games: int
    distinct: int
    """The number of games that differ in some action."""
    mean_plies: float
    endings: dict[str, int]
    """The games by the reason of their end, the most frequent first; `stopped` at the limit of moves."""
    players: tuple[PlayerResult, ...]
    comparisons: tuple[Comparison, ...]
    """The comparisons of every two players."""

    def to_json(self) -> dict[str, Any]:
        """Return the report in JSON's types."""
        return asdict(self) | {"complete": self.games == self.plan.games, "warnings": self.warnings()}

    def warnings(self) -> list[str]:
        """Return what makes the result weaker than it looks."""
        warnings = []
        if self.games < self.plan.games:
            warnings.append(
                f"only {self.games} of {self.plan.games} games have ended, and long ones end last: the result is not "
                "that of a random part of the match"
            )
        if self.distinct < DISTINCT * self.games:
            warnings.append(
                f"only {self.distinct} of {self.games} games are different: the players leave little to chance, and a "
                "repeated game tells nothing new, so the intervals are too narrow; try more --opening-plies"
            )
        if self.endings.get(STOPPED, 0) > MANY * self.games:
            warnings.append(
                f"{self.endings[STOPPED]} of {self.games} games were stopped after {self.plan.max_moves} moves: they "
                "have no winner, and every player gets 0 points; try a higher --max-moves"
            )
        return warnings

    def lines(self) -> Iterator[str]:
        """Return the lines under the table."""
        yield from map(str, self.comparisons)
        ends = ", ".join(f"{reason.replace('_', ' ')} {count}" for reason, count in self.endings.items())
        yield f"ended by {ends}; {self.mean_plies:.0f} plies a game" if ends else "no game has ended"
        for warning in self.warnings():
            yield f"warning: {warning}"

    def title(self) -> str:
        """The config and the players."""
        plan = self.plan
        orders = len(plan.seatings)
        games = f"{self.games} games" if self.games == plan.games else f"{self.games} of {plan.games} games"
        openings = f"{plan.openings} openings" if plan.openings > 1 else "one opening"
        return (
            f"{plan.config}: {games}, {openings} of {plan.opening_plies} plies × {orders} seat orders, seed {plan.seed}"
        )


def report_match(plan: MatchPlan, games: Iterable[PlayedGame], agents: Sequence[Timed] = ()) -> MatchReport:
    """Report the games that have been played so far; `agents` report the time that they have taken."""
    played = sorted(games, key=lambda game: game.scheduled.number)
    ends = Counter(game.reason or STOPPED for game in played)
    return MatchReport(
        plan=plan,
        games=len(played),
        distinct=len({game.actions.tobytes() for game in played}),
        mean_plies=_mean([game.plies for game in played]),
        endings=dict(ends.most_common()),
        players=tuple(_player(plan, agent, played, agents) for agent in range(len(plan.players))),
        comparisons=tuple(_comparisons(plan, played)),
    )


def _player(plan: MatchPlan, agent: int, games: Sequence[PlayedGame], agents: Sequence[Timed]) -> PlayerResult:
    won = sum(_has_won(game, agent) for game in games)
    low, high = wilson_interval(won, len(games))
    decisions = agents[agent].decisions if agents else 0
    return PlayerResult(
        name=LETTERS[agent],
        spec=plan.players[agent],
        games=len(games),
        won=won,
        share=won / len(games) if games else 0.0,
        low=low,
        high=high,
        points=_mean([value for game in games for value in _values(game, agent)]),
        milliseconds=1000 * agents[agent].seconds / decisions if decisions else None,
        seats=tuple(_seat(agent, seat, games) for seat in range(1, parse_config(plan.config)[1] + 1)),
    )


def _seat(agent: int, seat: int, games: Sequence[PlayedGame]) -> SeatResult:
    taken = [game for game in games if game.scheduled.seating[seat - 1] == agent]
    return SeatResult(
        seat=seat,
        games=len(taken),
        won=sum(game.winner == seat for game in taken),
        points=_mean([game.outcome_values[seat - 1] for game in taken]),
    )


def _comparisons(plan: MatchPlan, games: Sequence[PlayedGame]) -> Iterator[Comparison]:
    """Compare every two players over the pairs of games of which both have ended."""
    by_place = {(game.scheduled.opening, game.scheduled.seating): game for game in games}
    for first, second in combinations(range(len(plan.players)), 2):
        exchanged = {first: second, second: first}
        margins = []
        for (opening, seating), game in by_place.items():
            other = tuple(exchanged.get(agent, agent) for agent in seating)
            if seating < other and (opening, other) in by_place:
                margins.append(_margin(game, first, second) + _margin(by_place[opening, other], first, second))
        signs = np.sign(np.round(margins, 6)).tolist()  # thirds do not add up exactly
        better, worse = signs.count(1), signs.count(-1)
        yield Comparison(
            first=LETTERS[first],
            second=LETTERS[second],
            better=better,
            worse=worse,
            even=signs.count(0),
            p_stronger=sign_test(better, worse, "greater"),
            p_different=sign_test(better, worse, "two-sided"),
        )


def _margin(game: PlayedGame, first: int, second: int) -> float:
    """Return how many more points a seat of the first has got than a seat of the second."""
    return _mean(_values(game, first)) - _mean(_values(game, second))


def _has_won(game: PlayedGame, agent: int) -> bool:
    return game.winner is not None and game.scheduled.seating[game.winner - 1] == agent


def _values(game: PlayedGame, agent: int) -> list[float]:
    """Return the values of the seats that the agent had."""
    return [value for value, seated in zip(game.outcome_values, game.scheduled.seating, strict=True) if seated == agent]


def _mean(numbers: Sequence[float]) -> float:
    return float(np.mean(numbers)) if numbers else 0.0
