"""The common base of evaluators that look one action ahead, whatever they score positions with."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final

import numpy as np

from ringrift.game.boards import Board
from ringrift.game.types import States
from ringrift.kernels.threads import share_out
from ringrift.kernels.types import F32, I32, I64

SHARPNESS: Final = 4.0
"""The factor that turns scores into logits."""
ACTIONS_PER_THREAD: Final = 128
"""Starting a thread takes about as long as scoring this many actions on a small board."""


class OnePlyEvaluator(ABC):
    """An evaluator whose logits are the scores of what each action leads to, times `SHARPNESS`."""

    def __init__(self, board: Board, players: int, *, threads: int | None = None) -> None:
        """Make an evaluator that uses `threads` threads, by default one a core."""
        self.board = board
        self.players = players
        self.threads = threads

    @abstractmethod
    def score(
        self, states: States, offsets: I64, actions: I32, first: int, last: int, logits: F32, values: F32
    ) -> None:
        """Write logits and values, as of `__call__`, of the positions `first` … `last`−1; several threads do so."""

    def __call__(self, states: States, offsets: I64, actions: I32) -> tuple[F32, F32]:
        """Evaluate positions `[batch]` that are not over.

        `actions` `[L]` are their legal actions, those of position i at `offsets[i]` … `offsets[i + 1]`−1. Returns
        logits `[L]` and values `[batch, players]` by seat, −1 … 1. The number of threads changes nothing.
        """
        states = np.ascontiguousarray(states)  # one layout, so that the kernels are compiled once
        logits = np.empty(len(actions), np.float32)
        values = np.empty((len(states), self.players), np.float32)

        def run(first: int, last: int) -> None:
            self.score(states, offsets, actions, first, last, logits, values)

        grain = max(1, ACTIONS_PER_THREAD * len(states) // max(1, len(actions)))
        share_out(len(states), run, threads=self.threads, grain=grain)
        return logits, values
