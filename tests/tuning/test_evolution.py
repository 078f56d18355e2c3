"""Evolution finds what was planted, whatever chance does, and depends on plan and answers alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ringrift.heuristic import FEATURE_COUNT, FEATURE_NAMES, frozen_weights
from ringrift.kernels.types import F64
from ringrift.tuning.evolution import Answer, Plan, Question, Scaling, answered, evolve, noise_share
from ringrift.tuning.fitness import Fitness, NetworkFitness
from tests.tuning.synthetic import PlantedFitness, a_plan, shifted


def held(plan: Plan, fitness: Fitness) -> tuple[F64, list[tuple[Question, Answer]]]:
    """The conversation with a fitness: the best weights, and all that was said."""
    conversation = evolve(plan)
    said: list[tuple[Question, Answer]] = []
    answer: Any = None
    while True:
        try:
            question = conversation.send(answer)
        except StopIteration as end:
            return end.value, said
        answer = answered(fitness(question.candidates, question.panel, question.games))
        said.append((question, answer))


def test_a_planted_optimum_is_found_through_the_noise_of_games() -> None:
    """Twice 60 generations, with as much noise as in games, leave less than a quarter of what was to be gained."""
    planted = PlantedFitness(shifted(0.8), np.ones(FEATURE_COUNT))
    best, _ = held(a_plan(restarts=1, generations=60, openings=48, most_openings=200), planted)
    before, after = planted.elo(frozen_weights()), planted.elo(best)
    assert before < -400
    assert after > before / 4


def test_a_planted_bad_feature_gets_a_weight_near_zero() -> None:
    """Everything is as it should be but one weight, which should be 0 and counts much."""
    index = FEATURE_NAMES.index("captives")
    optimum, matters = frozen_weights(), np.full(FEATURE_COUNT, 0.2)
    optimum[index], matters[index] = 0.0, 5.0
    best, _ = held(a_plan(restarts=1, generations=40, openings=48), PlantedFitness(optimum, matters))
    assert abs(best[index]) < 0.35 * frozen_weights()[index]


def test_all_candidates_of_a_generation_get_the_same_games_and_no_two_generations_do() -> None:
    _, said = held(a_plan(restarts=1, generations=5), PlantedFitness(shifted(0.5), np.ones(FEATURE_COUNT)))
    seeds = [question.games.seed for question, _ in said]
    assert len(set(seeds)) == len(seeds) == 2 * (5 + 1)


def test_games_grow_while_chance_hides_the_differences() -> None:
    """Where no weight counts, all is chance, up to the limit; where one decides every game, nothing grows."""
    nothing = PlantedFitness(frozen_weights(), np.zeros(FEATURE_COUNT))
    _, said = held(a_plan(restarts=0, generations=8, openings=8, growth=1.5, most_openings=50), nothing)
    openings = [question.games.openings for question, _ in said if not question.is_check]
    assert openings[0] == 8
    assert openings[-1] == 50


def test_a_restart_begins_around_the_best_with_smaller_steps_and_plays_against_it() -> None:
    planted = PlantedFitness(shifted(0.8), np.ones(FEATURE_COUNT))
    _, said = held(a_plan(restarts=1, generations=20, openings=48, sigma=0.5, anneal=0.5), planted)
    first, second = (question for question, _ in said if question.generation == 0)
    check = next(question for question, _ in said if question.is_check)
    assert (first.sigma, second.sigma) == (0.5, 0.25)
    assert second.mean == pytest.approx(check.candidates[0])
    assert len(first.panel) == 1  # the frozen weights are those to start from
    assert second.panel.tolist() == [frozen_weights().tolist(), check.candidates[0].tolist()]


def test_the_panel_is_the_frozen_weights_those_in_use_the_start_and_as_many_past_bests_as_are_wanted() -> None:
    others = {"in_use": tuple(shifted(0.1).tolist()), "start": tuple(shifted(0.2).tolist())}
    for wanted in (0, 1, 2):
        plan = replace(a_plan(restarts=3, generations=20, openings=48, past_bests=wanted), **others)
        _, said = held(plan, PlantedFitness(shifted(0.8), np.ones(FEATURE_COUNT)))
        panels = [question.panel.tolist() for question, _ in said if question.generation == 0]
        assert [panel[:3] for panel in panels] == [[list(plan.frozen), list(plan.in_use), list(plan.start)]] * 4
        won = [bool(answer.scores[0] > 0.5) for question, answer in said if question.is_check]
        assert won[:3] == [True] * 3, "there is one more best after each start"
        assert [len(panel) - 3 for panel in panels] == [min(wanted, start) for start in range(4)]


def test_weights_that_agree_less_with_a_network_than_those_to_start_from_are_not_the_best() -> None:
    """The start is the optimum; all that is near it agrees to nearly 100 %, and would win each «game»."""
    features = np.random.default_rng(1).normal(size=(60, 2, FEATURE_COUNT)) / 10
    agreement = NetworkFitness(features, np.tanh(features @ frozen_weights() / 2), np.repeat(np.arange(6), 10))
    best, said = held(a_plan(evaluator="network", network="a.pth", restarts=1, generations=3), agreement)
    assert best.tolist() == frozen_weights().tolist()
    assert all(0.5 < answer.scores[0] < answer.scores[1] for question, answer in said if question.is_check)


def test_the_conversation_depends_on_plan_and_answers_alone() -> None:
    planted = PlantedFitness(shifted(0.5), np.ones(FEATURE_COUNT))
    np.random.seed(1)
    once, said = held(a_plan(generations=3), planted)
    np.random.seed(2)
    again, _ = held(a_plan(generations=3), planted)
    assert once.tolist() == again.tolist()
    assert len({tuple(row) for question, _ in said for row in question.candidates.tolist()}) > 2 * 3 * 20


def test_a_step_is_half_a_weight_and_never_nothing() -> None:
    scaling = Scaling.around(np.array([6.0, -2.0, 0.0]))
    assert scaling.unit.tolist() == [3.0, 1.0, 0.25]
    assert scaling.weights(np.array([1.0, 1.0, -2.0])).tolist() == [9.0, -1.0, -0.5]


@pytest.mark.parametrize(
    ("scores", "variances", "share"),
    [([0.4, 0.6], [0.01, 0.01], 0.5), ([0.5, 0.5], [0.01, 0.01], 1.0), ([0.49, 0.51], [0.01, 0.01], 1.0)],
)
def test_the_share_of_chance(scores: list[float], variances: list[float], share: float) -> None:
    assert noise_share(Answer(np.array(scores), np.array(variances))) == pytest.approx(share)
