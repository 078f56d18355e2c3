"""The model store: the models, the gate that they pass, and the champion of every config.

>>> with GamesDatabase(create=True) as database:
...     store = ModelStore(database, Path("models"))
...     model = store.register(path)
...     results = stored_results(database, model.config, model.id, "gumbel@32")
...     report = promote(store, model, results, RunContext(model_settings().gate))
"""

from __future__ import annotations

from ringrift.models.champion import look_at_champion, mend_champion
from ringrift.models.errors import AbsentModel, BadChampion, LostRace, UnknownModel
from ringrift.models.gate import Check, GateReport, run_gate
from ringrift.models.history import Promotion, history, last_change, predecessors
from ringrift.models.lineage import Lineage, NnueLineage, lineage, nnue_lineage
from ringrift.models.nnue_store import NnueStore, RegisteredNnue
from ringrift.models.promotion import PromotionReport, change_champion, check, promote, rollback
from ringrift.models.pruning import PruneReport, prune
from ringrift.models.results import Gain, Results, Score, stored_evaluations, stored_results
from ringrift.models.settings import ModelSettings, model_settings
from ringrift.models.store import STATUSES, ModelStore, StoredModel
from ringrift.models.verification import VerifyReport, verify

__all__ = [
    "STATUSES",
    "AbsentModel",
    "BadChampion",
    "Check",
    "Gain",
    "GateReport",
    "Lineage",
    "LostRace",
    "ModelSettings",
    "ModelStore",
    "NnueLineage",
    "NnueStore",
    "Promotion",
    "PromotionReport",
    "PruneReport",
    "RegisteredNnue",
    "Results",
    "Score",
    "StoredModel",
    "UnknownModel",
    "VerifyReport",
    "change_champion",
    "check",
    "history",
    "last_change",
    "lineage",
    "look_at_champion",
    "mend_champion",
    "model_settings",
    "nnue_lineage",
    "predecessors",
    "promote",
    "prune",
    "rollback",
    "run_gate",
    "stored_evaluations",
    "stored_results",
    "verify",
]
