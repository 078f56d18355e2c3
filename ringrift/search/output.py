"""The output of every search, and of the players that do not search."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class SearchOutput(NamedTuple):
    """The result of a search of positions `[games]`; ragged arrays `[L]` are split by `policy_offsets`."""

    chosen_actions: npt.NDArray[np.int32]
    """`[games]`, the action to play."""
    root_values: npt.NDArray[np.float32]
    """`[games, players]`, what the position is worth, by seat, −1 … 1."""
    policy_offsets: npt.NDArray[np.int64]
    """`[games + 1]`, where the actions of each position begin."""
    policy_actions: npt.NDArray[np.int32]
    """`[L]`, legal actions, those of a position in any order."""
    policy_probs: npt.NDArray[np.float32]
    """`[L]`, what a network should learn."""
    visits: npt.NDArray[np.int32]
    """`[L]`, simulations through each action; 0 where nothing was searched."""
    has_policy: npt.NDArray[np.bool_]
    """`[games]`, whether the policy is worth learning: not after a search that was cut short (`PlayoutCap`)."""
    surprise: npt.NDArray[np.float32]
    """`[games]`, how far the search has moved away from the prior: the divergence KL(policy ‖ prior) in nats, from the
    prior before noise; NaN where there was none."""


def ragged_offsets(counts: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """Return where each of the ragged rows begins, and where the last one ends."""
    offsets = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets


def empty_output(
    policy_offsets: npt.NDArray[np.int64],
    policy_actions: npt.NDArray[np.int32],
    players: int,
    *,
    has_policy: npt.NDArray[np.bool_] | None = None,
) -> SearchOutput:
    """Return an output with these legal actions, to be filled; nothing has been visited."""
    games = len(policy_offsets) - 1
    return SearchOutput(
        chosen_actions=np.full(games, -1, np.int32),
        root_values=np.zeros((games, players), np.float32),
        policy_offsets=policy_offsets,
        policy_actions=policy_actions,
        policy_probs=np.empty(len(policy_actions), np.float32),
        visits=np.zeros(len(policy_actions), np.int32),
        has_policy=np.ones(games, np.bool_) if has_policy is None else has_policy,
        surprise=np.full(games, np.nan, np.float32),
    )
