"""Sample weights: how often a sample is drawn, uniformly, or by properties of its game or of itself.

| kind | weight of a sample |
| --- | --- |
| `uniform` | 1 |
| `victory` | the games of every kind of victory weigh the same together |
| `quality` | the quality of its game (`quality.py`) |
| `surprise` | half 1, half its surprise over the mean one of its game: KataGo's policy surprise weighting |
| `priority` | the error of the search's value, \\|root value − outcome\\| ^ exponent: prioritised replay |

Policy surprise weighting: D. J. Wu, KataGo, docs/KataGoMethods.md. Surprise is KL(policy ‖ prior) of a full search;
samples without one, or without a known surprise, count as the mean. Prioritised replay: Schaul et al. 2016,
arXiv:1511.05952, the proportional variant; its correction by importance is left out, for the shift is what is wanted.
A position without a search counts as one that was thought to be worth 0.

All but `victory` depend on the game alone, so that the weights of a game stay as they are when others come in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ringrift.datasets.samples import NONE, ReplayedGames, ShardRows
from ringrift.datasets.settings import WeightSettings
from ringrift.kernels.compiled import compiled
from ringrift.selfplay.record import VALUE_UNIT

LEAST_ERROR: Final = 0.01
"""The number added to the error of a value, so that no sample is lost: Schaul's ε."""


def kind_weights(kinds: Mapping[str, int], settings: WeightSettings) -> dict[str, float]:
    """Return the weight of the games of every kind of victory, from their numbers: 1 on average, but for the limit."""
    if settings.kind != "victory":
        return dict.fromkeys(kinds, 1.0)
    share = sum(kinds.values()) / len(kinds)
    return {kind: min(share / count, settings.largest_weight) for kind, count in kinds.items()}


def write_sample_weights(
    settings: WeightSettings,
    by_game: npt.NDArray[np.floating[Any]],
    replayed: ReplayedGames,
    chosen: npt.NDArray[np.int64],
    rows: ShardRows,
) -> None:
    """Write the weights of samples that `write_samples` has written.

    `by_game` `[G]` are the weights of all games by kind of victory, or by quality.
    """
    if settings.kind == "surprise":
        weigh_by_surprise(replayed.games, chosen, settings.surprise_share, rows.sample_weights)
    elif settings.kind == "priority":
        weigh_by_error(rows.outcome_values, rows.root_values, settings.exponent, rows.sample_weights)
    else:
        rows.sample_weights[:] = np.repeat(by_game[chosen], replayed.counts["samples"][chosen])
    np.minimum(rows.sample_weights, np.float32(settings.largest_weight), out=rows.sample_weights)


@compiled
def weigh_by_surprise(games: Any, chosen: Any, share: float, weights: Any) -> None:
    """Give a share of the weight of every game to its full searches in proportion to their surprise."""
    row = 0
    for game in chosen:
        first, end = games.action_bounds[game], games.action_bounds[game + 1]
        total = 0.0
        known = 0
        for action in range(first, end):
            surprise = _surprise_of(games, action)
            if surprise >= 0:
                total += surprise
                known += 1
        for action in range(first, end):
            if games.legal[action] > 0:
                surprise = _surprise_of(games, action)
                weights[row] = 1.0
                if surprise >= 0 and total > 0:
                    weights[row] = 1 - share + share * surprise * known / total
                row += 1


@compiled
def _surprise_of(games: Any, action: int) -> float:
    """The surprise of a sample with a policy to learn; −1 for all else."""
    search = games.search[action]
    if games.legal[action] == 0 or search == NONE or not games.has_policy[search]:
        return -1.0
    surprise = float(games.surprise[search])
    return surprise if surprise >= 0 else -1.0  # NaN: not known


@compiled
def weigh_by_error(outcome_values: Any, root_values: Any, exponent: float, weights: Any) -> None:
    """Weigh samples by the error of the search about the player to act, the first in both arrays `[N, P]`."""
    for row in range(len(weights)):
        weights[row] = (abs(root_values[row, 0] / VALUE_UNIT - outcome_values[row, 0]) + LEAST_ERROR) ** exponent
