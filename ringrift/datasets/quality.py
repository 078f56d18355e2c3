"""The quality of games and data sets for learning: scores from 0 to 1 made of named parts.

The parts of a game depend on it alone, so that its quality stays as it is when others come in, and the shard that it
is in with it. Those of a data set are the means of these over its games, and what only many games have. A score is the
mean of the parts, weighted as `quality` in datasets.yaml says.

| part | of | what, 1 being best |
| --- | --- | --- |
| searched | game | share of its choices with search statistics; the others were drawn at random or picked unseen |
| finished | game | 1 if the rules ended it; 0 if it was stopped, so that it has no outcome to learn |
| length | game | 1 in the range of moves that is usual for the config, and as many times less as it is out of it |
| policies | data set | share of the samples with a policy to learn |
| outcomes | data set | how evenly the values of samples are spread: of one value alone there is nothing to learn |
| seats | data set | how evenly the seats win |
| openings | data set | chance that two of its games begin differently (Simpson 1949, Nature 163, 688) |
| distinct | data set | different games among all: a copy teaches nothing that the first has not |
| fresh | data set | mean of ½ ^ (age / half-life), age being how long before the newest game a game has ended |

Evenness is Shannon's entropy over that of equal shares (Pielou 1966, J. theor. Biol. 13, 131). Age counts from the
newest game, not from now, so that the same games always have the same quality.

Left out on purpose: how far searches and outcome agree, and whether a player who would have resigned has won. To prefer
games by how they turned out would teach values of positions that are biased towards it. How strong the players were
cannot be read off a game; the window of the newest games (`window`) is what follows the strength of a learner.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ringrift.datasets.layout import FACTS
from ringrift.datasets.settings import QualitySettings
from ringrift.game import parse_config

DAY: Final = 86_400
"""A day in seconds."""
DIGITS: Final = 4
"""Digits of the scores of a data set: more would say nothing, and could differ from machine to machine."""

PARTS: Final = {
    "searched": "choices with search statistics",
    "finished": "games that the rules ended",
    "length": "games as long as usual",
    "policies": "samples with a policy to learn",
    "outcomes": "values of samples are spread evenly",
    "seats": "seats win evenly",
    "openings": "two games begin differently",
    "distinct": "games that are no copies",
    "fresh": "games are not older than the newest",
}
"""The parts in words, for people; the first three are those of games."""

QUANTILES: Final = {"lowest": 0.0, "5%": 0.05, "median": 0.5}


@dataclass(frozen=True)
class Quality:
    """The quality of a data set."""

    score: float
    parts: dict[str, float]
    """The score of each part, by the names of `PARTS`."""
    weights: dict[str, float]
    """The weight of each part, 1 in all."""
    games: dict[str, float]
    """The quality of single games at the quantiles `QUANTILES`."""


@dataclass
class Gathered:
    """The statistics that the quality of a data set follows from; shards are added one by one."""

    facts: list[npt.NDArray[Any]] = field(default_factory=list)
    """The facts of the games of every shard, each `[games]`, of `FACTS`."""
    values: Counter[float] = field(default_factory=Counter)
    """The number of samples by the outcome value of the player to act."""
    policies: int = 0
    """The number of samples that have a policy."""

    def add(self, facts: npt.NDArray[Any], outcome_values: npt.NDArray[np.float32], policies: int) -> None:
        """Add games `[games]`, and the outcome values of their samples `[N, P]`, relative."""
        self.facts.append(np.array(facts))
        outcomes, counts = np.unique(outcome_values[:, 0], return_counts=True)
        self.values.update(dict(zip(outcomes.tolist(), counts.tolist(), strict=True)))
        self.policies += policies


def game_parts(facts: npt.NDArray[Any], settings: QualitySettings, config: str) -> dict[str, npt.NDArray[np.float64]]:
    """Return the parts of games, each `[games]`, from their `FACTS`."""
    low, high = settings.usual(config)
    plies = np.maximum(facts["plies"], 1)
    return {
        "searched": np.clip(facts["searched"] / np.maximum(facts["choices"], 1), 0, 1),
        "finished": (facts["winner"] > 0).astype(np.float64),
        "length": np.minimum(1, np.minimum(plies / low, high / plies)),
    }


def game_quality(facts: npt.NDArray[Any], settings: QualitySettings, config: str) -> npt.NDArray[np.float64]:
    """Return the quality of games, `[games]`, from their `FACTS`."""
    quality: npt.NDArray[np.float64] = _weighted(game_parts(facts, settings, config), settings.game.model_dump())
    return quality


def dataset_quality(gathered: Gathered, settings: QualitySettings, config: str) -> Quality:
    """Return the quality of a data set; all parts are 0 if it has no games."""
    facts = np.concatenate([np.empty(0, FACTS), *gathered.facts])
    samples = sum(gathered.values.values())
    weights: dict[str, float] = settings.dataset.model_dump()
    if not len(facts) or not samples:
        return Quality(0.0, dict.fromkeys(PARTS, 0.0), _shares(weights), dict.fromkeys(QUANTILES, 0.0))
    players = parse_config(config)[1]
    age = (facts["ended"].max() - facts["ended"]) / (DAY * settings.half_life_days)
    parts = {name: float(part.mean()) for name, part in game_parts(facts, settings, config).items()} | {
        "policies": gathered.policies / samples,
        "outcomes": evenness(gathered.values.values(), players),
        "seats": evenness([int((facts["winner"] == seat).sum()) for seat in range(1, players + 1)], players),
        "openings": different(facts["opening"]),
        "distinct": len(np.unique(facts["actions"])) / len(facts),
        "fresh": float(np.exp2(-age).mean()),
    }
    scores = np.quantile(game_quality(facts, settings, config), list(QUANTILES.values()))
    return Quality(
        score=round(float(_weighted(parts, weights)), DIGITS),
        parts={name: round(parts[name], DIGITS) for name in PARTS},
        weights=_shares(weights),
        games=dict(zip(QUANTILES, scores.round(DIGITS).tolist(), strict=True)),
    )


def evenness(counts: Collection[int], classes: int) -> float:
    """Return the entropy of counts over that of as many equal ones as there are classes; 1 at most, 0 of nothing."""
    present = np.array([count for count in counts if count > 0], np.float64)
    if len(present) < 2:
        return 0.0
    shares = present / present.sum()
    return min(1.0, float(-(shares * np.log(shares)).sum() / np.log(classes)))


def different(keys: npt.NDArray[Any]) -> float:
    """Return the chance that two of the keys differ, drawn without putting back; 1 of fewer than two.

    Unlike the share of different ones it does not fall with their number, so that it compares data sets of all sizes.
    """
    if len(keys) < 2:
        return 1.0
    counts = np.unique(keys, return_counts=True)[1].astype(np.float64)
    return float(1 - (counts * (counts - 1)).sum() / (len(keys) * (len(keys) - 1.0)))


def _weighted(parts: Mapping[str, Any], weights: Mapping[str, float]) -> Any:
    """Return the mean of parts, numbers or arrays, by their weights."""
    return sum(parts[name] * weight for name, weight in weights.items()) / sum(weights.values())


def _shares(weights: Mapping[str, float]) -> dict[str, float]:
    total = sum(weights.values())
    return {name: round(weights[name] / total, DIGITS) for name in PARTS}
