"""The champions that come with the package: a loop begins with one where nothing has been learned yet."""

from __future__ import annotations

from ringrift.agents import shipped_model
from ringrift.models.errors import LostRace
from ringrift.models.promotion import change_champion
from ringrift.models.store import ModelStore, StoredModel


def begin_with_shipped(store: ModelStore, config: str) -> StoredModel | None:
    """Make the package's champion that of a config without any model; None where there is none, or something to lose.

    It is registered like any other: training goes on from it, and what comes next has to beat it.
    """
    path = shipped_model(config)
    if path is None or store.listed(config):
        return None
    model = store.register(path)
    why = "came with the package"
    try:
        change_champion(store, model, expected=None, kind="shipped", forced=False, why=why, verdict=None)
    except LostRace:  # another process has begun the loop at the same moment
        return None
    return model
