"""A process that tunes by planted games, slowly enough to be killed: `python -m tests.tuning.worker FOLDER SECONDS`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from ringrift.heuristic import FEATURE_COUNT
from ringrift.kernels.types import F64
from ringrift.run_context import RunContext
from ringrift.tuning.fitness import Games
from ringrift.tuning.heuristic import tune
from ringrift.tuning.run import open_run
from tests.tuning.synthetic import PlantedFitness, a_plan, shifted

PLAN = a_plan(restarts=1, generations=4, population=6, openings=4, check_openings=8)
PLANTED = PlantedFitness(shifted(0.5), np.ones(FEATURE_COUNT))


def main(folder: Path, seconds: float) -> None:
    """Tune to the end, waiting so long for every candidate."""

    def slow(candidates: F64, panel: F64, games: Games) -> F64:
        time.sleep(seconds)
        return PLANTED(candidates, panel, games)

    with open_run(folder, PLAN) as run:
        tune(run, slow, RunContext(None))


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
