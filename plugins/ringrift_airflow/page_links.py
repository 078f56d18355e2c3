"""The tabs of Airflow's DAGs and tasks that show the page about them."""

from __future__ import annotations

from typing import Any, Final

DAG_PREFIX: Final = "ringrift__"
PLAYED: Final = ("selfplay", "sync", "ingest")
"""The stages that make games; what the others make is on the page of the config."""
NAME: Final = "RingRift"
VIEWS: Final[list[dict[str, Any]]] = [
    {"name": NAME, "href": "ringrift/pages/", "destination": "nav", "url_route": "ringrift"},
    {"name": NAME, "href": "ringrift/about/{DAG_ID}", "destination": "dag", "url_route": "ringrift-dag"},
    {
        "name": NAME,
        "href": "ringrift/about/{DAG_ID}/{TASK_ID}",
        "destination": "task_instance",
        "url_route": "ringrift-task",
    },
]
"""The links in Airflow's UI: a page in the side-bar, a tab on every DAG, and one on every task that has run."""


def page_about(dag: str, task: str = "") -> str:
    """Return the page about a DAG or a task, as what follows `pages/`; the overview, where that is of no config."""
    from ringrift.game import UnknownConfig, parse_config

    config = dag.removeprefix(DAG_PREFIX)
    try:
        parse_config(config)
    except UnknownConfig:
        return "#/"
    return f"#/games?config={config}" if task.partition(".")[0] in PLAYED else f"#/configs/{config}"
