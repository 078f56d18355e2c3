"""The stages of the loop as operators: each is one `ringrift …` command that a person could type."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shlex
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowFailException

from ringrift.fleet import sweep_jobs
from ringrift_airflow.failures import JobFailed, skip
from ringrift_airflow.interval import backfilled, interval_name, shard_run
from ringrift_airflow.jobs import RemoteJobOperator
from ringrift_airflow.workspace import JOBS, LOCAL, UnknownHost, home, open_shell, program

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

    def command_line(self, context: Context) -> str:
        """The command as people would type it, but for where its report goes."""
        return f'{shlex.join([program(), *self.arguments(context), "--json"])} >"$RINGRIFT_JOB/output"'

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
        super().__init__(words=["selfplay", config], **kwargs)
        self.config = config
        self.shard = shard
        self.games = games
        self.players = players

    def arguments(self, context: Context) -> list[str]:
        """The command of the shard; its folder is its own, so that several intervals can be played at once."""
        run = shard_run(self.config, interval_name(context), self.shard)
        players = ["--players", self.players] if self.players else []
        return [*self.words, "--run", run, "--worker", run, "--games", str(self.games), *players]


class SyncGamesOperator(BaseOperator):
    """Fetch the finished games of all hosts of self-play. On one machine they are there already.

    :param hosts: hosts of the settings.
    """

    def __init__(self, *, config: str, hosts: Sequence[str] = (LOCAL,), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config
        self.hosts = list(hosts)

    def execute(self, context: Context) -> Any:
        """Say where the games are; `AirflowFailException` for a host that there is no way to."""
        for host in self.hosts:
            if host != LOCAL:
                raise AirflowFailException(str(UnknownHost(f"host {host!r}: unknown; known is {LOCAL!r}")))
        folder = home() / "data" / "selfplay" / self.config
        self.log.info("local: the games are in %s; nothing has to be fetched", folder)
        return {"hosts": self.hosts, "folder": str(folder)}


class ExportOperator(RingriftOperator):
    """Write the data set. In a backfill, only from the games of its interval, and into a folder of their own.

    :param shards: of self-play.
    """

    def __init__(self, *, config: str, shards: int, **kwargs: Any) -> None:
        super().__init__(words=["dataset", "export", config], **kwargs)
        self.config = config
        self.shards = shards

    def arguments(self, context: Context) -> list[str]:
        """The command."""
        if not backfilled(context):
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
        if backfilled(context) and not context["params"].get("train_in_backfill"):
            skip(context, "a backfill makes games and data sets; the parameter train_in_backfill does more")
        return super().execute(context)


class RemoteTrainOperator(AfterDataset):
    """Train a network on the config's data set, from the newest model on. A later try goes on from the last checkpoint.

    If the data set has nothing new for it, the task is skipped and says so.

    :param preset: of hyperparameters.yaml.
    """

    success_codes: ClassVar[frozenset[int]] = frozenset({0, 1})
    template_fields: Sequence[str] = ("words", "host", "environment", "preset")

    def __init__(self, *, config: str, preset: str, **kwargs: Any) -> None:
        super().__init__(words=["train", config], **kwargs)
        self.config = config
        self.preset = preset

    def arguments(self, context: Context) -> list[str]:
        """The command."""
        return [*self.words, "--preset", self.preset, "--from", "newest"]

    def command_line(self, context: Context) -> str:
        """Train, and take the model into the store at once: from then on its games are no new ones."""
        newest = f'"$(ls -t models/{self.config}/*.pth | head -n 1)"'
        return f"{super().command_line(context)} && {shlex.quote(program())} models register {newest} >&2"

    def result(self, output: bytes, code: int, context: Context) -> Any:
        """What has come of it."""
        if code:
            nothing = read_report(output, code, self.last_line).get("nothing_new")
            if nothing is None:  # the model was trained, but not taken into the store
                raise JobFailed(f"exit code {code}: {self.last_line}")
            skip(context, nothing)
        return super().result(output, code, context)

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


class DistributeModelOperator(BaseOperator):
    """Bring the champion to all hosts of self-play, where workers play with it from their next game on.

    On one machine it is there already; this makes sure that it is whole.
    """

    def __init__(self, *, config: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config

    def execute(self, context: Context) -> Any:
        """Compare the champion's file with its checksum."""
        path = home() / "models" / f"ringrift_best_{self.config}.pth"
        try:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            expected = json.loads(path.with_suffix(".json").read_bytes())["sha256"]
        except (OSError, ValueError, KeyError) as error:
            raise AirflowFailException(f"{path}: cannot be read with its .json ({error})") from None
        if digest != expected:
            raise AirflowFailException(f"{path}: its checksum is not that of its .json")
        self.log.info("local: %s is there, sha256 %s", path, digest)
        return {"model": digest[:16], "sha256": digest, "hosts": [LOCAL]}


class SweepJobsOperator(BaseOperator):
    """Remove the jobs of a host that ended long ago.

    :param keep: for how long they are kept.
    """

    def __init__(self, *, keep: timedelta, host: str = LOCAL, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.keep = keep
        self.host = host

    def execute(self, context: Context) -> Any:
        """Remove them, and say how many."""

        async def sweep() -> list[str]:
            shell = open_shell(self.host)
            try:
                return await sweep_jobs(shell, str(home() / JOBS), older_than=int(self.keep.total_seconds()))
            finally:
                await shell.close()

        removed = asyncio.run(sweep())
        self.log.info("%s: %d jobs older than %s are removed", self.host, len(removed), self.keep)
        return {"removed": len(removed)}


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
    models: list[Path] = sorted((home() / "models" / config).glob("*.pth"), key=lambda path: path.stat().st_mtime)
    if not models:
        raise AirflowFailException(f"models/{config}: there is no model; `ringrift train {config}` makes one")
    return str(models[-1].relative_to(home()))


def small(report: Any) -> Any:
    """A report as it is if it is short, else only its numbers and texts."""
    if not isinstance(report, dict) or len(json.dumps(report)) <= LARGEST_RESULT:
        return report
    return {name: value for name, value in report.items() if not isinstance(value, (dict, list))}


def hours(number: float) -> timedelta:
    """A deadline."""
    return timedelta(hours=number)
