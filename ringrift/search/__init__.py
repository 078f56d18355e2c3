"""Searches over many games in lockstep: compiled trees, one evaluator call per simulation for all games.

`GumbelSearch` and `PuctSearch` choose actions and say what a network should learn; an `Evaluator` gives them priors and
values.
"""

from __future__ import annotations

from ringrift.search.budget import PlayoutCap
from ringrift.search.cache import CachedEvaluator
from ringrift.search.evaluators import Evaluator, NetworkEvaluator, UniformEvaluator
from ringrift.search.found import Found
from ringrift.search.gumbel import BUDGETS, GumbelSearch
from ringrift.search.puct import PuctSearch

__all__ = [
    "BUDGETS",
    "CachedEvaluator",
    "Evaluator",
    "Found",
    "GumbelSearch",
    "NetworkEvaluator",
    "PlayoutCap",
    "PuctSearch",
    "UniformEvaluator",
]
