"""Value targets over several horizons: λ-returns of the searches' values, which end in the outcome of the game.

The value of a decision is (1 − λ) × that of its own search + λ × the λ-return of the next decision of the game, and
after the last decision the outcome: the forward view of TD(λ) without a discount (Sutton and Barto 2018, section 12.1).
With λ = 0 it is the value of the own search, with λ = 1 the outcome alone. Values are by seat, so that it does not
matter who takes the next decision.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ringrift.datasets.samples import NONE, ReplayedGames, ShardRows
from ringrift.encoding import outcome_values
from ringrift.kernels.compiled import compiled
from ringrift.selfplay.record import VALUE_UNIT


def write_td_returns(td_lambda: float, replayed: ReplayedGames, chosen: npt.NDArray[np.int64], rows: ShardRows) -> None:
    """Replace the values of the searches of samples that `write_samples` has written; with λ = 0 they are left."""
    if td_lambda > 0:
        returns = np.empty(rows.root_values.shape[1], np.float32)
        _write(td_lambda, replayed.games, replayed.last, chosen, returns, rows.root_values)


@compiled
def _write(td_lambda: float, games: Any, last: Any, chosen: Any, returns: Any, root_values: Any) -> None:
    """Go through the decisions of every game from the end on; `returns` `[P]`, by seat, is room for those of one."""
    players = len(returns)
    row = len(root_values)
    for game in chosen[::-1]:
        outcome_values(last[game], returns)
        for action in range(games.action_bounds[game + 1] - 1, games.action_bounds[game] - 1, -1):
            search = games.search[action]
            is_sample = games.legal[action] > 0
            row -= is_sample
            if search == NONE:
                continue
            for seat in range(players):
                own = games.root_values[search, seat] / VALUE_UNIT
                returns[seat] = own + td_lambda * (returns[seat] - own)
                if is_sample:
                    place = (seat + 1 - games.seats[action]) % players
                    root_values[row, place] = np.int16(np.round(returns[seat] * VALUE_UNIT))
