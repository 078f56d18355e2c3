"""A training from start to end: a data set and settings in, a model out.

What is trained on what, and how, decides the name of a run. So the same call goes on with a run that was stopped or
killed, and of one that is over it only writes model and report again, from the checkpoint.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from ringrift.datasets import BadDataset, Dataset, open_dataset
from ringrift.datasets.loader import Loader
from ringrift.datasets.manifest import dataset_name
from ringrift.files import alone
from ringrift.game import parse_config
from ringrift.networks import (
    NetworkConfig,
    ResidualNetwork,
    add_model,
    build_network,
    checked_device,
    device_name,
    load_model,
    parameter_count,
    read_id,
    read_info,
)
from ringrift.run_context import RunContext
from ringrift.selfplay.hard_positions import BadPositions
from ringrift.training.batch_size import PROBE, Gpu, batch_for, micro_batch_that_fits
from ringrift.training.calibration import calibration
from ringrift.training.checkpoints import FOLDER as CHECKPOINTS
from ringrift.training.checkpoints import newest_checkpoint
from ringrift.training.distillation import Distillation, Teachers
from ringrift.training.distributed import ProcessGroup, join_process_group
from ringrift.training.errors import BusyRun, NothingNew, SpoiledNetwork
from ringrift.training.hard_positions import HardPositionsReport, check_regression
from ringrift.training.history import read_history
from ringrift.training.losses import PolicyTarget, choose_policy_target
from ringrift.training.old_names import under_old_names
from ringrift.training.own_errors import (
    OwnErrors,
    digest_of,
    measure_errors,
    own_error_weights,
    read_errors,
    write_errors,
)
from ringrift.training.replay_ratio import (
    ORIGINAL,
    games_of,
    new_samples,
    presumed_games,
    read_games,
    write_games,
)
from ringrift.training.report import RunFacts, TrainingReport, report_training, write_report
from ringrift.training.settings import HyperParameters, hyper_parameters
from ringrift.training.step import Learner, TrainingSchedule
from ringrift.training.thresholds import ReportSettings, TrainingThresholds
from ringrift.training.trainer import HISTORY, Strength, Trainer, Watch
from ringrift.training.transfer import transfer
from ringrift.training.validation import Validation
from ringrift.version import command_line

RUN_DIGITS: Final = 12
SHORTEST_WARM_UP: Final = 0.1
"""Share of a run that a warm-up takes at most: the brake may leave fewer epochs than the settings ask for."""
SPOILED: Final = 1.1
"""How many times the loss of knowing nothing is too much. Networks that are not trained lie within 3 % of it; 470 games
of square8_2p with a learning rate of 1 ended at 1.46 times."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingInputs:
    """The inputs of a training."""

    config: str
    hyper: HyperParameters
    datasets: Path = Path("data/training")
    models: Path = Path("models")
    runs: Path = Path("data/runs")
    parent: Path | None = None
    """The model to start from, of the same config, of fewer players, or of the smaller board of its shape; None: random
    weights."""
    is_segment: bool = False
    """Whether this is a part of a longer training, whose parts have their parents' optimisers and last weights, a
    learning rate that does not fall, and the same games again."""
    distillation: Distillation | None = None
    """The networks whose policies and values are learned in place of those of the games; None: those of the games."""
    tuning: Mapping[str, Any] | None = None
    """The experiment that the run is a part of, if it is one: it stands in the model's lineage, and no training starts
    from such a model unless it is named."""


@dataclass(frozen=True, eq=False)
class _Plan:
    """Everything that follows from the inputs of a training."""

    inputs: TrainingInputs
    dataset: Dataset
    holdout: Dataset | None
    parent: str | None
    """The id of the parent."""
    known: Any
    """The identities of the games that the parent has learned from."""
    errors: OwnErrors | None
    """The errors of the parent on its samples, where samples are drawn by them."""
    schedule: TrainingSchedule
    target: PolicyTarget
    new: int
    """The number of samples that the parent has not learned from."""
    limit: str
    """The limit that sets the number of steps, in words."""

    @property
    def name(self) -> str:
        """The name of the run, the same for the same inputs."""
        inputs = self.inputs
        parts = {
            "config": inputs.config,
            "dataset": self.dataset.identity,
            "holdout": self.holdout.identity if self.holdout else None,
            "parent": self.parent,
            "hyper": under_old_names(inputs.hyper.model_dump()),
            "batch": self.schedule.batch,
        }
        if inputs.is_segment:
            parts["segment"] = True
        if self.errors is not None:
            parts["errors"] = digest_of(self.errors)
        if inputs.distillation:
            parts |= _teaching(inputs.distillation)
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:RUN_DIGITS]

    @property
    def folder(self) -> Path:
        """The folder of the run."""
        return self.inputs.runs / self.inputs.config / self.name


def train(
    inputs: TrainingInputs,
    context: RunContext[TrainingThresholds],
    *,
    device: str | None = None,
    strength: Strength | None = None,
    watch: Watch | None = None,
) -> TrainingReport | None:
    """Train a network, write it into the model folder, and say how it went.

    `BadDataset`, `MissingModel` and their kin for bad inputs, `NothingNew` if all samples have been used up, `BusyRun`,
    `Diverged`, `SpoiledNetwork`, `TrainingOutOfMemory`. Cancelled, it writes an emergency checkpoint and reports no
    model; the same call goes on from there. Given up by who `watch`es, it reports no model either. Of several processes
    only the first has a report.
    """
    with join_process_group(device) as group:
        plan = _plan(inputs, group.device, group.size)
        with _alone(plan.folder, group):
            return _train(plan, context, group, strength, watch)


def run_folder(inputs: TrainingInputs, device: str) -> Path:
    """Return the folder of the run that these inputs make on such a device, whether it is there or not.

    Raises what `train` would raise of its inputs.
    """
    return _plan(inputs, torch.device(checked_device(device))).folder


def _plan(inputs: TrainingInputs, device: torch.device, processes: int = 1) -> _Plan:
    """Plan a training; everything that is wrong with its inputs is found here."""
    parse_config(inputs.config)
    hyper = inputs.hyper
    dataset = open_dataset(inputs.datasets / dataset_name(inputs.config, "training"))
    if dataset.manifest.part != "training":
        raise BadDataset(f"{dataset.path}: holds the games that are held out, which are never trained on")
    holdout_path = inputs.datasets / (dataset_name(inputs.config, "holdout") + ".json")
    holdout = open_dataset(holdout_path) if holdout_path.exists() else None
    if holdout is not None:
        _check_apart(dataset, holdout)
    target = choose_policy_target(hyper.losses, dataset.samples, dataset.manifest.policies)
    if inputs.distillation:
        target = PolicyTarget(kl=True, share=1.0, temperature=inputs.distillation.temperature)
    target = target._replace(softness=hyper.losses.policy_temperature[1])
    parent = read_id(inputs.parent) if inputs.parent else None
    errors = _parent_errors(inputs) if hyper.own_errors and inputs.parent else None
    known = _known_games(inputs, dataset) if inputs.parent and not inputs.is_segment else np.empty(0, "S16")
    new = new_samples(dataset, known)

    def steps_with(batch: int) -> int:
        wanted = math.ceil(hyper.epochs * dataset.samples / batch)
        return wanted if inputs.is_segment else min(wanted, int(hyper.replay_ratio * new / batch))

    batch = batch_for(hyper, Gpu.of(device), processes, steps_with)
    wanted, steps = math.ceil(hyper.epochs * dataset.samples / batch), steps_with(batch)
    if steps < 1:
        raise NothingNew(
            f"{dataset.path}: {new:,} of {dataset.samples:,} samples are new since {parent}, which are worth "
            f"{int(hyper.replay_ratio * new):,} samples of training, less than one batch of {batch:,}: play more games"
        )
    warm_up = min(round(hyper.warm_up_epochs * dataset.samples / batch), int(SHORTEST_WARM_UP * steps))
    schedule = TrainingSchedule(batch, steps, warm_up, decays=not inputs.is_segment)
    limit = f"{hyper.epochs:g} epochs" if steps == wanted else f"{hyper.replay_ratio:g} passes over {new:,} new samples"
    return _Plan(inputs, dataset, holdout, parent, known, errors, schedule, target, new, limit)


def _check_apart(dataset: Dataset, holdout: Dataset) -> None:
    """PreflightCheck that no game is in both."""
    shared = np.intersect1d(games_of(dataset), games_of(holdout))
    if len(shared):
        raise BadDataset(
            f"{holdout.path}: {len(shared):,} of its games are in {dataset.path} too, so that it would measure what "
            "was learned by heart; export both again"
        )


def _known_games(inputs: TrainingInputs, dataset: Dataset) -> Any:
    """Return the games that the parent, or its parents, have learned from."""
    assert inputs.parent is not None
    info = read_info(inputs.parent)
    training = info.extra.get("training") or {}
    config = f"{info.network.board}_{info.network.players}p"
    if not isinstance(run := training.get("run"), str):
        return np.empty(0, "S16")
    folder = inputs.runs / config / run
    if (games := read_games(folder)) is not None:
        return games
    if config != inputs.config or ORIGINAL in training:  # of other games than these
        return np.empty(0, "S16")
    known = presumed_games(dataset, training.get("dataset") or {})
    _log.warning(
        "%s: which games %s has learned from is no longer there; by the size of the pool then, %d of the %d games of "
        "%s are taken for known",
        *(folder, inputs.parent, len(known), len(games_of(dataset)), dataset.path),
    )
    return known


def _parent_errors(inputs: TrainingInputs) -> OwnErrors | None:
    """Return the errors that the parent's run has kept, None if it has kept none; `DamagedErrors`."""
    assert inputs.parent is not None
    info = read_info(inputs.parent)
    run = (info.extra.get("training") or {}).get("run")
    if f"{info.network.board}_{info.network.players}p" != inputs.config or not isinstance(run, str):
        return None
    return read_errors(inputs.runs / inputs.config / run)


def _train(
    plan: _Plan,
    context: RunContext[TrainingThresholds],
    group: ProcessGroup,
    strength: Strength | None,
    watch: Watch | None,
) -> TrainingReport | None:
    hyper = plan.inputs.hyper
    torch.manual_seed(hyper.seed)
    network, teaching = _first_network(plan), plan.inputs.distillation
    teachers = Teachers.load(teaching, plan.dataset.manifest, group.device) if teaching else None
    learner = Learner(network, hyper, plan.schedule, plan.target, group, teachers)
    if plan.inputs.is_segment and plan.inputs.parent is not None:
        _go_on_from_parent(learner, plan)
    torch.manual_seed(hyper.seed + group.rank)  # dropout differs between processes, the weights must not
    micro_batch = _micro_batch(learner, plan, group)
    learner.compile()
    errors, share = plan.errors, hyper.own_errors
    weights = None if errors is None else own_error_weights(plan.dataset, errors, share)
    trainer = Trainer(
        *(plan.folder, learner, plan.dataset, plan.holdout, group, context),
        micro_batch=micro_batch,
        strength=strength,
        watch=watch,
        weights=weights,
    )
    try:
        ending: str = trainer.run()
    finally:
        trainer.close()
    if not group.is_main:
        return None
    if ending == "stopped":
        return _report(plan, trainer, ending, None, None, context.settings.report)
    if ending == "given up":
        report = _report(plan, trainer, ending, None, None, context.settings.report)
        write_report(report, read_history(plan.folder / HISTORY), plan.folder, context.settings.report)
        return report
    trainer.recall_best()
    unseen = trainer.validate(plan.holdout) if plan.holdout else None
    loss, nothing = (unseen or trainer.validate(plan.dataset)).figures["total"], trainer.yardstick["total"]
    if not loss < SPOILED * nothing:  # also what is no number
        worse = f"its loss is {loss:.3f}, and that of knowing nothing {nothing:.3f}"
        ending = f"no model: the training has spoiled the network: {worse}"
        report = _report(plan, trainer, ending, None, unseen, context.settings.report)
        write_report(report, read_history(plan.folder / HISTORY), plan.folder, context.settings.report)
        raise SpoiledNetwork(
            f"{plan.folder}: the training has spoiled the network, which becomes no model: {worse}; try a lower "
            f"learning_rate (now {hyper.learning_rate:g}) or more games; the report is there"
        )
    if share:
        write_errors(plan.folder, measure_errors(learner, plan.dataset, context))
    write_games(plan.folder, np.union1d(plan.known, games_of(plan.dataset)))
    measures = _measures(plan, trainer, unseen, context.settings.report)
    network, extra = learner.average.module.network, {"training": _lineage(plan, trainer, unseen) | measures}
    model = add_model(plan.inputs.models / plan.inputs.config, network, extra)
    report = _report(plan, trainer, ending, model, unseen, context.settings.report)
    write_report(report, read_history(plan.folder / HISTORY), plan.folder, context.settings.report)
    return report


def _regression(config: str, model: Path) -> HardPositionsReport | None:
    """Try a model in the regression set; a set that cannot be used costs no training its model, but a warning."""
    try:
        return check_regression(config, model)
    except BadPositions as error:
        _log.warning("%s: without the regression set: %s", model, error)
        return None


def _report(
    plan: _Plan,
    trainer: Trainer,
    ending: str,
    model: Path | None,
    unseen: Validation | None,
    thresholds: ReportSettings,
) -> TrainingReport:
    """Report the run as far as it has come."""
    settings = plan.inputs.hyper
    network, device = trainer.learner.module.network, trainer.learner.device
    facts = RunFacts(
        run=plan.name,
        config=plan.inputs.config,
        command=command_line(),
        ended=f"{ending} ({plan.limit})" if ending == "all steps done" else ending,
        network=network.config.architecture,
        parameters=parameter_count(network),
        device=device_name(device),
        dataset=_dataset_facts(plan),
        settings=settings.model_dump(),
        defaults=hyper_parameters(plan.inputs.config).model_dump(),
        code=trainer.state.code,
        parent=plan.parent,
        model=read_id(model) if model else None,
        **({} if (teaching := plan.inputs.distillation) is None else _teaching(teaching)),
    )
    calibrated = calibration(unseen.predicted, unseen.outcomes, thresholds.calibration_bins) if unseen else None
    regression = _regression(plan.inputs.config, model) if model else None
    return report_training(facts, read_history(plan.folder / HISTORY), calibrated, thresholds, regression)


def _first_network(plan: _Plan) -> ResidualNetwork:
    """Build the network that the training starts from: with the parent's weights, or with random ones."""
    board, players = parse_config(plan.inputs.config)
    config = NetworkConfig.of(plan.inputs.hyper.network, board.name, players, plan.dataset.manifest.encoder)
    if plan.inputs.parent is None:
        return build_network(config)
    return transfer(load_model(plan.inputs.parent), config)[0].train()


def _go_on_from_parent(learner: Learner, plan: _Plan) -> None:
    """Give a segment the last weights, the average and the optimiser of its parent's run, if they are still there."""
    assert plan.inputs.parent is not None
    run = (read_info(plan.inputs.parent).extra.get("training") or {}).get("run")
    last = newest_checkpoint(plan.inputs.runs / plan.inputs.config / str(run) / CHECKPOINTS)
    if last is None:
        _log.warning("%s: its run has no checkpoint any more: the optimiser starts afresh", plan.inputs.parent)
        return
    learner.go_on_from(last.tensors)


def _micro_batch(learner: Learner, plan: _Plan, group: ProcessGroup) -> int:
    """Return the samples to go through the network at once: all of a process's batch, if every GPU holds them."""
    share = plan.schedule.batch // group.size
    if group.device.type != "cuda":
        return share
    free, _ = torch.cuda.mem_get_info(group.device)
    small, large = (next(iter(Loader(plan.dataset, batch=size))) for size in (PROBE // 2, PROBE))
    memory = learner.measure_memory(small, large)
    return group.least(micro_batch_that_fits(share, memory, free - int(plan.inputs.hyper.gpu_gigabytes_free * 1e9)))


def _lineage(plan: _Plan, trainer: Trainer, unseen: Validation | None) -> dict[str, Any]:
    """Return what a model file says of its origin; without times, so that the same training gives the same file."""
    return {
        "run": plan.name,
        "parent": plan.parent,
        "code": trainer.state.code,
        "dataset": _dataset_facts(plan) | {"provenance": plan.dataset.manifest.provenance},
        "settings": plan.inputs.hyper.model_dump(),
        "steps": trainer.learner.steps,
        "best_step": trainer.state.best_step,
        "samples_seen": trainer.learner.steps * plan.schedule.batch,
        "holdout": unseen.figures if unseen else None,
        **({"tuning": dict(plan.inputs.tuning)} if plan.inputs.tuning else {}),
        **(_teaching(plan.inputs.distillation) if plan.inputs.distillation else {}),
    }


def _teaching(distillation: Distillation) -> dict[str, Any]:
    """Return who teaches, and how, as it stands in lineages."""
    ids = [read_id(teacher) for teacher in distillation.teachers]
    return {"teachers": ids, "temperature": distillation.temperature}


def _measures(plan: _Plan, trainer: Trainer, unseen: Validation | None, settings: ReportSettings) -> dict[str, Any]:
    """Return what is tracked over models: how far hold-out and training loss are apart, and how true values are."""
    if unseen is None:
        return {}
    seen = trainer.validate(plan.dataset)
    calibrated = calibration(unseen.predicted, unseen.outcomes, settings.calibration_bins)
    return {
        "gap": unseen.figures["total"] - seen.figures["total"],
        "calibration": None if calibrated is None else {"ece": calibrated.ece, "noise": calibrated.noise},
    }


def _dataset_facts(plan: _Plan) -> dict[str, Any]:
    return {
        "identity": plan.dataset.identity,
        "samples": plan.dataset.samples,
        "games": plan.dataset.manifest.games,
        "new_samples": plan.new,
    }


def _alone(folder: Path, group: ProcessGroup) -> AbstractContextManager[None]:
    """Keep other processes than those of this run out of its folder."""
    if not group.is_main:
        return nullcontext()
    return alone(
        folder / ".lock", folder, BusyRun(f"{folder}: another process is training there; wait for it, or stop it")
    )
