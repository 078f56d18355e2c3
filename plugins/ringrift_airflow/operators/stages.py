"""The stages of the loop as operators: each is one `ringrift …` command that a person could type."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, cast

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException

from ringrift import __version__
from ringrift.fleet.hosts import fleet_settings
from ringrift.settings import unknown_name
from ringrift_airflow.data_interval import backfilled, interval_name, shard_run
from ringrift_airflow.exceptions import JobFailed, skip
from ringrift_airflow.hooks.placement import open_health
from ringrift_airflow.operators.job import RemoteJobOperator
from ringrift_airflow.workspace import home

if TYPE_CHECKING:
    from ringrift.fleet.ssh import SshShell

LARGEST_RESULT = 8192
"""Bytes of JSON that go to the next tasks; of a longer report, what is at its top and no list or table."""


class RingriftOperator(RemoteJobOperator):
    """One `ringrift …` command as a job; its `--json` report is the task's result, and goes with the asset it makes.

    :param words: what stands after `ringrift` on the command line, without `--json`.
    """

    template_fields: Sequence[str] = ("words", "host", "environment")

    def __init__(self, *, words: Sequence[str], **kwargs: Any) -> None:
        super().__init__(command="", **kwargs)
        self.words = list(words)

    def arguments(self, context: Context) -> list[str]:
        """The words of this run."""
        return [word for word in self.words if word]

    def fitness(self, gpus: Sequence[int]) -> str:
        """Another machine has to have this version of `ringrift`."""
        ours, remedy = f"ringrift {__version__}", f"\\`ringrift hosts deploy {self.site.host}\\`"
        return super().fitness(gpus) + (
            f"theirs=$({self.site.program} --version 2>&1) ||"
            f' {{ echo "no ringrift runs there (${{theirs##*: }}): {remedy}" >&2; exit 1; }}\n'
            f'[ "$theirs" = {shlex.quote(ours)} ] ||'
            f' {{ echo "it has $theirs, and here is {ours}: {remedy}" >&2; exit 1; }}\n'
        )

    def command_line(self, context: Context) -> str:
        """The command as people would type it, but for where its report goes."""
        return f'{self.site.program} {shlex.join([*self.arguments(context), "--json"])} >"$RINGRIFT_JOB/output"'

    def result(self, output: bytes, code: int, context: Context) -> Any:
        """The report, told in the log, and small."""
        found = self.summary(read_report(output, code, self.last_line), code)
        self.log.info("report: %s", json.dumps(found))
        for asset in self.outlets:
            context["outlet_events"][asset].extra = found
        return found

    def summary(self, report: Any, code: int) -> Any:
        """What of the report the next tasks get."""
        return small(report)


class RemoteSelfplayOperator(RingriftOperator):
    """Self-play of one shard of an interval. Config, interval and shard name the run, and the run decides the games.

    So the same interval has the same games, whoever plays them and however often, as long as the same model plays.

    :param shard: its number; the shards of an interval play different games.
    :param games: how many.
    :param players: as of `ringrift selfplay --players`; by default those of selfplay.yaml.
    """

    template_fields: Sequence[str] = ("words", "host", "environment", "games", "players")

    def __init__(self, *, config: str, shard: int, games: int | str, players: str = "", **kwargs: Any) -> None:
        super().__init__(words=["selfplay", config], **({"role": "selfplay"} | kwargs))
        self.config = config
        self.shard = shard
        self.games = games
        self.players = players

    def work(self, context: Context) -> Any:
        """Play, unless the run was asked for something that there is not: this is its first task."""
        check_parameters(context)
        return super().work(context)

    def arguments(self, context: Context) -> list[str]:
        """The command of the shard; its folder is its own, so that several intervals can be played at once."""
        run = shard_run(self.config, interval_name(context), self.shard)
        host = ["--host", self.site.host] if self.site.remote else []
        players = ["--players", self.players] if self.players else []
        return [*self.words, "--run", run, *host, "--worker", run, "--games", str(self.games), *players]


class ExportOperator(RingriftOperator):
    """Write the data set. In a backfill, only from the games of its interval, and into a folder of their own.

    A backfill that is to train writes the config's data set as every run does: that is what is trained on, and games
    that have just been played are the newest in it.

    :param shards: of self-play.
    """

    def __init__(self, *, config: str, shards: int, **kwargs: Any) -> None:
        super().__init__(words=["dataset", "export", config], **kwargs)
        self.config = config
        self.shards = shards

    def arguments(self, context: Context) -> list[str]:
        """The command."""
        if not backfilled(context) or trains_in_backfill(context):
            return self.words
        name = interval_name(context)
        runs = [word for shard in range(self.shards) for word in ("--run", shard_run(self.config, name, shard))]
        return [*self.words, *runs, "--out", f"data/training/intervals/{name}"]

    def summary(self, report: Any, code: int) -> Any:
        """The training part, without its provenance."""
        return small(report[0] if isinstance(report, list) and report else report)


class AfterDataset(RingriftOperator):
    """A stage that a backfill leaves out: training and promotion of the past would be out of order."""

    def execute(self, context: Context) -> Any:
        if backfilled(context) and not trains_in_backfill(context):
            skip(context, "a backfill makes games and data sets; the parameter train_in_backfill does more")
        return super().execute(context)


class RemoteTrainOperator(AfterDataset):
    """Train a network on the config's data set, from the newest model on. A later try goes on from the last checkpoint.

    A host for training gets data set and model before, and its model is brought here and taken into the store after.
    If the data set has nothing new for it, the task is skipped and says so.

    :param preset: of hyperparameters.yaml.
    """

    success_codes: ClassVar[frozenset[int]] = frozenset({0, 1})
    template_fields: Sequence[str] = ("words", "host", "environment", "preset")

    def __init__(self, *, config: str, preset: str, **kwargs: Any) -> None:
        super().__init__(words=["train", config], **({"role": "training"} | kwargs))
        self.config = config
        self.preset = preset
        self.parent = "newest"

    def prepare(self, context: Context) -> None:
        """Bring to another host what it needs."""
        if not self.site.remote:
            return
        from ringrift.fleet.staging import push_training  # late, as what follows: they need torch
        from ringrift.training import TrainingInputs, hyper_parameters
        from ringrift.training.run import newest_parent

        hyper = hyper_parameters(self.config, self.preset)
        inputs = TrainingInputs(self.config, hyper, datasets=home() / "data" / "training", models=home() / "models")
        newest = newest_parent(inputs)
        parent = None if newest is None else newest.relative_to(home())
        sent = self._ask(lambda shell: push_training(cast("SshShell", shell), home(), self.config, parent))
        self.log.info("%s: %d files of the data set and the model were missing, %d bytes", self.site.host, *sent)
        self.parent = str(parent or "")

    def arguments(self, context: Context) -> list[str]:
        """The command. Here it takes the model into the store at once: from then on its games are no new ones."""
        parent = ["--from", self.parent] if self.parent else []
        return [*self.words, "--preset", self.preset, *parent, *([] if self.site.remote else ["--register"])]

    def result(self, output: bytes, code: int, context: Context) -> Any:
        """What has come of it."""
        if code:
            skip(context, read_report(output, code, self.last_line)["nothing_new"])
        if self.site.remote:
            self._take_home(read_report(output, code, self.last_line)["facts"])
        return super().result(output, code, context)

    def _take_home(self, facts: dict[str, str]) -> None:
        """Bring the model of another host here, and take it into the store."""
        from ringrift.fleet.staging import fetch_training  # late: it needs torch
        from ringrift.models import ModelStore

        model, run, settings = facts["model"], facts["run"], fleet_settings().sync
        path = self._ask(
            lambda shell: fetch_training(cast("SshShell", shell), home(), self.config, model, run, settings)
        )
        with open_health() as health:
            ModelStore(health.database, home() / "models").register(home() / path)
        self.log.info("%s: model %s is here, verified", self.site.host, path)

    def summary(self, report: Any, code: int) -> Any:
        """The model, why training ended, and its losses."""
        facts = report.get("facts") or {}
        losses = {loss["name"]: [loss["training"], loss["holdout"]] for loss in report.get("losses") or ()}
        model = facts.get("model") or report.get("model")
        return {
            "model": model,
            "path": f"models/{self.config}/{model}.pth" if model else None,
            "parent": facts.get("parent"),
            "ended": facts.get("ended"),
            "steps": report.get("steps"),
            "samples": report.get("samples"),
            "losses": losses,
        }


def trains_in_backfill(context: Context) -> bool:
    """Whether a backfill is to do what comes after its data set, too."""
    return bool(context["params"].get("train_in_backfill"))


def check_parameters(context: Context) -> None:
    """Refuse parameters that the DAG does not have, which Airflow takes without a word; `AirflowFailException`."""
    known = tuple(context["dag"].params)
    for name in context["dag_run"].conf or {}:
        if name not in known:
            raise AirflowFailException(f"parameter {name!r}: {unknown_name(name, known)}")


def read_report(output: bytes, code: int, last_line: str) -> Any:
    """What a command has printed with `--json`. A crash has exit code 1, too, but no report: `JobFailed`."""
    try:
        return json.loads(output)
    except ValueError:
        if code:
            raise JobFailed(f"exit code {code} without a report: {last_line}") from None
        return {"output": output.decode(errors="replace").strip()}


def candidate(context: Context, config: str, trained_by: str) -> str:
    """The path of the model of this run; alone on a command line, where no other task has run, the newest one."""
    report = context["ti"].xcom_pull(task_ids=trained_by) or {}
    if report.get("path"):
        return str(report["path"])
    from ringrift.selfplay import trained_models  # only when the task runs: it loads numba

    models = trained_models(home() / "models", config)
    if not models:
        raise AirflowFailException(f"models/{config}: there is no model; `ringrift train {config}` makes one")
    return str(models[0].relative_to(home()))


def small(report: Any) -> Any:
    """A report as it is if it is short, else only its numbers and texts."""
    if not isinstance(report, dict) or len(json.dumps(report)) <= LARGEST_RESULT:
        return report
    return {name: value for name, value in report.items() if not isinstance(value, (dict, list))}


def hours(number: float) -> timedelta:
    """A deadline."""
    return timedelta(hours=number)
