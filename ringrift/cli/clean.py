"""`ringrift clean`: removal of obsolete files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ringrift.cli.context import run_context
from ringrift.cli.hosts import need_asyncssh
from ringrift.cli.models import open_store
from ringrift.cli.options import MODELS, DatabaseOption, JsonOption, ModelsOption
from ringrift.cli.reports import show_report


def clean(
    apply: Annotated[
        bool, typer.Option("--apply/--dry-run", help="Remove it; without, only list what would go.")
    ] = False,
    if_full: Annotated[
        bool, typer.Option("--if-full", help="Only where the disk is as full as resources.yaml warns of.")
    ] = False,
    hosts: Annotated[bool, typer.Option("--hosts/--no-hosts", help="The hosts of hosts.yaml, too.")] = True,
    airflow: Annotated[
        Path | None, typer.Option("--airflow", envvar="AIRFLOW_HOME", help="The home of Airflow, for its logs.")
    ] = None,
    database: DatabaseOption = None,
    models: ModelsOption = MODELS,
    as_json: JsonOption = False,
) -> None:
    """Remove what nothing needs any more, and explain why the rest stays.

    Checkpoints of trainings that have ended, files of games that the
    database holds, data sets of backfills, half-written files, folders of
    trainings without a model, jobs that have ended, games that were played
    for evaluations of others, logs of Airflow, files of old models; on hosts
    jobs, such games, runs whose model is here, and models whose files were
    given up. How old each kind has to be stands in housekeeping.yaml, for
    models in models.yaml. Champions, those before them, games of the database
    and whatever a running job holds stay. Exit code 1 if something here could
    not be removed; a host that does not answer is cleaned another time.

    Example: ringrift clean

    Example: ringrift clean --apply --if-full
    """
    from dataclasses import replace

    from ringrift.fleet.fleet import known_hosts
    from ringrift.fleet.hosts import fleet_settings
    from ringrift.game import configs
    from ringrift.models import model_settings
    from ringrift.pipeline.housekeeping import CleanInputs
    from ringrift.pipeline.housekeeping import clean as run
    from ringrift.pipeline.housekeeping_settings import housekeeping_settings
    from ringrift.pipeline.iteration import LoopInputs
    from ringrift.resources import guard_settings

    guard, settings = guard_settings(), housekeeping_settings()
    fleet = known_hosts(database) if hosts else {}
    with open_store(database, models, create=True) as store:
        board, players = next(iter(configs()))
        loop = LoopInputs(f"{board}_{players}p", store.database, store)
        inputs = CleanInputs.around(loop, airflow, model_settings().prune, guard)
        with run_context(settings) as context:
            report = run(inputs, context, apply=apply, only_full=if_full)
            if fleet:
                need_asyncssh()
                from ringrift.fleet.health import Health
                from ringrift.pipeline.host_housekeeping import clean_hosts

                health = Health(store.database, fleet, fleet_settings().health)
                cleaned = clean_hosts(fleet, store, context, health, guard.disk, apply=apply, only_full=if_full)
                report = replace(report, hosts=cleaned)
    show_report(report, as_json)
    raise typer.Exit(1 if any(kind.trouble for kind in report.kinds) else 0)
