"""Does `airflow tasks test` for task after task, in one process, which spares Airflow's start for each."""

from __future__ import annotations

import sys

from airflow.cli.cli_parser import get_parser

dag, date, *tasks = sys.argv[1:]
for task in tasks:
    name, _, mapped = task.partition(":")
    words = ["tasks", "test", dag, name, date, *(["--map-index", mapped] if mapped else [])]
    print(f"== {task}", flush=True)
    chosen = get_parser().parse_args(words)
    chosen.func(chosen)
