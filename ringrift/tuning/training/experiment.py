"""One training of an experiment: an ordinary run with lineage, measured, its model in the store."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from ringrift.datasets import BadDataset, open_dataset
from ringrift.datasets.manifest import dataset_name, manifest_path, read_manifest
from ringrift.evaluation.match_runner import MatchRunner
from ringrift.evaluation.settings import EvaluationSettings
from ringrift.game import parse_config
from ringrift.models import ModelStore
from ringrift.networks import NetworkConfig, build_network, parameter_count, read_info
from ringrift.run_context import Cancelled, RunContext
from ringrift.training import TrainingInputs, TrainingReport, train
from ringrift.training.checkpoints import FOLDER, checkpoints
from ringrift.training.errors import Diverged, SpoiledNetwork, TrainingOutOfMemory
from ringrift.training.thresholds import TrainingThresholds
from ringrift.tuning.training.fitness import (
    EloMeasure,
    at_equal_computing,
    check_games,
    elo_over_opponent,
    reference_loss,
)
from ringrift.tuning.training.settings import FitnessSettings
from ringrift.tuning.training.space import FitnessKind, Space, Values

LossWatch = Callable[[int, float], bool]
"""A function of the number (from 1) and loss of every validation but the last; it returns whether to give up."""
DIGEST_DIGITS: Final = 8


class Pace:
    """The mean duration of this process's trainings, and so the time that the missing ones will take."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._made = 0

    def words(self, work: str, number: int, total: int) -> str:
        """Return the title of the training that begins, `number` from 0 of `total`, with the time left at this pace."""
        title = f"{work} {number}, {total} in all"
        if self._made:
            minutes = (time.monotonic() - self._began) / self._made * max(total - number, 1) / 60
            title += f", about {minutes:.0f} min to the end"
        self._made += 1
        return title


@dataclass(frozen=True)
class Outcome:
    """The outcome of a training."""

    fitness: float | None
    """None if it was given up or failed, and so has no model."""
    ended: str
    loss: float | None = None
    """The loss on the games held out of what plays, with the weights in use."""
    elo: EloMeasure | None = None
    run: str | None = None
    model: str | None = None
    checkpoint: str | None = None
    """The name of its last checkpoint, in the folder of the run."""
    samples: int = 0
    """The number of samples that were learned from."""
    parameters: int = 0
    cpu_seconds: float = 0.0
    """The time that this process has computed, since it took the training up."""

    def to_json(self) -> dict[str, Any]:
        """Return all of it in JSON's types."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Outcome:
        """Return an outcome that `to_json` has written."""
        elo = fields.get("elo")
        return cls(**{**fields, "elo": None if elo is None else EloMeasure(**elo)})


@dataclass(frozen=True)
class Experiment:
    """The common ground of all trainings of a study or of a population."""

    inputs: TrainingInputs
    """Config and folders; its hyper-parameters are those in use."""
    space: Space
    fitness: FitnessKind
    settings: FitnessSettings
    store: ModelStore
    context: RunContext[TrainingThresholds]
    evaluation: EvaluationSettings
    device: str | None = None

    def check(self) -> None:
        """Refuse what cannot be measured: no data set, no games held out, too few games; `BadDataset`, `BadSearch`."""
        parse_config(self.inputs.config)
        open_dataset(self.inputs.datasets / dataset_name(self.inputs.config, "training"))
        holdout = manifest_path(self.inputs.datasets, dataset_name(self.inputs.config, "holdout"))
        if not holdout.exists():
            raise BadDataset(
                f"{holdout}: there are no games held out, by which trainings are compared; play more games and export"
            )
        if self.fitness == "elo":
            check_games(self.settings.games, self.settings)

    @cached_property
    def identity(self) -> dict[str, Any]:
        """All that decides the results of the experiment: the same things, the same study."""
        inputs = self.inputs
        manifests = {
            part: [shard.sha256 for shard in read_manifest(manifest_path(inputs.datasets, name)).shards]
            for part in ("training", "holdout")
            for name in [dataset_name(inputs.config, part)]
        }
        space = {name: dimension.model_dump() for name, dimension in self.space.dimensions.items()}
        measured = self.settings.model_dump() if self.fitness == "elo" else {}
        return {
            "config": inputs.config,
            "hyper": self.space.base.model_dump(),
            "parent": None if inputs.parent is None else str(inputs.parent),
            "dataset": manifests,
            "space": space,
            "fitness": {"kind": self.fitness, **measured},
        }

    def name(self, **more: Any) -> str:
        """Return a name that the same experiment has again, and no other one."""
        text = json.dumps(self.identity | more, sort_keys=True)
        return f"{self.fitness}-{hashlib.sha256(text.encode()).hexdigest()[:DIGEST_DIGITS]}"

    @cached_property
    def reference(self) -> float:
        """The computing of a training with the hyper-parameters in use: samples times parameters."""
        hyper, inputs = self.space.base, self.inputs
        manifest = read_manifest(manifest_path(inputs.datasets, dataset_name(inputs.config, "training")))
        board, players = parse_config(inputs.config)
        network = build_network(NetworkConfig.of(hyper.network, board.name, players, manifest.encoder))
        passes = hyper.epochs if inputs.is_segment else min(hyper.epochs, hyper.replay_ratio)
        return passes * manifest.samples * parameter_count(network)

    def run(
        self,
        values: Values,
        tuning: Mapping[str, Any],
        *,
        watch: LossWatch | None = None,
        parent: Path | None = None,
        seed: int | None = None,
    ) -> Outcome:
        """Train with these values, take the model into the store, and measure it.

        A training that fails because of its hyper-parameters has an outcome without a fitness. Raises `Cancelled`, and
        what `train` raises of its inputs.
        """
        began = time.process_time()
        hyper = self.space.hyper(values)
        if seed is not None:
            hyper = hyper.model_copy(update={"seed": seed})
        inputs = replace(self.inputs, hyper=hyper, parent=parent or self.inputs.parent, tuning=tuning)
        weights = self.space.base.losses

        def on_validation(number: int, figures: Mapping[str, float]) -> bool:
            return watch is not None and watch(number, reference_loss(figures, weights))

        try:
            report = train(inputs, self.context, device=self.device, watch=on_validation)
        except (Diverged, SpoiledNetwork, TrainingOutOfMemory) as error:
            return Outcome(None, str(error), cpu_seconds=time.process_time() - began)
        if report is None or report.facts.ended == "stopped":
            raise Cancelled("stopped in a training; run it again to go on")
        return self._measured(report, began)

    def _measured(self, report: TrainingReport, began: float) -> Outcome:
        """Register and measure the model of a run."""
        facts = report.facts
        kept = checkpoints(self.inputs.runs / self.inputs.config / facts.run / FOLDER)
        outcome = Outcome(
            fitness=None,
            ended=facts.ended,
            run=facts.run,
            model=facts.model,
            checkpoint=kept[-1].name if kept else None,
            samples=report.samples,
            parameters=facts.parameters,
        )
        if facts.model is not None:
            path = self.model_path(facts.model)
            self.store.register(path)
            loss = reference_loss(read_info(path).extra["training"]["holdout"], self.space.base.losses)
            outcome = replace(outcome, loss=loss, fitness=loss)
            if self.fitness == "elo":
                outcome = self._with_elo(outcome, path)
        return replace(outcome, cpu_seconds=time.process_time() - began)

    def _with_elo(self, outcome: Outcome, path: Path) -> Outcome:
        runner = MatchRunner(self.store.database, self.context.with_settings(self.evaluation))
        elo = elo_over_opponent(self.inputs.config, path, self.settings, runner)
        computing = max(outcome.samples, 1) * outcome.parameters
        fitness = at_equal_computing(elo.elo, computing, self.reference, self.settings.elo_per_doubling)
        return replace(outcome, elo=elo, fitness=fitness)

    def model_path(self, model: str) -> Path:
        """Return where a model of the config lies."""
        return self.inputs.models / self.inputs.config / f"{model}.pth"
