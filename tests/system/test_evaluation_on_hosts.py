"""A gauntlet and the gate's trial on two hosts: models are brought there, games come back, and are judged here."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.sdk.exceptions import AirflowFailException

from ringrift.evaluation.gauntlet import gauntlet
from ringrift.evaluation.match_runner import MatchRunner
from ringrift.evaluation.participants import model_participant
from ringrift.evaluation.settings import evaluation_settings
from ringrift.models import ModelStore, StoredModel, model_settings
from ringrift.models.shared_trial import stored_trial, trial_request
from ringrift.run_context import RunContext
from ringrift.settings import DEFAULTS
from ringrift_airflow.hooks.fleet import FleetHook
from ringrift_airflow.operators.shared_evaluation import MODEL, AnswerEvaluationOperator, AskEvaluationOperator
from tests.airflow.conftest import Tries
from tests.airflow.conftest import place as place_of_test
from tests.airflow.conftest import tries as tries_of_test
from tests.airflow.place import Place
from tests.models.making import crowned, registered
from tests.system.networks import Machine, machine
from tests.system.test_fleet import install

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("fleet")]

place, tries = place_of_test, tries_of_test
CONFIG = "square8_2p"


def few_games(evaluation: Any, models: Any) -> None:
    evaluation["gauntlet"] |= {"as": "policy", "first_games": 2, "second_games": 2, "look_games": 2, "cut_off": 0}
    models["gate"]["trial"] |= {"player": "policy:{model}", "random_games": 2, "heuristic_games": 2}
    models["gate"]["inference"]["positions"] = 5


@pytest.fixture
def hosts(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Machine]]:
    config = tmp_path / "config"
    config.mkdir()
    monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(config))
    monkeypatch.setenv("RINGRIFT_PROGRAM", str(Path(sys.executable).with_name("ringrift")))
    settings = {name: yaml.safe_load((DEFAULTS / name).read_text()) for name in ("evaluation.yaml", "models.yaml")}
    few_games(*settings.values())
    with ExitStack() as stack:
        machines = {
            name: stack.enter_context(machine(tmp_path / name, name, number, roles=["tournament"]))
            for number, name in enumerate(("judge-1", "judge-2"))
        }
        settings["hosts.yaml"] = {"hosts": {name: one.host.entry() for name, one in machines.items()}}
        for name, content in settings.items():
            (config / name).write_text(yaml.safe_dump(content))
        for one in machines.values():
            install(one, config)
        yield machines


class Unplayed(MatchRunner):
    """Judges without playing."""

    def agents(self, plan: Any, players: Any) -> Any:
        return []


def model_and_champion(place: Place) -> tuple[StoredModel, StoredModel]:
    with FleetHook().health() as health:
        store = ModelStore(health.database, place.home / "models")
        champion = crowned(store, registered(store, 1, CONFIG, architecture="small"))
        return registered(store, 0, CONFIG, architecture="small"), champion


def test_one_gauntlet_is_shared_out_over_hosts_and_judged_here(
    place: Place, hosts: dict[str, Machine], tries: Tries
) -> None:
    model, champion = model_and_champion(place)
    tries.xcoms["train"] = {"path": f"models/{CONFIG}/{model.id}.pth"}
    asked = [[CONFIG, "gauntlet", MODEL, "--trial"]]
    ask = AskEvaluationOperator(task_id="ask", questions=asked, config=CONFIG, deferrable=False)
    parts = ask.execute(tries.context())
    assert len(parts) == 4, "three opponents and the trial"
    assert {part["gpus"] for part in parts} == {0}
    played = []
    for number, part in enumerate(parts):
        with FleetHook().health() as health:  # the other one has a slot taken, so that each gets its share
            health.release("other")
            health.choose("other", "tournament", excluded={f"judge-{1 + number % 2}": "its turn"})
        played.append(AnswerEvaluationOperator(task_id="answer", deferrable=False, **part).execute(Tries().context()))
    assert [one["host"] for one in played] == ["judge-1", "judge-2"] * 2
    for one in hosts.values():
        assert (one.host.home / "models" / CONFIG / f"{model.id}.pth").is_file()
        assert not (one.host.home / "data" / "games").exists(), "what is judged and rated is judged here"

    assert ask.execute(tries.context()) == [], "nothing is asked twice"
    with FleetHook().health() as health:
        store = ModelStore(health.database, place.home / "models")
        form = evaluation_settings().gauntlet.as_
        player, opponent = (model_participant(Path(store.path(one)), form) for one in (model, champion))
        runner = Unplayed(health.database, RunContext(evaluation_settings()))
        report = gauntlet(CONFIG, player, opponent, runner)
        gate = model_settings().gate
        request = trial_request(model, str(store.path(model)), gate)
        tried = stored_trial(health.database, request, gate)
    assert [one.role for one in report.opponents] == ["random", "heuristic", "champion"]
    assert tried is not None
    assert tried.inference.gpu is False
    assert sum(tried.games.played.values()) == 4


def test_a_role_that_nothing_serves_is_one_line(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = yaml.safe_load((DEFAULTS / "fleet.yaml").read_text()) | {"here": ["selfplay"]}
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "fleet.yaml").write_text(yaml.safe_dump(settings))
    monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(tmp_path / "config"))
    said = r"^role tournament: nothing serves it: no host of hosts.yaml has it, and `here` of fleet.yaml leaves it out"
    ask = AskEvaluationOperator(task_id="ask", questions=[[CONFIG, "shadow"]], deferrable=False)
    with pytest.raises(AirflowFailException, match=said):
        ask.execute(Tries().context())
    answer = AnswerEvaluationOperator(task_id="answer", question='{"trial": "models/x/1.pth"}', deferrable=False)
    with pytest.raises(AirflowFailException, match=said):
        answer.execute(Tries().context())
