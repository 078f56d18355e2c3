"""Small integer networks inside compiled searches (NNUE): sums of the first layer follow the search, action by action.

`layout.py` lists inputs and sizes, `evaluation.py` is what searches call.
"""

from __future__ import annotations

from ringrift.nnue.evaluation import evaluate_made, forget, refresh, score_from_scratch, update
from ringrift.nnue.layout import Accumulators, Network, feature_count, new_accumulators, new_network

__all__ = [
    "Accumulators",
    "Network",
    "evaluate_made",
    "feature_count",
    "forget",
    "new_accumulators",
    "new_network",
    "refresh",
    "score_from_scratch",
    "update",
]
