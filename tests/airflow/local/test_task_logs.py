"""Logs of tasks are read from their files; nobody is asked for them over the network."""

from __future__ import annotations

import logging.config
from typing import Any

from ringrift_airflow.local.task_logs import LOGGING_CONFIG, LocalTaskHandler


def test_the_handler_that_airflow_reads_logs_with_is_the_local_one() -> None:
    settings = LOGGING_CONFIG["handlers"]["task"]
    assert logging.config.DictConfigurator(LOGGING_CONFIG).resolve(settings["class"]) is LocalTaskHandler


def test_it_asks_no_log_server(tmp_path: Any) -> None:
    assert LocalTaskHandler(str(tmp_path))._read_from_logs_server(None, "a/log") == ([], [])
