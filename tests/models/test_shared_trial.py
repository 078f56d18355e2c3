"""A trial on another machine: its device counts, its games are replayed, and a network for GPUs waits for one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ringrift.evaluation.kept_games import GameFilter, newest_games
from ringrift.evaluation.match_runner import MatchRunner
from ringrift.evaluation.settings import evaluation_settings
from ringrift.evaluation.shared_games import BadGames
from ringrift.models import ModelStore, StoredModel, check, run_gate
from ringrift.models.questions import Question, ask, ask_trial, tell
from ringrift.models.shared_trial import run_trial, take_trial, trial_request
from ringrift.run_context import RunContext
from tests.models.faults import Crashing, Stand
from tests.models.making import crowned, registered
from tests.models.test_gate import gate_context, importable, results, stopped_at

pytestmark = pytest.mark.slow
__all__ = ["importable"]
"""The fixture by which the process of a trial finds the players of the tests."""

GPU = {"gpu": ["tiny"]}


@pytest.fixture
def model(store: ModelStore) -> StoredModel:
    return registered(store)


def tried(store: ModelStore, model: StoredModel, factory: Any = Stand, **inference: object) -> Any:
    """Return the report of another machine about the trial of a model, after it has gone through JSON."""
    request = trial_request(model, str(store.path(model)), gate_context().settings, factory)
    answer = json.loads(json.dumps(run_trial(request, gate_context()).to_json()))["trial"]
    answer["inference"] = answer["inference"] and answer["inference"] | inference
    return answer


def taken(store: ModelStore, model: StoredModel, answer: Any) -> int:
    request = trial_request(model, str(store.path(model)), gate_context().settings)
    return take_trial(store.database, request, answer, "gpu-1")


def test_the_gate_believes_a_trial_elsewhere_and_starts_none(store: ModelStore, model: StoredModel) -> None:
    assert taken(store, model, tried(store, model, device="gpu-1, NVIDIA H200", gpu=True, milliseconds=[2.0])) == 10
    report = run_gate(store, model, results(), gate_context(), factory=Crashing)
    assert report.passed, report.verdict
    measured = {check.name: check.measured for check in report.checks}
    assert measured["inference"] == "2.00 ms over 1 positions, gpu-1, NVIDIA H200"
    assert measured["finish"] == "10 of 10 games ended, 0 at the limit of moves"
    assert len(newest_games(store.database, GameFilter(kind="trial"), 100)) == 10


def test_a_network_for_gpus_that_a_processor_finds_slow_waits_for_one(store: ModelStore, model: StoredModel) -> None:
    slow = {"device": "desk, CPU, threads: 1", "gpu": False, "milliseconds": [156.0]}
    answer = tried(store, model)
    taken(store, model, answer | {"inference": answer["inference"] | slow})
    measured = stopped_at(
        run_gate(store, model, results(), gate_context(inference=GPU | {"positions": 5})), "inference"
    )
    assert measured == (
        "156.00 ms over 1 positions, desk, CPU, threads: 1, which says nothing of a tiny: it is meant for a GPU, see "
        "`inference` in models.yaml"
    )
    context = gate_context(inference=GPU | {"positions": 5})
    assert check(store, model, results(), context).outcome == "refused"
    assert store.find(model.id).status == "development", "that says nothing about the model"
    taken(store, model, answer | {"inference": answer["inference"] | {"gpu": True, "milliseconds": [2.0]}})
    assert check(store, model, results(), context).outcome == "passed"


def test_a_slow_network_that_is_meant_for_processors_is_refused(store: ModelStore, model: StoredModel) -> None:
    taken(store, model, tried(store, model, gpu=False, milliseconds=[156.0]))
    assert check(store, model, results(), gate_context()).outcome == "refused"
    assert store.find(model.id).status == "rejected"


def test_a_model_that_crashed_elsewhere_does_not_pass_here(store: ModelStore, model: StoredModel) -> None:
    answer = tried(store, model, Crashing)
    assert answer["fault"] is not None
    taken(store, model, answer)
    report = run_gate(store, model, results(), gate_context(), factory=Stand)
    assert report.failed is not None
    assert answer["fault"] in report.failed.measured


def test_a_trial_by_other_limits_is_asked_for_again(store: ModelStore, model: StoredModel) -> None:
    taken(store, model, tried(store, model))
    settings = gate_context().settings
    assert ask_trial(store, Path(store.path(model)), settings) is None
    other = settings.model_copy(update={"trial": settings.trial.model_copy(update={"random_games": 10})})
    assert ask_trial(store, Path(store.path(model)), other) == Question(Path(store.path(model)))


def without_heuristic(answer: Any) -> Any:
    return answer | {"parts": answer["parts"][:1]}


def with_games_of_nobody(answer: Any) -> Any:
    return answer | {"parts": [{"part": "nobody", "games": []}]}


def with_a_wrong_time(answer: Any) -> Any:
    return answer | {"inference": answer["inference"] | {"milliseconds": [-1.0]}}


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (without_heuristic, "gpu-1: has played random in the trial of "),
        (with_games_of_nobody, "gpu-1: has played nobody in the trial of "),
        (with_a_wrong_time, r"gpu-1: its games cannot be read: inference\.milliseconds\.0: "),
    ],
)
def test_a_trial_that_is_not_what_it_should_be_is_refused_in_a_line(
    spoil: Callable[[Any], Any], said: str, store: ModelStore, model: StoredModel
) -> None:
    with pytest.raises(BadGames, match=said):
        taken(store, model, spoil(tried(store, model)))
    assert newest_games(store.database, GameFilter(kind="trial"), 1) == []


def test_the_champion_is_asked_for_by_its_own_file_which_other_machines_can_be_given(
    store: ModelStore, model: StoredModel
) -> None:
    champion = crowned(store, registered(store, 1))
    runner = MatchRunner(store.database, RunContext(evaluation_settings()))
    path = Path(store.path(model))
    questions = ask(store, "hex8_2p", "gauntlet", ["policy"], runner, path)
    assert [question.models for question in questions] == [
        (str(path),),
        (str(path),),
        (str(path), str(store.path(champion))),
    ]
    assert [Question.read(question.to_text()) for question in questions] == questions
    rating = ask(store, "hex8_2p", "rating", ["policy", "gumbel@32"], runner, path)
    assert len(rating) == 3 + 2 * (4 + 1), "the anchors meet once, whatever the ways to play"
    shadow = ask(store, "hex8_2p", "shadow", ["policy"], runner, path)
    assert shadow[-1].models == (str(path), str(store.path(champion)))
    assert len(ask(store, "hex8_2p", "tournament", ["policy"], runner, None)) == 8 * 7 // 2
    with pytest.raises(BadGames, match="gpu-1: its answer cannot be read"):
        tell(questions[0], ["nonsense"], runner, gate_context().settings, "gpu-1")
