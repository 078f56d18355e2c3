"""Searches over many games: every `run(states, games)` returns a `SearchOutput`.

`GumbelSearch`, `PuctSearch` and `DescentSearch` grow trees in lockstep and ask an `Evaluator`, one call per simulation
for all games. `MinimaxSearch`, `MaxnSearch`, `ParanoidSearch` and `BestReplySearch` go deeper and deeper into each
position within `SearchLimits`, and evaluate with the heuristic inside the compiled search.
"""

from __future__ import annotations

from ringrift.search.alpha_beta import BestReplySearch, MinimaxSearch, ParanoidSearch
from ringrift.search.cache import CachedEvaluator
from ringrift.search.descent import DescentSearch
from ringrift.search.evaluators import Evaluator, NetworkEvaluator, UniformEvaluator
from ringrift.search.gumbel import BUDGETS, GumbelSearch
from ringrift.search.iterative_deepening import SearchLimits
from ringrift.search.maxn import MaxnSearch
from ringrift.search.output import SearchOutput
from ringrift.search.playout_cap import PlayoutCap
from ringrift.search.puct import PuctSearch
from ringrift.search.search import Search

__all__ = [
    "BUDGETS",
    "BestReplySearch",
    "CachedEvaluator",
    "DescentSearch",
    "Evaluator",
    "GumbelSearch",
    "MaxnSearch",
    "MinimaxSearch",
    "NetworkEvaluator",
    "ParanoidSearch",
    "PlayoutCap",
    "PuctSearch",
    "Search",
    "SearchLimits",
    "SearchOutput",
    "UniformEvaluator",
]
