"""Searches over many games: every `run(states, games)` answers with what it has `SearchOutput`.

`GumbelSearch`, `PuctSearch` and `DescentSearch` grow trees in lockstep and ask an `Evaluator`, one call per simulation
for all games. `MinimaxSearch`, `MaxnSearch`, `ParanoidSearch` and `BestReplySearch` go deeper and deeper into each
position within `Limits`, and evaluate with the heuristic inside the compiled search.
"""

from __future__ import annotations

from ringrift.search.alpha_beta import MinimaxSearch
from ringrift.search.cache import CachedEvaluator
from ringrift.search.descent import DescentSearch
from ringrift.search.evaluators import Evaluator, NetworkEvaluator, UniformEvaluator
from ringrift.search.gumbel import BUDGETS, GumbelSearch
from ringrift.search.iterative_deepening import Limits
from ringrift.search.maxn import BestReplySearch, MaxnSearch, ParanoidSearch
from ringrift.search.output import SearchOutput
from ringrift.search.playout_cap import PlayoutCap
from ringrift.search.puct import PuctSearch

__all__ = [
    "BUDGETS",
    "BestReplySearch",
    "CachedEvaluator",
    "DescentSearch",
    "Evaluator",
    "GumbelSearch",
    "Limits",
    "MaxnSearch",
    "MinimaxSearch",
    "NetworkEvaluator",
    "ParanoidSearch",
    "PlayoutCap",
    "PuctSearch",
    "SearchOutput",
    "UniformEvaluator",
]
