"""The heuristic: an evaluation of positions by named features with one weight for each.

Kernels call `evaluate` with a scratch record per thread. Features are listed in docs/heuristic.md; weights stand in
`heuristic/<config>.yaml`.
"""

from __future__ import annotations

from ringrift.heuristic.evaluation import evaluate, score
from ringrift.heuristic.features import FEATURE_COUNT, new_scratch, write_features
from ringrift.heuristic.layout import FEATURE_NAMES, FEATURES, Feature
from ringrift.heuristic.one_ply import HeuristicEvaluator
from ringrift.heuristic.weights import (
    FROZEN,
    Weights,
    frozen_weights,
    load_weights,
    named_weights,
    read_weights,
    save_weights,
    weights_id,
    write_weights,
)

__all__ = [
    "FEATURES",
    "FEATURE_COUNT",
    "FEATURE_NAMES",
    "FROZEN",
    "Feature",
    "HeuristicEvaluator",
    "Weights",
    "evaluate",
    "frozen_weights",
    "load_weights",
    "named_weights",
    "new_scratch",
    "read_weights",
    "save_weights",
    "score",
    "weights_id",
    "write_features",
    "write_weights",
]
