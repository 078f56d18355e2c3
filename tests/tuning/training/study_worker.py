"""A process that works on a study: `python -m tests.tuning.training.study_worker DATABASE LOG TRIALS [KILLED]`.

It writes a line for every trial that it begins, and kills itself in the middle of the trial `KILLED`.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping
from typing import Any

from ringrift.game_database import GamesDatabase
from ringrift.run_context import RunContext
from ringrift.tuning.training.experiment import LossWatch, Outcome
from ringrift.tuning.training.settings import SearchSettings
from ringrift.tuning.training.storage import open_storage
from ringrift.tuning.training.study import open_study
from tests.tuning.training.planted_optimum import planted_space, trial

SETTINGS = SearchSettings(trials=20, random=8, seed=0, first_look=1, keep=3, alive_seconds=1, dead_seconds=3)


def main(path: str, log: str, trials: int, killed: int | None) -> None:
    """Work until the study has its trials."""

    def objective(number: int, values: Mapping[str, Any], watch: LossWatch) -> Outcome:
        with open(log, "a") as file:  # noqa: PTH123 - appends whole lines, as several processes need it
            file.write(f"{number} {os.getpid()}\n")
        time.sleep(0.02)  # so that the others have their turn
        if number == killed:
            watch(1, 5.0)
            os.kill(os.getpid(), signal.SIGKILL)
        return trial(number, values, watch)

    with GamesDatabase(path, create=True) as database:
        storage = open_storage(database, SETTINGS)
        study = open_study(storage, "shared", planted_space(), "loss", SETTINGS)
        study.search(objective, trials, RunContext(None))
        storage.engine.dispose()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else None)
