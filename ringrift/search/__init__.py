"""Searches over many games: every `run(states, games)` answers with what it has `Found`.

`GumbelSearch`, `PuctSearch` and `DescentSearch` grow trees in lockstep and ask an `Evaluator`, one call per simulation
for all games. `MinimaxSearch`, `MaxnSearch`, `ParanoidSearch` and `BestReplySearch` go deeper and deeper into each
position within `Limits`, and evaluate with the heuristic inside the compiled search.
"""

from __future__ import annotations

from ringrift.search.budget import PlayoutCap
from ringrift.search.cache import CachedEvaluator
from ringrift.search.deepening import Limits
from ringrift.search.descent import DescentSearch
from ringrift.search.evaluators import Evaluator, NetworkEvaluator, UniformEvaluator
from ringrift.search.found import Found
from ringrift.search.gumbel import BUDGETS, GumbelSearch
from ringrift.search.minimax import MinimaxSearch
from ringrift.search.multiplayer import BestReplySearch, MaxnSearch, ParanoidSearch
from ringrift.search.puct import PuctSearch

__all__ = [
    "BUDGETS",
    "BestReplySearch",
    "CachedEvaluator",
    "DescentSearch",
    "Evaluator",
    "Found",
    "GumbelSearch",
    "Limits",
    "MaxnSearch",
    "MinimaxSearch",
    "NetworkEvaluator",
    "ParanoidSearch",
    "PlayoutCap",
    "PuctSearch",
    "UniformEvaluator",
]
