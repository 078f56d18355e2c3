"""Tuning over hosts: what is asked becomes tasks, and what they answer is told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator

from ringrift_airflow.operators.ringrift import LARGEST_RESULT
from ringrift_airflow.operators.tuning import AnswerOperator, AskAgainOperator, AskOperator, TellOperator
from tests.airflow.conftest import Tries
from tests.airflow.place import Place

RUN = "data/tuning/heuristic/square8_2p/demo"


def run(kind: type[Any], tries: Tries, *words: str) -> Any:
    return kind(task_id="task", words=["tune", *words], deferrable=False).execute(tries.context())


def test_every_part_of_a_question_becomes_a_command(place: Place, tries: Tries) -> None:
    found = run(AskOperator, tries, "ask", RUN, "--parts", "2")
    assert place.calls("tune ask")[-1]["words"] == ["tune", "ask", RUN, "--parts", "2", "--json"]
    assert found == [["tune", "answer", '{"question": 3}'], ["tune", "answer", '{"question": 3, "x": 1}']]


def test_an_answer_goes_on_whole_however_long_it_is(place: Place, tries: Tries) -> None:
    found = run(AnswerOperator, tries, "answer", '{"question": 3}')
    assert len(found["answers"]) == 1000
    assert len(json.dumps(found)) > LARGEST_RESULT


@pytest.mark.parametrize("answers", [[{"answers": [1]}, None, {"answers": [2]}], [{"answers": [1]}, {"answers": [2]}]])
def test_a_run_is_told_what_has_come_though_a_host_has_died(answers: Any, place: Place, tries: Tries) -> None:
    tries.xcoms["answer"] = answers
    run(TellOperator, tries, "tell", RUN)
    told = ['{"answers": [1]}', '{"answers": [2]}']
    assert place.calls("tune tell")[-1]["words"] == ["tune", "tell", RUN, *told, "--json"]


def test_the_next_generation_is_asked_of_the_same_run_whatever_weights_are_in_use_by_then(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = Tries(config="square8_2p", games=4, run=None)
    tries.xcoms["begin"] = {"run": RUN}
    monkeypatch.setattr(TriggerDagRunOperator, "execute", lambda self, context: self.conf)
    again = AskAgainOperator(task_id="again", trigger_dag_id="ringrift__tune", begun_by="begin")
    assert again.execute(tries.context()) == {"config": "square8_2p", "games": 4, "run": "demo"}


def test_the_answer_of_a_single_task_is_no_list(place: Place, tries: Tries) -> None:
    tries.xcoms["answer"] = {"answers": [1]}
    run(TellOperator, tries, "tell", RUN)
    assert place.calls("tune tell")[-1]["words"] == ["tune", "tell", RUN, '{"answers": [1]}', "--json"]
