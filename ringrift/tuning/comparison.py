"""Comparison training: weights that choose as a search does, value positions as it does, and predict the winner.

One action ahead, all that counts is which of a few similar positions is the best; so weights are made to prefer what
the search chose to all else that it could have chosen (Tesauro: Connectionist learning of expert preferences by
comparison training, 1989; Hoki's shogi program Bonanza, 2006). At the leaves of a search positions of all kinds are
compared; so weights are made to predict who wins from them (a logistic regression on rollouts), and the value that a
search gives them (Veness et al.: Bootstrapping from game tree search, 2009). How much each of the three counts is a
`Mix`.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ringrift.heuristic import Weights
from ringrift.kernels.types import F64
from ringrift.one_ply import SHARPNESS
from ringrift.tuning.evolution import Scaling
from ringrift.tuning.lessons import Lessons
from ringrift.tuning.settings import Mix
from ringrift.tuning.teacher import Choices

MOST_STEPS: Final = 300
"""Steps of the minimisation; about a hundred are enough."""


def choice_loss(choices: Choices, weights: F64) -> tuple[float, F64]:
    """Return the mean cross-entropy of the search's choices under the policy of weights, in nats, and its gradient.

    The policy is that of the heuristic: a softmax of the scores one ahead, times `SHARPNESS`.
    """
    first = np.cumsum(choices.counts) - choices.counts
    decision = np.repeat(np.arange(len(first)), choices.counts)
    logits = SHARPNESS * (choices.features @ weights + choices.ended)
    logits -= np.maximum.reduceat(logits, first)[decision]
    exponents = np.exp(logits)
    totals = np.add.reduceat(exponents, first)
    loss = np.log(totals) - logits[choices.chosen]
    # The gradient of a decision: the mean features of its actions by the policy, less those of the chosen one.
    pull = (exponents / totals[decision]) @ choices.features - choices.features[choices.chosen].sum(0)
    return float(loss.mean()), SHARPNESS * pull / len(first)


def agreement(choices: Choices, weights: F64) -> float:
    """Return the share of the decisions at which weights put what the search chose first."""
    first = np.cumsum(choices.counts) - choices.counts
    scores = choices.features @ weights + choices.ended
    return float((scores[choices.chosen] >= np.maximum.reduceat(scores, first)).mean())


def logistic_loss(features: F64, shares: F64, weights: F64) -> tuple[float, F64]:
    """Return the mean cross-entropy of shares `[n]` under the logistic function of scores, and its gradient."""
    scores = features @ weights
    loss = float((np.logaddexp(0, scores) - shares * scores).mean())
    return loss, features.T @ (1 / (1 + np.exp(-scores)) - shares) / len(shares)


def fit_mix(lessons: Lessons, mix: Mix, start: Weights) -> Weights:
    """Return the weights `[F]` of the least loss of a mix, held to `start` as by a normal prior."""
    from scipy.optimize import minimize  # late: slow to import

    scaling = Scaling.around(start)
    (results, won), (positions, worth) = lessons.results, lessons.values

    def loss(point: F64) -> tuple[float, F64]:
        weights = start + point * scaling.unit
        parts = (
            (mix.choices, choice_loss(lessons.choices, weights)),
            (mix.results, logistic_loss(results, won, weights)),
            (mix.values, logistic_loss(positions, worth, weights)),
        )
        total = sum(share * part for share, (part, _) in parts) + mix.prior * float(point @ point) / 2
        gradient = sum((share * slope for share, (_, slope) in parts), np.zeros(len(point)))
        return total, gradient * scaling.unit + mix.prior * point

    origin = np.zeros(len(start))
    result = minimize(loss, origin, jac=True, method="L-BFGS-B", options={"maxiter": MOST_STEPS})
    return scaling.weights(np.asarray(result.x))
