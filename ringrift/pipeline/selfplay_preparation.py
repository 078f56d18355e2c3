"""Preparation of self-play: the champion and the models of a league are put in place."""

from __future__ import annotations

from ringrift.models import ModelStore, mend_champion
from ringrift.models.former import place_league_models
from ringrift.models.shipped import begin_with_shipped
from ringrift.pipeline.readiness import training_progress
from ringrift.selfplay.settings import SelfPlaySettings


def prepare_selfplay(
    store: ModelStore,
    config: str,
    settings: SelfPlaySettings,
    *,
    players: str,
    from_zero: bool,
) -> float:
    """Put the models in place that play the games of a config, and return the progress of its training, 0 … 1.

    `BadChampion` if the champion's files are not what they were.

    :param players: who plays; empty for those of the settings.
    :param from_zero: leaves the champion of the package aside.
    """
    if not from_zero:
        begin_with_shipped(store, config)
    mend_champion(store, config)
    place_league_models(store, config, players or settings.players.every_trained)
    return training_progress(store, config, settings.temperature.trainings)
