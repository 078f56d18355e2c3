"""Logistic regression of the features on what positions came to: weights in seconds, and which of them matter.

A position is a row for every player (for two, one row says it all): the features minus the mean of the others', and the
value as a fraction of a victory. Positions of a game are not independent, so the standard errors are clustered by game
(Liang, Zeger: Longitudinal data analysis using generalized linear models, 1986).

Some features say the same: what one of two players can capture is what threatens the other, and rings are in hand, on
the board, or gone. So the fit is made in the directions in which positions differ, and what cannot be distinguished
shares its weight. Games are seldom enough to say something about every weight. So the start vector weighs the fit
against the weights in use by their precisions, as a normal prior would.
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
LEAST_SPREAD: Final = 1e-6
"""The standard deviation of a feature, in single precision, up to which it is the same everywhere."""
LEAST_DIRECTION: Final = 1e-5
"""The singular value of a direction, as a part of the largest one, up to which positions do not differ in it."""


@dataclass(frozen=True, eq=False)
class Fit:
    """A regression in the directions in which positions differ, `[R]` of `[V]` weights that vary."""

    directions: F64
    """`[R, V]`: what weights are in these directions."""
    basis: F64
    """`[V, R]`: the smallest weights that come to a direction, as shares of their features' spread."""
    fitted: F64
    """`[R]`."""
    covariance: F64
    """`[R, R]`, clustered by game."""

    @property
    def weights(self) -> F64:
        """The fitted weights, `[V]`."""
        return np.asarray(self.basis @ self.fitted)

    @property
    def errors(self) -> F64:
        """Their standard errors, `[V]`."""
        return np.sqrt(np.maximum(np.diag(self.basis @ self.covariance @ self.basis.T), 0))  # rounding may end below 0

    def between(self, prior: F64, unit: F64) -> F64:
        """Return the mean of two normal estimates by their precisions: `prior` with deviations `unit`, and the fit."""
        # Fewer games than directions leave some without a spread: these say nothing, rather than all.
        precision = self.directions.T @ np.linalg.pinv(self.covariance, rcond=LEAST_SPREAD, hermitian=True)
        anchor = np.diag(unit**-2.0)
        target = precision @ self.fitted + anchor @ prior
        return np.asarray(np.linalg.solve(precision @ self.directions + anchor, target), float)


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
    """The result of the regression."""

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
    regression = _regression(config, rows[:, varying], shares, groups)
    unit = np.maximum(abs(in_use[varying]) / 2, LEAST_UNIT) * settings.prior
    start = in_use.copy()
    start[varying] = regression.between(in_use[varying], unit)
    best = in_use.copy()
    best[varying] = regression.weights
    errors = dict(zip(varying.tolist(), regression.errors.tolist(), strict=True))
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


def _regression(config: str, rows: F64, shares: F64, groups: Any) -> Fit:
    """Return the regression of shares `[n]` on rows `[n, V]`, in the directions in which these differ."""
    from statsmodels.genmod.families import Binomial  # late: slow to import
    from statsmodels.genmod.generalized_linear_model import GLM
    from statsmodels.tools.sm_exceptions import PerfectSeparationWarning

    scale = rows.std(0)
    _, sizes, directions = np.linalg.svd(rows / scale, full_matrices=False)
    directions = directions[sizes > LEAST_DIRECTION * sizes[0]]
    with warnings.catch_warnings():
        warnings.simplefilter("error", PerfectSeparationWarning)
        try:
            model = GLM(shares, rows / scale @ directions.T, family=Binomial())
            result = model.fit(cov_type="cluster", cov_kwds={"groups": groups})
        except (PerfectSeparationWarning, np.linalg.LinAlgError, ValueError) as error:
            raise TooFewGames(f"{config}: these games fix no weights ({error}): play more of them") from None
    covariance = np.asarray(result.cov_params(), float)
    return Fit(directions * scale, (directions / scale).T, np.asarray(result.params, float), covariance)


def _loss(scores: F64, shares: F64) -> float:
    """Return the mean cross-entropy of shares under the logistic function of scores, in nats."""
    return float((np.logaddexp(0, scores) - shares * scores).mean())
