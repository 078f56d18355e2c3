"""What a player has found out about positions: the answer of every search, and of players that do not search."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class Found(NamedTuple):
    """What has been found for `[games]` positions; ragged arrays `[L]` are split by `offsets` `[games + 1]`."""

    chosen: npt.NDArray[np.int32]
    """`[games]`, the action to play."""
    values: npt.NDArray[np.float32]
    """`[games, players]`, what the position is worth, by seat, −1 … 1."""
    offsets: npt.NDArray[np.int64]
    actions: npt.NDArray[np.int32]
    """`[L]`, legal actions, those of a position in any order."""
    policy: npt.NDArray[np.float32]
    """`[L]`, what a network should learn."""
    visits: npt.NDArray[np.int32]
    """`[L]`, simulations through each action; 0 where nothing was searched."""
    full: npt.NDArray[np.bool_]
    """`[games]`, whether the policy is worth learning: not after a search that was cut short (`PlayoutCap`)."""
    surprise: npt.NDArray[np.float32]
    """`[games]`, how much the search has changed its mind: the divergence KL(policy ‖ prior) in nats, from the prior
    before noise; NaN where there was none."""


def ragged_offsets(counts: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """Where each of the ragged rows begins, and where the last one ends."""
    offsets = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets


def empty_found(
    offsets: npt.NDArray[np.int64],
    actions: npt.NDArray[np.int32],
    players: int,
    *,
    full: npt.NDArray[np.bool_] | None = None,
) -> Found:
    """A `Found` with these legal actions, to be filled; nothing has been visited."""
    games = len(offsets) - 1
    return Found(
        chosen=np.full(games, -1, np.int32),
        values=np.zeros((games, players), np.float32),
        offsets=offsets,
        actions=actions,
        policy=np.empty(len(actions), np.float32),
        visits=np.zeros(len(actions), np.int32),
        full=np.ones(games, np.bool_) if full is None else full,
        surprise=np.full(games, np.nan, np.float32),
    )
