"""The tabs of Airflow's DAGs and tasks that show the page about them."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from ringrift_airflow.host_tasks import stage_of

DAG_PREFIX: Final = "ringrift__"
NAME: Final = "RingRift"
VIEWS: Final[list[dict[str, Any]]] = [
    {"name": NAME, "href": "ringrift/pages/", "destination": "nav", "url_route": "ringrift"},
    {"name": NAME, "href": "ringrift/about/{DAG_ID}", "destination": "dag", "url_route": "ringrift-dag"},
    {
        "name": NAME,
        "href": "ringrift/about/{DAG_ID}/{TASK_ID}?run={RUN_ID}&shard={MAP_INDEX}",
        "destination": "task_instance",
        "url_route": "ringrift-task",
    },
]
"""The links in Airflow's UI: a page in the side-bar, a tab on every DAG, and one on every task that has run."""
GAMES: Final = ("selfplay", "sync", "ingest")
"""The stages that make games, or bring them."""
PARTS: Final = {
    "export": "lineage",
    "check": "lineage",
    "gauntlet": "evaluations",
    "rate": "strength",
    "gate": "verdicts",
    "approve": "verdicts",
    "promote": "lineage",
    "distribute": "lineage",
}
"""The parts of a config's page that show what the other stages make; `train` has a page of its own."""


def page_about(dag: str, task: str = "", selfplay: str | None = None) -> str:
    """Return the page about a DAG or a task, as the address after `pages/`; the overview for a DAG of no config.

    :param selfplay: the run of self-play that the task was, if known.
    """
    from ringrift.game import UnknownConfig, parse_config

    config = dag.removeprefix(DAG_PREFIX)
    try:
        parse_config(config)
    except UnknownConfig:
        return "#/"
    stage = stage_of(task.partition(".")[0])
    if stage in GAMES:
        run = {"run": selfplay} if selfplay else {}
        return f"#/games?{urlencode({'config': config} | run)}"
    if stage == "train":
        return f"#/runs?config={config}"
    return f"#/configs/{config}" + (f"?show={PARTS[stage]}" if stage in PARTS else "")


def run_of_selfplay(dag: str, run: str, shard: int) -> str | None:
    """Return the run of self-play that a shard of a DAG run was; None if Airflow does not know the DAG run."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import select

    from ringrift_airflow.data_interval import interval_name, shard_run

    with create_session() as session:
        dag_run = session.scalar(select(DagRun).where(DagRun.dag_id == dag, DagRun.run_id == run))
        if dag_run is None:
            return None
        moments = {"logical_date": dag_run.logical_date, "data_interval_start": dag_run.data_interval_start}
        context: Any = {"dag_run": dag_run, "run_id": run} | moments
        return shard_run(dag.removeprefix(DAG_PREFIX), interval_name(context), shard)
