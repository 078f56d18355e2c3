"""Logistic regression of the features on what positions came to: weights in seconds, and which of them matter.

A position is a row for every player (for two, one row says it all): the features minus the mean of the others', and the
value as a fraction of a victory. Positions of a game are not independent, so the standard errors are clustered by game
(Liang, Zeger: Longitudinal data analysis using generalized linear models, 1986).

Games are seldom enough to say something about every weight. So the start vector weighs the fit against the weights in
use by their precisions, as a normal prior would.
"""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from ringrift.game_database import GamesDatabase
from ringrift.heuristic import FEATURE_NAMES, Weights
from ringrift.kernels.types import F64
from ringrift.tuning.evolution import LEAST_UNIT
from ringrift.tuning.positions import Positions, Target, TooFewGames, read_positions, relative_features
from ringrift.tuning.settings import LogisticSettings

SIGNIFICANT: Final = 1.96
"""Standard errors from 0 from which on a weight matters, at 5 %."""
LEAST_SPREAD: Final = 1e-9


@dataclass(frozen=True)
class FittedWeight:
    """A weight by the regression."""

    feature: str
    in_use: float
    fitted: float | None
    """None for a feature that is the same everywhere in these games."""
    error: float | None
    """The standard error, clustered by game."""
    matters: bool
    """Whether the fit is clearly not 0."""
    start: float
    """The mean of the weight in use and the fitted one, by how sure the fit is."""


@dataclass(frozen=True)
class LogisticReport:
    """What the regression has come to."""

    config: str
    target: Target
    games: int
    positions: int
    loss_in_use: float
    """The mean cross-entropy of the weights in use, in nats."""
    loss_fitted: float
    weights: tuple[FittedWeight, ...]

    def start(self) -> Weights:
        """The start vector, `[F]`."""
        return np.array([weight.start for weight in self.weights])

    def to_json(self) -> dict[str, Any]:
        """Return the report in JSON's types."""
        return asdict(self)


def logistic(
    database: GamesDatabase, config: str, in_use: Weights, settings: LogisticSettings, target: Target = "results"
) -> LogisticReport:
    """Fit the weights to the newest games of the database; `TooFewGames` if it has not enough."""
    positions = read_positions(
        database,
        config,
        target=target,
        most_games=settings.games,
        least_games=settings.least_games,
        per_game=settings.positions,
    )
    return fit(config, relative_features(config, positions.states), positions, in_use, settings, target)


def fit(
    config: str, features: F64, positions: Positions, in_use: Weights, settings: LogisticSettings, target: Target
) -> LogisticReport:
    """Fit weights to features `[N, players, F]` of positions."""
    seats = 1 if features.shape[1] == 2 else features.shape[1]  # the second of two says the same as the first
    rows = features[:, :seats].reshape(-1, features.shape[2])
    shares = (positions.values[:, :seats].ravel() + 1) / 2
    groups = np.repeat(positions.games, seats)
    varying = np.flatnonzero(rows.std(0) > LEAST_SPREAD)
    fitted, covariance = _regression(config, rows[:, varying], shares, groups)
    unit = np.maximum(abs(in_use[varying]) / 2, LEAST_UNIT) * settings.prior
    start = in_use.copy()
    start[varying] = _between(in_use[varying], unit, fitted, covariance)
    best = in_use.copy()
    best[varying] = fitted
    errors = dict(zip(varying.tolist(), np.sqrt(np.diag(covariance)).tolist(), strict=True))
    return LogisticReport(
        config=config,
        target=target,
        games=len(np.unique(positions.games)),
        positions=len(positions.states),
        loss_in_use=_loss(rows @ in_use, shares),
        loss_fitted=_loss(rows @ best, shares),
        weights=tuple(
            FittedWeight(
                feature=name,
                in_use=float(in_use[index]),
                fitted=float(best[index]) if index in errors else None,
                error=errors.get(index),
                matters=index in errors and bool(abs(best[index]) > SIGNIFICANT * errors[index]),
                start=float(np.round(start[index], 6)),
            )
            for index, name in enumerate(FEATURE_NAMES)
        ),
    )


def _regression(config: str, rows: F64, shares: F64, groups: Any) -> tuple[F64, F64]:
    """Return the fitted weights `[V]` and their covariance `[V, V]`, clustered by group."""
    from statsmodels.genmod.families import Binomial  # late: slow to import
    from statsmodels.genmod.generalized_linear_model import GLM
    from statsmodels.tools.sm_exceptions import PerfectSeparationWarning, SingularMatrixWarning

    with warnings.catch_warnings():
        warnings.simplefilter("error", PerfectSeparationWarning)
        # Features that say the same share their weight: the pseudoinverse takes the smallest solution.
        warnings.simplefilter("ignore", SingularMatrixWarning)
        try:
            result = GLM(shares, rows, family=Binomial()).fit(cov_type="cluster", cov_kwds={"groups": groups})
        except (PerfectSeparationWarning, np.linalg.LinAlgError, ValueError) as error:
            raise TooFewGames(f"{config}: these games fix no weights ({error}): play more of them") from None
    return np.asarray(result.params, float), np.asarray(result.cov_params(), float)


def _between(prior: F64, unit: F64, fitted: F64, covariance: F64) -> F64:
    """Return the mean of two normal estimates by their precisions: the prior's with deviations `unit`, and the fit."""
    precision = np.linalg.pinv(covariance, hermitian=True)
    anchor = np.diag(unit**-2.0)
    return np.asarray(np.linalg.solve(precision + anchor, precision @ fitted + anchor @ prior), float)


def _loss(scores: F64, shares: F64) -> float:
    """Return the mean cross-entropy of shares under the logistic function of scores, in nats."""
    return float((np.logaddexp(0, scores) - shares * scores).mean())
