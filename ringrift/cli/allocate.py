"""`ringrift allocate`: how many games of self-play each config gets."""

from __future__ import annotations

from ringrift.cli.loop import PresetOption
from ringrift.cli.models import open_store
from ringrift.cli.options import MODELS, DatabaseOption, JsonOption, ModelsOption
from ringrift.cli.reports import show_report


def allocate(
    preset: PresetOption = None,
    database: DatabaseOption = None,
    models: ModelsOption = MODELS,
    as_json: JsonOption = False,
) -> None:
    """Decide the weights of all configs of a preset anew, and write them into the table that self-play reads.

    A weight follows from what the Elo gains, the games that wait, the cost of
    a game and the size of the pool (allocation.yaml). Airflow does it every
    hour; `ringrift status` shows the weights and their reasons.

    Example: ringrift allocate --preset cluster
    """
    from ringrift.evaluation.settings import evaluation_settings
    from ringrift.pipeline.allocation import allocate as run
    from ringrift.pipeline.allocation_settings import allocation_settings
    from ringrift.pipeline.settings import loop_settings

    chosen = loop_settings().preset_named(preset)
    settings, evaluation = allocation_settings(), evaluation_settings()
    with open_store(database, models, create=True) as store:
        show_report(run(store, chosen, settings, evaluation), as_json)
