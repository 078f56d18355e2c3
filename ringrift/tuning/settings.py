"""The settings of tuning (`tuning.yaml`): of the heuristic's weights, and of hyper-parameters of training."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from ringrift.evaluation.sprt import SprtSettings
from ringrift.settings import Settings, read_config
from ringrift.tuning.training.settings import TrainingTuning

Evaluator = Literal["one_ply", "search", "both", "network"]
Population = Annotated[int, Field(ge=4, le=1000)]
Generations = Annotated[int, Field(ge=1, le=100_000)]
Openings = Annotated[int, Field(ge=1, le=100_000)]


class EvolutionSettings(Settings):
    """The settings of CMA-ES."""

    restarts: NonNegativeInt
    """The number of restarts, around the best weights so far; 0 is plain CMA-ES."""
    generations: Generations
    """The generations of every start."""
    population: Population
    sigma: PositiveFloat
    """The first step, in units of half a weight."""
    anneal: Annotated[float, Field(gt=0, le=1)]
    """The factor of `sigma` with every restart."""
    openings: Openings
    """The openings of an evaluation at first, each played from every seat …"""
    most_openings: Openings
    """… at most: they grow by `growth` while noise hides the differences between candidates."""
    growth: Annotated[float, Field(ge=1, le=10)]
    noise: Annotated[float, Field(gt=0, lt=1)]
    """The share of noise in the variance of the candidates' scores from which on more is played."""
    check_openings: Openings
    """The openings of the match that a start's weights have to win against the best ones so far."""
    past_bests: NonNegativeInt
    """Earlier best weights in the panel, beside those in use and the frozen ones."""
    evaluator: Evaluator
    """Games one action ahead, games of a search, the mean of both, or agreement with a network's values."""
    nodes: PositiveInt
    """The nodes of a decision, where the evaluator is a search or both."""
    network: str | None
    """The file of the model, where the evaluator is a network: then `openings` is the number of stored games whose
    positions are used."""


class LogisticSettings(Settings):
    """The settings of the logistic regression."""

    games: PositiveInt
    """The newest games of the database that are looked at."""
    least_games: PositiveInt
    positions: PositiveInt
    """Positions of a game, evenly spread: neighbours say nearly the same."""
    prior: PositiveFloat
    """The standard deviation of a weight around the one in use, in units of half a weight: it holds weights that the
    games say nothing about."""


class Mix(Settings):
    """The losses that weights are fitted to in comparison training: the share of each."""

    choices: NonNegativeFloat
    """The share of the search's choices, under the policy one action ahead."""
    results: NonNegativeFloat
    """The share of the results of rollouts."""
    values: NonNegativeFloat
    """The share of the values that the search gave to positions."""
    prior: PositiveFloat
    """The factor of half the squared distance from the weights in use, in units of half a weight."""


class SelectionSettings(Settings):
    """The settings of successive halving."""

    rounds: PositiveInt
    """Only the better half of the weights goes from one to the next."""
    one_ply_games: PositiveInt
    """Games of each of the weights in the first round, one action ahead …"""
    search_games: PositiveInt
    """… and in a search; `growth` times as many in the next."""
    growth: Annotated[float, Field(ge=1, le=10)]
    one_ply_elo: PositiveFloat
    """The target gain in each use: the better weights are those whose lesser part of it is larger."""
    search_elo: PositiveFloat
    nodes: PositiveInt
    """The nodes of a decision of the search."""


class ComparisonSettings(Settings):
    """The settings of comparison training."""

    games: PositiveInt
    """Games of the search with itself."""
    nodes: PositiveInt
    """The nodes of a decision of these."""
    blunders: Annotated[float, Field(ge=0, lt=1)]
    """The share of random actions in these."""
    rollouts: PositiveInt
    temperature: PositiveFloat
    """The temperature of the noisy play that leads to the positions of rollouts."""
    mixes: Annotated[list[Mix], Field(min_length=1)]
    """The mixes to try; the weights of all and their mean take part in the selection."""
    selection: SelectionSettings


class AcceptanceSettings(Settings):
    """The settings of acceptance: two sequential tests, both of which have to be passed."""

    one_ply: SprtSettings
    search: SprtSettings
    nodes: PositiveInt
    """The nodes of a decision in the second test."""


class TuningSettings(Settings):
    """The settings of the file."""

    evolution: EvolutionSettings
    logistic: LogisticSettings
    comparison: ComparisonSettings
    acceptance: AcceptanceSettings
    hyperparameters: TrainingTuning


def tuning_settings() -> TuningSettings:
    """Read the settings; `BadSettings` says what is wrong in them."""
    return read_config("tuning.yaml", TuningSettings)
