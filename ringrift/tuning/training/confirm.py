"""The test of a search's best setting against the one in use: other seeds, and games of every pair of models.

The best of many trials looks better than it is: it was chosen for its luck, too. So both settings are trained anew with
seeds that no trial has used, in pairs, and their models play each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np

from ringrift.evaluation.match_runner import MatchRunner
from ringrift.evaluation.participants import model_participant
from ringrift.evaluation.results import GameResult
from ringrift.statistics import CONFIDENCE
from ringrift.tuning.training.errors import BadStudy
from ringrift.tuning.training.experiment import Experiment, Outcome
from ringrift.tuning.training.fitness import EloMeasure, check_games, elo_measure, paired_games
from ringrift.tuning.training.settings import ConfirmSettings
from ringrift.tuning.training.space import Values

FIRST_SEED: Final = 1000
"""The first seed of a test; trials have the seed of the settings, a small one."""
BEST: Final = "found"
USED: Final = "in use"


@dataclass(frozen=True)
class Confirmation:
    """The test of the best setting of a search against the one in use."""

    values: Values
    seeds: int
    losses_found: tuple[float, ...]
    """The losses on the games held out, by seed."""
    losses_used: tuple[float, ...]
    difference: float
    """The mean of the best setting's loss less that of the one in use; below 0 it is better."""
    low: float
    high: float
    """The upper end of the 95 % interval of pairs by Student's t."""
    elo: EloMeasure
    """The best setting over the one in use."""
    cpu_seconds: float

    @property
    def better(self) -> bool:
        """Whether the best setting is stronger: the whole 95 % interval of its Elo lies above 0."""
        return self.elo.low > 0

    @property
    def verdict(self) -> str:
        """The answer in a line."""
        loss = f"hold-out loss {self.difference:+.4f} ({self.low:+.4f} … {self.high:+.4f})"
        answer = "is better than" if self.better else "is not shown to be better than"
        return f"the best setting {answer} the one in use: {self.elo}; {loss}, {self.seeds} seeds"

    def to_json(self) -> dict[str, Any]:
        """Return all of it in JSON's types."""
        return asdict(self) | {"better": self.better, "verdict": self.verdict}


def confirm(experiment: Experiment, values: Values, settings: ConfirmSettings, study: str) -> Confirmation:
    """Train the best setting and the one in use with new seeds, and play their models; raises `Cancelled`."""
    check_games(settings.seeds * settings.games, experiment.settings)
    if values == experiment.space.start:
        raise BadStudy("the best setting is the one in use: there is nothing to confirm")
    pairs = []
    for place in range(settings.seeds):
        pair = [
            _trained(experiment, setting, {"study": study, "confirms": name}, FIRST_SEED + place)
            for name, setting in ((BEST, values), (USED, experiment.space.start))
        ]
        pairs.append(pair)
        experiment.context.progress("pairs of trainings", place + 1, settings.seeds)
    games = [
        game
        for place, (best, used) in enumerate(pairs)
        for game in _games(experiment, str(best.model), str(used.model), settings.games, place)
    ]
    losses = np.array([[best.loss, used.loss] for best, used in pairs], np.float64)
    difference, low, high = paired_interval(losses[:, 0] - losses[:, 1])
    return Confirmation(
        values=dict(values),
        seeds=settings.seeds,
        losses_found=tuple(losses[:, 0].tolist()),
        losses_used=tuple(losses[:, 1].tolist()),
        difference=difference,
        low=low,
        high=high,
        elo=elo_measure(games, BEST),
        cpu_seconds=sum(outcome.cpu_seconds for pair in pairs for outcome in pair),
    )


def paired_interval(differences: Sequence[float] | np.ndarray[Any, Any]) -> tuple[float, float, float]:
    """Return the mean of differences and its 95 % interval by Student's t."""
    from scipy.stats import t  # late: slow to import

    numbers = np.asarray(differences, np.float64)
    mean = float(numbers.mean())
    reach = float(t.ppf((1 + CONFIDENCE) / 2, len(numbers) - 1) * numbers.std(ddof=1) / np.sqrt(len(numbers)))
    return mean, mean - reach, mean + reach


def _trained(experiment: Experiment, values: Values, tuning: dict[str, Any], seed: int) -> Outcome:
    outcome = replace(experiment, fitness="loss").run(values, tuning | {"seed": seed}, seed=seed)
    if outcome.model is None:
        raise BadStudy(f"the test has no model of the setting {tuning['confirms']}: {outcome.ended}")
    return outcome


def _games(experiment: Experiment, best: str, used: str, games: int, place: int) -> list[GameResult]:
    """Play the models of one seed; in the results they are called after their settings."""
    runner = MatchRunner(experiment.store.database, experiment.context.with_settings(experiment.evaluation))
    form = experiment.settings.as_
    first, second = (model_participant(experiment.model_path(model), form) for model in (best, used))
    names = {first.name: BEST, second.name: USED}
    played = paired_games(experiment.inputs.config, (first, second), games, runner, FIRST_SEED + place)
    return [
        replace(game, players=tuple(names[name] for name in game.players), block=f"{place} {game.block}")
        for game in played
    ]
