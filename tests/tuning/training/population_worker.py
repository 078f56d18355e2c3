"""A process that trains a planted population: `… population_worker FOLDER [GENERATION MEMBER]`.

It kills itself in the middle of that training.
"""

from __future__ import annotations

import math
import os
import signal
import sys
from pathlib import Path

import numpy as np

from ringrift.run_context import RunContext
from ringrift.tuning.training.experiment import Outcome
from ringrift.tuning.training.population import Assignment, Population
from ringrift.tuning.training.settings import PopulationSettings
from tests.tuning.training.planted_optimum import NOISE, distance, planted_space

SETTINGS = PopulationSettings(
    members=8, generations=10, seed=0, epochs=1.0, truncation=0.25, perturb=[0.8, 1.25], resample=0.1
)


def planted_population(folder: Path) -> Population:
    """The population of the settings."""
    return Population(folder, planted_space(), "loss", SETTINGS)


def learn(task: Assignment) -> Outcome:
    """Learn for a generation, the faster the nearer the values are to the optimum: the model's name is its skill."""
    before = 0.0 if task.source_model is None else float(task.source_model)
    skill = before + math.exp(-4 * distance(task.values))
    noise = np.random.default_rng((task.generation, task.member)).standard_normal()
    loss = 10.0 - skill + NOISE * noise
    return Outcome(loss, "all steps done", loss=loss, model=repr(skill), samples=1)


def main(folder: Path, killed: tuple[int, ...]) -> None:
    """Train to the end, or to the moment of death."""
    population = planted_population(folder)
    population.begin({"planted": True})

    def trainer(task: Assignment) -> Outcome:
        if (task.generation, task.member) == killed:
            os.kill(os.getpid(), signal.SIGKILL)
        return learn(task)

    population.train(trainer, RunContext(None))


if __name__ == "__main__":
    main(Path(sys.argv[1]), tuple(map(int, sys.argv[2:])))
