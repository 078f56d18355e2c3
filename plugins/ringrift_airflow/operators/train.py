"""Training, here or on a host for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from airflow.sdk import Context

from ringrift.fleet.hosts import fleet_settings
from ringrift_airflow.hooks.fleet import FleetHook
from ringrift_airflow.operators.ringrift import AfterDataset, read_report
from ringrift_airflow.retries import skip
from ringrift_airflow.workspace import home


class CheckOperator(AfterDataset):
    """Check that everything that a training needs is there and sound; if not, the task is skipped and says why.

    A disk that is too full is cleaned first.

    :param preset: of hyperparameters.yaml.
    """

    success_codes: ClassVar[frozenset[int]] = frozenset({0, 1})
    template_fields: Sequence[str] = ("words", "host", "environment", "preset")

    def __init__(self, *, config: str, preset: str, **kwargs: Any) -> None:
        super().__init__(words=["preflight", config], **kwargs)
        self.preset = preset

    def arguments(self, context: Context) -> list[str]:
        """Return the command."""
        return [*self.words, "--preset", self.preset, "--from", "newest", "--validate", "--clean"]

    def result(self, output: bytes, code: int, context: Context) -> Any:
        """Return the report, or skip the task with what has failed."""
        report = read_report(output, code, self.last_line)
        for check in report["checks"]:
            if check["verdict"] == "warning":
                self.log.warning("%s: %s (%s)", check["name"], check["measured"], check["limit"])
        if code:
            skip(context, f"no training: {report['why']}")
        return super().result(output, code, context)


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
        from ringrift.models import ModelStore
        from ringrift.models.newest import newest_parent
        from ringrift.training import TrainingInputs, hyper_parameters

        hyper = hyper_parameters(self.config, self.preset)
        inputs = TrainingInputs(self.config, hyper, datasets=home() / "data" / "training", models=home() / "models")
        with FleetHook().health() as health:
            newest = newest_parent(ModelStore(health.database, home() / "models"), inputs)
        parent = None if newest is None else newest.relative_to(home())
        sent = FleetHook().carry(self.site.host, lambda shell: push_training(shell, home(), self.config, parent))
        self.log.info("%s: %d files of the data set and the model were missing, %d bytes", self.site.host, *sent)
        self.parent = str(parent or "")

    def arguments(self, context: Context) -> list[str]:
        """Return the command, with all GPUs that are locked.

        On this machine it also registers the model, whose games are not new from then on.
        """
        parent = ["--from", self.parent] if self.parent else []
        gpus = ["--gpus", str(self.gpus)] if self.gpus > 1 else []
        return [*self.words, "--preset", self.preset, *parent, *gpus, *([] if self.site.remote else ["--register"])]

    def result(self, output: bytes, code: int, context: Context) -> Any:
        """Return the report and bring the model here, or skip the task where there was nothing to learn."""
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
        fleet = FleetHook()
        path = fleet.carry(
            self.site.host, lambda shell: fetch_training(shell, home(), self.config, model, run, settings)
        )
        with fleet.health() as health:
            ModelStore(health.database, home() / "models").register(home() / path)
        self.log.info("%s: model %s is here, verified", self.site.host, path)

    def summary(self, report: Any, code: int) -> Any:
        """Return the model, why training ended, and its losses."""
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
