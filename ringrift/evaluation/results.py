"""The result of a game of an evaluation, and what it says about its players."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ringrift.statistics import CONFIDENCE, effective_games, wilson_bounds


@dataclass(frozen=True)
class GameResult:
    """The result of a game."""

    players: tuple[str, ...]
    """`[players]`, by seat their names; one of them may have several seats."""
    ranks: tuple[int, ...] | None
    """`[players]`, by seat, from 1; None for a game that was stopped, in which all are level."""
    block: str
    """The block of the game: its games began with the same opening, in different seatings, and are correlated."""
    actions_hash: int
    """A hash that distinguishes different games from repeated ones."""

    def comparisons(self) -> Iterator[tuple[str, str, float]]:
        """Return for every two seats of different players the players, and what the first scored against the second.

        1 for the better rank, ½ if they are level, 0 for the worse one.
        """
        for first, second in combinations(range(len(self.players)), 2):
            if self.players[first] != self.players[second]:
                score = 0.5
                if self.ranks is not None and self.ranks[first] != self.ranks[second]:
                    score = float(self.ranks[first] < self.ranks[second])
                yield self.players[first], self.players[second], score

    def score(self, player: str) -> float:
        """Return the mean of what the seats of a player scored against those of others, 0 … 1; ½ among equals.

        With two players that is 1 for a win, ½ for a stopped game, 0 for a defeat.
        """
        scores = [
            score if first == player else 1 - score
            for first, second, score in self.comparisons()
            if player in (first, second)
        ]
        return sum(scores) / len(scores)

    def winner(self) -> str | None:
        """The winner; None if the game was stopped."""
        return None if self.ranks is None else self.players[self.ranks.index(1)]


def distinct(games: Iterable[GameResult]) -> list[GameResult]:
    """Return every game once: the same players in the same seats with the same moves add no information."""
    return list({(game.players, game.actions_hash): game for game in games}.values())


def block_scores(games: Iterable[GameResult], player: str) -> list[float]:
    """Return what a player has scored in the mean of every block, in the order in which blocks were played."""
    blocks: dict[str, list[float]] = defaultdict(list)
    for game in games:
        blocks[game.block].append(game.score(player))
    return [sum(scores) / len(scores) for scores in blocks.values()]


def interval(games: Sequence[GameResult], player: str) -> tuple[float, float]:
    """Return the 95 % Wilson interval of a player's mean score; from 0 to 1 without games.

    Blocks are what is counted, and a repeated game adds no information.
    """
    if not games:
        return 0.0, 1.0
    blocks = np.array(block_scores(games, player))
    low, high = wilson_bounds(blocks.mean(), effective_games(blocks, len(distinct(games))), 1 - CONFIDENCE)
    return float(low), float(high)
