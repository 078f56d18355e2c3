"""The space of hyper-parameters that is searched: named dimensions around the setting in use."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np

from ringrift.settings import BadSettings, check_settings, unknown_name
from ringrift.training import HyperParameters
from ringrift.training.settings import changed
from ringrift.tuning.training.errors import BadSearch
from ringrift.tuning.training.settings import Dimension
from ringrift.yaml_reader import BadYaml, parse_yaml

FitnessKind = Literal["loss", "elo"]
Values = Mapping[str, Any]
"""Hyper-parameters by dotted name, such as `losses.value`."""

TARGETS: Final = (
    *(f"losses.{name}" for name in ("policy", "coverage", "policies", "smoothing", "root_value")),
    "validate_samples",
)
"""Hyper-parameters that change what the loss on the games held out is measured against: losses of different ones cannot
be compared."""
FIXED: Final = (
    *("seed", "early_stopping", "validate_epochs", "checkpoints", "checkpoint_steps", "log_steps"),
    *(
        "gpu_batches",
        "gpu_memory_batches",
        "gpu_gigabytes_free",
        "least_steps",
        "elo_games",
        "elo_step",
        "elo_patience",
    ),
)
"""Hyper-parameters that a search needs for itself, or that say nothing of what is learned."""
LENGTHS: Final = ("epochs", "replay_ratio", "patience", "network")
"""Hyper-parameters that change how much is computed."""


@dataclass(frozen=True)
class Space:
    """The dimensions of a search, by dotted name, around the hyper-parameters in use."""

    base: HyperParameters
    dimensions: Mapping[str, Dimension]

    @cached_property
    def start(self) -> dict[str, Any]:
        """The values in use."""
        return {name: value_of(self.base, name) for name in self.dimensions}

    def hyper(self, values: Values) -> HyperParameters:
        """Return the hyper-parameters in use with other values."""
        return changed(self.base, nested(values), "the search")

    def is_whole(self, name: str) -> bool:
        """Whether a range has whole numbers only."""
        return isinstance(self.start[name], int) and not isinstance(self.start[name], bool)

    def choices(self, name: str) -> list[Any]:
        """Return the choices of a dimension in their order, the one in use among them."""
        choices = list(self.dimensions[name].choices or [])
        if self.start[name] not in choices:
            choices.append(self.start[name])
            if all(isinstance(choice, int | float) for choice in choices):
                choices.sort()
        return choices

    def bounds(self, name: str) -> tuple[float, float]:
        """Return the ends of a range, which has the value in use in it."""
        low, high = self.dimensions[name].bounds
        return min(low, self.start[name]), max(high, self.start[name])

    def draw(self, rng: np.random.Generator) -> dict[str, Any]:
        """Draw values at random, evenly on the scale of each dimension."""
        return {name: self.draw_one(name, rng) for name in self.dimensions}

    def draw_one(self, name: str, rng: np.random.Generator) -> Any:
        """Draw a value of one dimension."""
        dimension = self.dimensions[name]
        if dimension.choices is not None:
            choices = self.choices(name)
            return choices[int(rng.integers(len(choices)))]
        low, high = self.bounds(name)
        if dimension.log and low > 0:
            return self._rounded(name, math.exp(rng.uniform(math.log(low), math.log(high))))
        return self._rounded(name, rng.uniform(low, high))

    def moved(self, name: str, value: Any, factor: float) -> Any:
        """Return a value times a factor, kept in its range; of choices the next one in that direction."""
        if self.dimensions[name].choices is not None:
            choices = self.choices(name)
            place = choices.index(value) + (1 if factor > 1 else -1)
            return choices[min(max(place, 0), len(choices) - 1)]
        low, high = self.bounds(name)
        return self._rounded(name, min(max(value * factor, low), high))

    def _rounded(self, name: str, value: float) -> Any:
        return round(value) if self.is_whole(name) else float(f"{value:.6g}")


def make_space(base: HyperParameters, dimensions: Mapping[str, Dimension], fitness: FitnessKind) -> Space:
    """Make a space; `BadSearch` names one that is unknown, out of its range, or no subject of a search."""
    if not dimensions:
        raise BadSearch("nothing is to be searched: name some, such as --search learning_rate=1e-4..1e-2:log")
    known = tuple(names_of(base))
    for name, dimension in dimensions.items():
        if name not in known:
            raise BadSearch(f"hyper-parameter {name!r}: {unknown_name(name, known)}")
        if name in FIXED:
            raise BadSearch(f"hyper-parameter {name}: is needed by the search, or says nothing of what is learned")
        if fitness == "loss" and name in TARGETS:
            raise BadSearch(
                f"hyper-parameter {name}: changes what the hold-out loss is measured against, so losses cannot be "
                "compared; use --fitness elo"
            )
        if fitness == "loss" and name in LENGTHS:
            raise BadSearch(
                f"hyper-parameter {name}: changes how much is computed, which the hold-out loss does not weigh; use "
                "--fitness elo"
            )
        _check_values(base, name, dimension)
    return Space(base, dimensions)


def _check_values(base: HyperParameters, name: str, dimension: Dimension) -> None:
    """Check the ends of a range, or all choices, as if they stood in `hyperparameters.yaml`."""
    values = dimension.choices if dimension.choices is not None else list(dimension.bounds)
    used = value_of(base, name)
    if dimension.choices is None and (isinstance(used, bool) or not isinstance(used, int | float)):
        raise BadSearch(f"hyper-parameter {name}: has no range; name choices, such as --search {name}={used},…")
    for value in values:
        try:
            changed(base, nested({name: value}), "the search")
        except BadSettings as error:
            raise BadSearch(str(error)) from None


def parsed_dimensions(words: list[str]) -> dict[str, Dimension]:
    """Return `name=low..high`, `name=low..high:log` and `name=one,two,three` as dimensions; `BadSearch`."""
    dimensions: dict[str, Dimension] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not (name and equals and text):
            raise BadSearch(f"--search {word!r}: the form is name=low..high, name=low..high:log or name=one,two,three")
        try:
            if ".." in text:
                ends, _, scale = text.partition(":")
                if scale not in ("", "log"):
                    raise BadSearch(f"--search {word!r}: the scale is log or nothing, not {scale!r}")
                low, high = (_number(end, word) for end in ends.split("..", 1))
                content: dict[str, Any] = {"low": low, "high": high, "log": bool(scale)}
            else:
                content = {"choices": [parse_yaml(choice) for choice in text.split(",")]}
            dimensions[name] = check_settings(content, Dimension, f"--search {word!r}")
        except BadYaml as error:
            raise BadSearch(f"--search {word!r}: is no YAML: {error}") from None
        except BadSettings as error:
            raise BadSearch(str(error).replace("the whole file: ", "")) from None
    return dimensions


def _number(text: str, word: str) -> float | int:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        raise BadSearch(f"--search {word!r}: {text!r} is no number") from None


def names_of(hyper: HyperParameters) -> list[str]:
    """Return the dotted names of all hyper-parameters."""
    names = []
    for name, value in hyper.model_dump().items():
        names += [f"{name}.{inner}" for inner in value] if name == "losses" else [name]
    return names


def value_of(hyper: HyperParameters, name: str) -> Any:
    """Return a hyper-parameter by its dotted name."""
    value: Any = hyper
    for part in name.split("."):
        value = getattr(value, part)
    return value


def nested(values: Values) -> dict[str, Any]:
    """Return values by dotted name in their groups."""
    groups: dict[str, Any] = {}
    for name, value in values.items():
        group, dot, field = name.rpartition(".")
        (groups.setdefault(group, {}) if dot else groups)[field] = value
    return groups
