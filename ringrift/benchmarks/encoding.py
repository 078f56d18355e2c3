"""Speed of the encoding, on one core."""

from __future__ import annotations

from functools import partial
from statistics import median

import numpy as np
import numpy.typing as npt

from ringrift.benchmarks.game import timed
from ringrift.encoding import encode_batch, feature_version, new_batch
from ringrift.game import get_board
from ringrift.game.playout import random_playouts
from ringrift.game.state import GAME_OVER

STAGES = 16
"""The number of depths at which random games are stopped to be encoded."""
BATCH = 256


def measure_encoding(board_name: str, version_name: str, *, players: int = 2, repeats: int = 31) -> float:
    """Return the nanoseconds per encoded state: the median over batches from all stages of random games."""
    board, version = get_board(board_name), feature_version(version_name)
    play = partial(random_playouts, board, players, 64, seed=1)
    plies = int(np.median(play().states["ply"]))
    states = np.concatenate([play(max_moves=plies * stage // STAGES).states for stage in range(STAGES)])
    states = states[states["phase"] != GAME_OVER]
    np.random.default_rng(0).shuffle(states)
    features, values = new_batch(version, board, BATCH)
    batches = np.array_split(states, len(states) // BATCH + 1)

    def encode(batch: npt.NDArray[np.void]) -> None:
        encode_batch(batch, version, board, features, values, threads=1)

    encode(batches[0])  # compiled or loaded before the clock starts
    return median(timed(partial(encode, batch)) / len(batch) for batch in batches for _ in range(repeats)) * 1e9
