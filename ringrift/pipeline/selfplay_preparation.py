"""Preparation of self-play: the champion, the models of a league and the hard positions are put in place."""

from __future__ import annotations

from pathlib import Path

from ringrift.datasets.settings import DatasetSettings
from ringrift.models import ModelStore, mend_champion
from ringrift.models.former import place_league_models
from ringrift.models.shipped import begin_with_shipped
from ringrift.pipeline.readiness import training_progress
from ringrift.run_context import RunContext
from ringrift.selfplay.hard_positions import FOLDER
from ringrift.selfplay.settings import SelfPlaySettings
from ringrift.training.hard_positions import refresh_positions


def prepare_selfplay(
    store: ModelStore,
    config: str,
    settings: SelfPlaySettings,
    context: RunContext[DatasetSettings],
    *,
    players: str,
    from_zero: bool,
    again: bool = False,
    positions: Path = FOLDER,
) -> float:
    """Put in place what the games of a config begin with, and return the progress of its training, 0 … 1.

    :param players: who plays; empty for those of the settings.
    :param from_zero: leaves the champion of the package aside.
    :param again: keeps the hard positions that are there, as these games have begun with them already.
    :param positions: the folder of hard positions.
    """
    if not from_zero:
        begin_with_shipped(store, config)
    mend_champion(store, config)
    place_league_models(store, config, players or settings.players.every_trained)
    if settings.opening.hard and not again:
        refresh_positions(store.database, config, context, positions)
    return training_progress(store, config, settings.temperature.trainings)
