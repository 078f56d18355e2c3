"""Models are measured by every condition of the gate, whoever has them and without any consequence."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringrift.evaluation.kept_games import GameFilter, newest_games
from ringrift.evaluation.settings import EvaluationSettings, evaluation_settings
from ringrift.models import ModelStore, history, model_settings
from ringrift.models.screening import screen
from ringrift.models.settings import GateSettings
from ringrift.models.store import unregistered
from ringrift.networks import save_model
from ringrift.networks.errors import DamagedModel, MissingModel
from ringrift.run_context import RunContext
from tests.models.faults import Stand
from tests.models.making import crowned, network, registered

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))


def few_games() -> EvaluationSettings:
    settings = evaluation_settings()
    few = {"as_": "policy", "first_games": 2, "second_games": 2, "look_games": 2}
    return settings.model_copy(update={"gauntlet": settings.gauntlet.model_copy(update=few)})


def gate_context() -> RunContext[GateSettings]:
    gate = model_settings().gate
    few = {"random_games": 2, "heuristic_games": 2, "player": "policy:{model}"}
    changes = {
        "trial": gate.trial.model_copy(update=few),
        "inference": gate.inference.model_copy(update={"positions": 5}),
    }
    return RunContext(gate.model_copy(update=changes))


def test_any_files_are_measured_and_nothing_changes(store: ModelStore, tmp_path: Path) -> None:
    champion = crowned(store, registered(store, 1))
    before = history(store, config=champion.config)
    save_model(tmp_path / "mine.pth", network(seed=2))
    models = [unregistered(tmp_path / "mine.pth"), registered(store, 3)]
    report = screen(store, models, few_games(), gate_context(), factory=Stand)
    assert [one.model for one in report.reports] == [model.id for model in models]
    for one in report.reports:
        assert all(check.verdict != "not run" and check.measured and check.limit for check in one.checks), one
        assert one.champion == champion.id
        kinds = {game.kind for game in newest_games(store.database, GameFilter(player=one.model), 100)}
        assert kinds == {"gate", "trial"}
    assert history(store, config=champion.config) == before
    assert {model.id for model in store.listed()} == {champion.id, models[1].id}
    assert {model.status for model in store.listed()} == {"production", "development"}


def test_a_file_that_is_no_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "no.pth").write_text("no model")
    with pytest.raises((DamagedModel, MissingModel), match=r"no\.pth"):
        unregistered(tmp_path / "no.pth")
