"""Evaluations over the hosts for tournaments: questions are asked here, played there, and the games verified here."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, Final

from airflow.sdk import Context
from airflow.sdk.definitions.mappedoperator import MappedOperator

from ringrift.fleet.hosts import Role
from ringrift.fleet.placement import Needs
from ringrift_airflow.hooks.fleet import FleetHook
from ringrift_airflow.host_tasks import ASK, GAMES
from ringrift_airflow.operators.ringrift import RingriftOperator, candidate, read_report
from ringrift_airflow.retries import RETRY_POLICY, failing_for_good_unless_busy
from ringrift_airflow.workspace import home

ROLE: Final[Role] = "tournament"
MODEL: Final = "{model}"
"""The word of a question that stands for the model of the run."""
AFTER_GAMES: Final = "none_failed_min_one_success"
"""The trigger rule of an evaluation: it plays here what no host has played, which is all where there are no hosts."""


class AskEvaluationOperator(RingriftOperator):
    """Ask what hosts can play for evaluations; the result is a task for each question, none where there are no hosts.

    :param questions: words after `ringrift evaluations ask`, one list for each evaluation.
    :param config: of the model of the run, for which `MODEL` stands in the questions.
    :param network_gpus: how many GPUs are locked for games of networks.
    """

    def __init__(
        self, *, questions: Sequence[Sequence[str]], config: str = "", network_gpus: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(words=["evaluations", "ask"], **kwargs)
        self.questions = [list(words) for words in questions]
        self.config = config
        self.network_gpus = network_gpus

    def work(self, context: Context) -> Any:
        """Ask, unless this machine plays all itself."""
        with failing_for_good_unless_busy():
            shared = FleetHook().has(ROLE)
        if not (shared and self.questions):
            self.log.info("no host has the role %s: this machine plays all", ROLE)
            return []
        return super().work(context)

    def command_line(self, context: Context) -> str:
        """Return a command for each evaluation, which writes a line of JSON each."""
        model = candidate(context, self.config, "train") if self.config else MODEL
        commands = (
            [*self.words, *(model if word == MODEL else word for word in words), "--json"] for words in self.questions
        )
        lines = " && ".join(f"{self.site.program} {shlex.join(words)}" for words in commands)
        return f'{{ {lines}; }} >"$RINGRIFT_JOB/output"'

    def result(self, output: bytes, code: int, context: Context) -> Any:
        """Return the question and the GPUs of every task."""
        reports = [read_report(line, code, self.last_line) for line in output.splitlines()]
        questions = [question for report in reports for question in report["questions"]]
        self.log.info("%d questions for the hosts with the role %s", len(questions), ROLE)
        return [{"question": question, "gpus": self._gpus(json.loads(question))} for question in questions]

    def _gpus(self, question: Any) -> int:
        """Return the GPUs that a question needs; a trial is timed on one, where a host has one."""
        if "trial" in question:
            return int(any(ROLE in host.roles and host.gpus for host in FleetHook().hosts.values()))
        return self.network_gpus if any(".pth" in player["spec"] for player in question["players"]) else 0


class AnswerEvaluationOperator(RingriftOperator):
    """Play what a question asks for on a host; its games are verified here, and stored. A later try goes on with them.

    :param question: as `ringrift evaluations ask` has printed it.
    """

    template_fields: Sequence[str] = ("words", "host", "environment", "question")
    without_gpu: ClassVar[bool] = True

    def __init__(self, *, question: str, **kwargs: Any) -> None:
        super().__init__(words=["evaluations", "answer"], **({"role": ROLE} | kwargs))
        self.question = question

    def needs(self) -> Needs:
        """Return what the job needs of its host, which has to be fit for the config of the question."""
        question = json.loads(self.question)
        config = Path(question["trial"]).parent.name if "trial" in question else question["config"]
        return replace(super().needs(), config=config)

    def prepare(self, context: Context) -> None:
        """Bring the models that play to another host."""
        if not self.site.remote:
            return
        from ringrift.fleet.staging import push_files  # late, as what follows: they need torch
        from ringrift.models.questions import Question

        paths = Question.read(self.question).files
        sent = FleetHook().carry(self.site.host, lambda shell: push_files(shell, home(), paths))
        self.log.info("%s: %d files of models were missing, %d bytes", self.site.host, *sent)

    def arguments(self, context: Context) -> list[str]:
        """Return the command."""
        return [*self.words, self.question]

    def result(self, output: bytes, code: int, context: Context) -> Any:
        """Verify the games, and take them into the database here."""
        from ringrift.evaluation.match_runner import MatchRunner  # late, as what follows: they need numba
        from ringrift.evaluation.settings import evaluation_settings
        from ringrift.models import model_settings
        from ringrift.models.questions import Question, tell
        from ringrift.run_context import RunContext

        answer = read_report(output, code, self.last_line)
        with FleetHook().health() as health:
            runner = MatchRunner(health.database, RunContext(evaluation_settings()))
            question = Question.read(self.question).within(home())
            games = tell(question, answer, runner, model_settings().gate, self.site.host)
        self.log.info("%s: %d games are here, replayed and stored", self.site.host, games)
        return {"host": self.site.host, "games": games}


def games_on_hosts(
    name: str,
    questions: Sequence[Sequence[str]],
    *,
    config: str = "",
    network_gpus: int,
    deadline: timedelta,
) -> tuple[AskEvaluationOperator, MappedOperator]:
    """Return the tasks before an evaluation that let hosts play for it; without hosts the second is skipped.

    The evaluation comes after both with `AFTER_GAMES`.
    """
    ask = AskEvaluationOperator(
        task_id=f"{name}{ASK}",
        questions=questions,
        config=config,
        network_gpus=network_gpus,
        deferrable=False,
        doc_md="`ringrift evaluations ask`: what hosts with the role tournament can play for it; nothing without such.",
    )
    games = AnswerEvaluationOperator.partial(
        task_id=f"{name}{GAMES}",
        deadline=deadline,
        pool="ringrift_matches",
        retry_policy=RETRY_POLICY,  # else `partial` makes it None
        doc_md="`ringrift evaluations answer`: the games of a question, on a host with the role tournament; they are "
        "replayed here before they count.",
    ).expand_kwargs(ask.output)
    return ask, games
