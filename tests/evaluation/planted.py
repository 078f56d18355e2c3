"""Results of games between players of known strength."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, count

import numpy as np

from ringrift.evaluation.elo import ELO
from ringrift.evaluation.results import GameResult
from ringrift.evaluation.schedule import seatings

_different = count()


def result(players: tuple[str, ...], ranks: tuple[int, ...] | None, block: str = "block") -> GameResult:
    """A game unlike any other."""
    return GameResult(players, ranks, block, next(_different))


def won(first: str, second: str, games: int, of: int) -> list[GameResult]:
    """The first has won so many games of so many against the second, each a block of its own."""
    return [
        result((first, second), (1, 2) if game < games else (2, 1), f"{first} {second} {game}") for game in range(of)
    ]


def planted_games(
    elo: Mapping[str, float],
    players: int,
    openings: int,
    draw: np.random.Generator,
    *,
    alike: float,
    seats: Sequence[float] = (0.0, 0.0, 0.0, 0.0),
) -> list[GameResult]:
    """Every two of the players from so many openings in all seatings; ranks follow Plackett and Luce.

    That share of the openings decides by itself: all games of one are drawn with the same chances, and so correlated,
    while each alone is what it would be. `seats` are worth so many Elo to whoever sits there.
    """
    games = []
    for pair in combinations(elo, 2):
        for opening in range(openings):
            shared = draw.random() < alike
            of_opening = {name: draw.gumbel(size=players) for name in pair}
            for seating in seatings(2, players):
                names = tuple(pair[agent] for agent in seating)
                luck = draw.gumbel(size=players)
                if shared:
                    luck = np.array([of_opening[name][names[:seat].count(name)] for seat, name in enumerate(names)])
                strengths = np.array([elo[name] + seats[seat] for seat, name in enumerate(names)]) / ELO + luck
                ranks = tuple((1 + (-strengths).argsort().argsort()).tolist())
                games.append(result(names, ranks, f"{pair} {opening}"))
    return games
