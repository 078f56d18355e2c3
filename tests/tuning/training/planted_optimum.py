"""A fitness whose optimum is known, with noise, as a search and as a population meet it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ringrift.training import hyper_parameters
from ringrift.tuning.training.experiment import LossWatch, Outcome
from ringrift.tuning.training.settings import Dimension
from ringrift.tuning.training.space import Space, make_space

OPTIMUM = 3.0e-3
NOISE = 0.05
VALIDATIONS = 9
GIVEN_UP = "given up"


def planted_space(start: float = 1.0e-4) -> Space:
    """A learning rate that starts far from its optimum, and a batch that matters a little."""
    base = hyper_parameters("square8_2p", changes={"learning_rate": start, "batch": 256})
    dimensions = {
        "learning_rate": Dimension(low=1.0e-5, high=1.0e-1, log=True),
        "batch": Dimension(choices=[64, 128, 256, 512]),
    }
    return make_space(base, dimensions, "loss")


def distance(values: Mapping[str, Any]) -> float:
    """How far values are from the optimum: decades of the learning rate, squared, and a little for the batch."""
    return math.log10(values["learning_rate"] / OPTIMUM) ** 2 + 0.1 * abs(math.log2(values["batch"] / 128))


def trial(number: int, values: Mapping[str, Any], watch: LossWatch) -> Outcome:
    """A training whose loss falls towards a level that depends on the values."""
    noise = np.random.default_rng((7, number))
    loss = math.nan
    for validation in range(1, VALIDATIONS + 1):
        loss = 2.0 + distance(values) + 1.0 / validation + NOISE * noise.standard_normal()
        if validation < VALIDATIONS and watch(validation, loss):
            return Outcome(None, GIVEN_UP, samples=validation)
    return Outcome(loss, "all steps done", loss=loss, samples=VALIDATIONS)
