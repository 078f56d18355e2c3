"""Training: a data set in, a network that has learned from it out, with everything that is needed to trust it."""

from __future__ import annotations

from ringrift.training.report import TrainingReport
from ringrift.training.run import TrainingInputs, train
from ringrift.training.settings import HyperParameters, hyper_parameters

__all__ = ["HyperParameters", "TrainingInputs", "TrainingReport", "hyper_parameters", "train"]
