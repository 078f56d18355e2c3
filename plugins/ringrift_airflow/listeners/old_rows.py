"""After each maintenance, the old rows of Airflow's own database are removed, by Airflow's own command.

Tasks may not touch that database. The scheduler may, but must not wait: the command runs beside it, and logs to a file.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from airflow.listeners import hookimpl

from ringrift.pipeline.housekeeping_settings import housekeeping_settings
from ringrift_airflow.workspace import airflow_home

MAINTENANCE: Final = "ringrift__maintenance"
LOG: Final = logging.getLogger(__name__)


@hookimpl
def on_dag_run_success(dag_run: Any, msg: str) -> None:
    """Begin to remove old rows, once the maintenance has ended well."""
    if dag_run.dag_id == MAINTENANCE:
        remove_old_rows()


def remove_old_rows() -> subprocess.Popen[bytes]:
    """Start the removal of rows that are older than housekeeping.yaml keeps them."""
    before = datetime.now(UTC) - timedelta(days=housekeeping_settings().airflow_rows_days)
    log = Path(airflow_home()) / "logs" / "db_clean.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    words = ["db", "clean", "--clean-before-timestamp", before.isoformat(), "--skip-archive", "--yes"]
    LOG.info("rows of before %s are removed; %s tells how that went", before, log)
    with log.open("ab") as file:
        file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} airflow {' '.join(words)}\n".encode())
        file.flush()
        return subprocess.Popen(
            [sys.executable, "-m", "airflow", *words],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
