"""A run goes on after a kill at any point, and refuses what is not its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ringrift.errors import Busy
from ringrift.run_context import Cancelled, RunContext
from ringrift.settings import BadSettings
from ringrift.tuning.heuristic import TuningReport, continued, default_name, tune, write_best
from ringrift.tuning.jobs import Answers, BadPart, open_parts, read_answers, read_part, tell_run
from ringrift.tuning.run import BadRun, CandidateAnswer, TuningRun, open_run, read_plan
from tests.tuning.synthetic import a_plan, shifted
from tests.tuning.worker import PLAN, PLANTED


def finished(folder: Path) -> tuple[TuningReport, str]:
    """The report of a run that is brought to its end, and its log without times."""
    with open_run(folder, PLAN) as run:
        report = tune(run, PLANTED, RunContext(None))
    return report, "\n".join(line.split('"seconds"')[0] for line in (folder / "log.jsonl").read_text().splitlines())


def test_a_run_that_is_killed_goes_on_with_the_same_generation(tmp_path: Path) -> None:
    """Killed three times with SIGKILL, wherever it is then: no question is another one, and no answer is lost."""
    undisturbed, expected = finished(tmp_path / "undisturbed")
    folder = tmp_path / "killed"
    lines = 0
    for _ in range(3):
        worker = subprocess.Popen([sys.executable, "-m", "tests.tuning.worker", str(folder), "0.02"])
        while _lines(folder) < lines + 8 and worker.poll() is None:
            time.sleep(0.01)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        assert _lines(folder) > lines
        lines = _lines(folder)
    report, log = finished(folder)
    assert log == expected
    assert report.weights == undisturbed.weights


def _lines(folder: Path) -> int:
    log = folder / "log.jsonl"
    return log.read_bytes().count(b"\n") if log.exists() else 0


@pytest.mark.parametrize("cut", [1, 40, 300])
def test_a_line_that_was_cut_off_is_taken_away_and_asked_again(cut: int, tmp_path: Path) -> None:
    undisturbed, expected = finished(tmp_path / "undisturbed")
    finished(tmp_path / "cut")
    log = tmp_path / "cut" / "log.jsonl"
    log.write_bytes(log.read_bytes()[:-cut])
    report, text = finished(tmp_path / "cut")
    assert text == expected
    assert report.weights == undisturbed.weights


def test_a_cancelled_run_keeps_what_was_answered(tmp_path: Path) -> None:
    context = RunContext(None)
    context.cancellation.set()
    with open_run(tmp_path, PLAN) as run, pytest.raises(Cancelled, match="stopped after 0 of 10 questions"):
        tune(run, PLANTED, context)


def test_a_log_that_says_something_else_is_refused(tmp_path: Path) -> None:
    finished(tmp_path)
    log = tmp_path / "log.jsonl"
    good = log.read_text()
    log.write_text(good.replace('"candidates":[[', '"candidates":[[9', 1))
    with pytest.raises(BadRun, match=r"question 0 is another one than this version asks; begin a new run"):
        finished(tmp_path)
    log.write_text("nothing\n" + good)
    with pytest.raises(BadRun, match=r"line 1 is no question and no answer"):
        finished(tmp_path)


def test_another_plan_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    finished(tmp_path)
    other = a_plan(restarts=1, generations=9, population=6, openings=4, check_openings=8)
    with pytest.raises(BadRun, match=r"holds a run with other settings \(generations\)"), open_run(tmp_path, other):
        pass
    (tmp_path / "run.json").write_text('{"config": "square8_2p", "settings": {}}')
    with pytest.raises(BadSettings, match="restarts: is missing"):
        read_plan(tmp_path)
    with pytest.raises(BadRun, match="there is no such run"):
        read_plan(tmp_path / "nowhere")


def test_other_weights_in_use_make_another_run_unless_the_run_is_named(tmp_path: Path) -> None:
    finished(tmp_path / "named")
    accepted = tuple(shifted(0.3).tolist())
    now = replace(PLAN, in_use=accepted, start=accepted)
    assert default_name(now) != default_name(PLAN)
    assert continued(now, tmp_path / "nowhere", with_start=False) == now
    assert continued(now, tmp_path / "named", with_start=False) == PLAN
    assert continued(now, tmp_path / "named", with_start=True) == replace(PLAN, start=accepted)


def test_a_run_that_began_when_only_its_start_was_in_the_panel_goes_on(tmp_path: Path) -> None:
    start = tuple(shifted(0.2).tolist())
    with open_run(tmp_path, replace(PLAN, in_use=start, start=start)) as run:
        expected = tune(run, PLANTED, RunContext(None)).weights
    path = tmp_path / "run.json"
    fields = json.loads(path.read_text())
    del fields["in_use"]
    path.write_text(json.dumps(fields))
    with open_run(tmp_path, read_plan(tmp_path)) as again:
        assert tune(again, PLANTED, RunContext(None)).weights == expected


def test_two_processes_do_not_write_one_log(tmp_path: Path) -> None:
    busy = pytest.raises(Busy, match="another process works on this run")
    with open_run(tmp_path, PLAN), busy, open_run(tmp_path, PLAN):
        pass


def test_only_a_finished_run_has_weights(tmp_path: Path) -> None:
    with open_run(tmp_path, PLAN) as run, pytest.raises(BadRun, match="is not finished: 0 of 10 questions"):
        write_best(run)


def answered_by_hosts(run: TuningRun, hosts: int, dies: set[tuple[int, int]]) -> None:
    """Answer all questions in parts, one for each host; who dies in a question answers nothing, and is asked again."""
    while run.ask() is not None:
        number = run.number
        for host, part in enumerate(open_parts(run, hosts)):
            if (number, host) in dies:
                dies.discard((number, host))
                continue
            received = read_part(part.to_text())
            for index, weights in received.candidates.items():
                scores = PLANTED(weights[None], received.panel, received.games)
                score, variance = float(scores.mean()), float(scores.var(ddof=1) / scores.size)
                run.tell(CandidateAnswer(received.question, index, round(score, 6), round(variance, 9), 0, 0.0))


def test_two_hosts_of_which_one_dies_come_to_the_same_weights(tmp_path: Path) -> None:
    undisturbed, _ = finished(tmp_path / "alone")
    with open_run(tmp_path / "hosts", PLAN) as run:
        answered_by_hosts(run, 2, {(1, 0), (1, 1), (3, 1), (9, 0)})
        assert run.best is not None
        assert run.best.tolist() == list((undisturbed.weights or {}).values())


def test_an_answer_that_comes_twice_or_too_late_changes_nothing(tmp_path: Path) -> None:
    with open_run(tmp_path, PLAN) as run:
        run.ask()
        run.tell(CandidateAnswer(0, 2, 0.5, 0.01, 8, 0.1))
        before = run.log.read_bytes()
        run.tell(CandidateAnswer(0, 2, 0.9, 0.01, 8, 0.1))
        run.tell(CandidateAnswer(7, 2, 0.9, 0.01, 8, 0.1))
        assert run.log.read_bytes() == before
        assert 2 not in run.open_candidates
        with pytest.raises(BadRun, match="question 0 has no candidate 99"):
            run.tell(CandidateAnswer(0, 99, 0.5, 0.01, 8, 0.1))


def test_answers_to_another_run_are_refused(tmp_path: Path) -> None:
    one = CandidateAnswer(0, 2, 0.5, 0.01, 8, 0.1)
    with open_run(tmp_path / "this", PLAN) as run, open_run(tmp_path / "other", replace(PLAN, seed=9)) as other:
        run.ask()
        with pytest.raises(BadPart, match=f"these answers are to another run, {other.id}; this one is {run.id}"):
            tell_run(run, Answers(other.id, [one]))
        assert 2 in run.open_candidates
        tell_run(run, read_answers(json.dumps(Answers(run.id, [one]).to_json())))
        assert 2 not in run.open_candidates


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no JSON", "not JSON"),
        ("{}", "'config'"),
        ('{"config":"square8_2p","run":7,"question":0}', "7 is no name"),
        (
            '{"config":"square8_2p","run":"a","question":0,"candidates":{"0":[1,2]},"panel":[],"openings":1,"seed":0}',
            "29 finite",
        ),
    ],
)
def test_a_part_that_is_none_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(BadPart, match=message) as raised:
        read_part(text)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("score", [1.5, -0.1, "much", None])
def test_an_answer_that_is_none_is_refused(score: object) -> None:
    one = {"question": 0, "candidate": 0, "score": score, "variance": 0.1, "games": 2, "seconds": 0.1}
    with pytest.raises(BadPart, match="answers that cannot be read"):
        read_answers(json.dumps({"run": "a", "answers": [one]}))
