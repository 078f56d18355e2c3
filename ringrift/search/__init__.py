"""Searches over many games in lockstep: compiled trees, one evaluator call per simulation for all games.

`GumbelSearch` chooses actions and says what a network should learn. An `Evaluator` gives priors and values.
"""

from __future__ import annotations

from ringrift.search.evaluators import Evaluator, NetworkEvaluator, UniformEvaluator
from ringrift.search.gumbel import BUDGETS, Found, GumbelSearch

__all__ = ["BUDGETS", "Evaluator", "Found", "GumbelSearch", "NetworkEvaluator", "UniformEvaluator"]
