"""Small integer networks inside compiled searches (NNUE): sums of the first layer follow the search, action by action.

`layout.py` lists inputs and sizes, `evaluation.py` is what searches call, `file.py` keeps networks. What needs the
kernels is imported when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringrift.deferred import deferred
from ringrift.nnue.file import (
    SUFFIX,
    BadNnue,
    StoredNetwork,
    find_network,
    promoted_network,
    read_network,
    read_nnue_id,
    shipped_network,
    write_network,
)
from ringrift.nnue.layout import Accumulators, Network, feature_count, new_accumulators, new_network

if TYPE_CHECKING:
    from ringrift.nnue.evaluation import evaluate_made, forget, refresh, score_from_scratch, update
    from ringrift.nnue.one_ply import NnueEvaluator
else:
    __getattr__ = deferred(
        __name__,
        {
            "evaluation": ("evaluate_made", "forget", "refresh", "score_from_scratch", "update"),
            "one_ply": ("NnueEvaluator",),
        },
    )

__all__ = [
    "SUFFIX",
    "Accumulators",
    "BadNnue",
    "Network",
    "NnueEvaluator",
    "StoredNetwork",
    "evaluate_made",
    "feature_count",
    "find_network",
    "forget",
    "new_accumulators",
    "new_network",
    "promoted_network",
    "read_network",
    "read_nnue_id",
    "refresh",
    "score_from_scratch",
    "shipped_network",
    "update",
    "write_network",
]
