"""PUCT search: noise, forced playouts, and the pruning of targets."""

from __future__ import annotations

import numpy as np
import pytest

from ringrift.game import get_board
from ringrift.game.rng import mix64
from ringrift.search import PuctSearch
from ringrift.search.chance import dirichlet, gamma
from tests.search.parts import HashedEvaluator, positions


@pytest.mark.parametrize("alpha", [0.05, 0.3, 1.0, 4.0])
def test_gamma_numbers_have_the_mean_and_variance_of_their_shape(alpha: float) -> None:
    numbers = np.array([gamma(np.uint64(mix64(np.uint64(i))), alpha) for i in range(20_000)])
    error = 5 * np.sqrt(alpha / len(numbers))
    assert numbers.mean() == pytest.approx(alpha, abs=error)
    assert numbers.var() == pytest.approx(alpha, rel=0.2)


def test_dirichlet_numbers_are_shares() -> None:
    out = np.zeros(12)
    for key in range(200):
        dirichlet(np.uint64(key), 0.3, 12, out)
        assert out.sum() == pytest.approx(1)
        assert (out >= 0).all()


def test_without_noise_the_target_is_the_visits() -> None:
    states = positions("square8", 2, 6, 50)
    found = PuctSearch(get_board("square8"), 2, HashedEvaluator(2), simulations=50).run(states)
    for game in range(len(states)):
        mine = slice(found.offsets[game], found.offsets[game + 1])
        assert found.policy[mine] == pytest.approx(found.visits[mine] / 50)


def test_pruning_takes_visits_away_but_never_from_the_best_action() -> None:
    states = positions("square8", 2, 12, 50)
    found = PuctSearch(get_board("square8"), 2, HashedEvaluator(2), simulations=200, noise=True).run(states)
    pruned = 0
    for game in range(len(states)):
        mine = slice(found.offsets[game], found.offsets[game + 1])
        visits, policy = found.visits[mine], found.policy[mine]
        best = int(visits.argmax())
        kept = policy / policy[best] * visits[best]
        assert (kept <= visits + 1e-3).all()
        assert found.chosen[game] == found.actions[mine][best]
        assert policy.sum() == pytest.approx(1)
        pruned += int((kept < visits - 0.5).sum())
    assert pruned > 0
