"""The training of an integer network: positions of stored games in, a file of whole numbers and a report out.

The values to learn are outcomes, mixed with what a search thought of the positions, or with what a teacher thinks of
them (`teacher_values`). Every position is turned by a random symmetry of the board each time that it is learned from.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import torch
from torch import Tensor

from ringrift.agents import Agent
from ringrift.datasets.game_selection import EmptySelection
from ringrift.datasets.settings import DatasetSettings
from ringrift.files import alone, new_file
from ringrift.game import parse_config
from ringrift.game_database import GamesDatabase
from ringrift.kernels.types import F32, I64
from ringrift.networks import parameter_count
from ringrift.networks.nnue import NnueNetwork
from ringrift.nnue import SUFFIX, write_network
from ringrift.nnue.batch import input_batch, network_scores
from ringrift.run_context import Cancelled, RunContext
from ringrift.training.calibration import calibration
from ringrift.training.checkpoints import FOLDER as CHECKPOINTS
from ringrift.training.checkpoints import Checkpoint, newest_checkpoint, prune, save_checkpoint
from ringrift.training.errors import BusyRun, Diverged
from ringrift.training.history import end_torn_line, read_history
from ringrift.training.nnue_positions import Positions, read_positions
from ringrift.training.nnue_settings import NnueSettings, nnue_settings
from ringrift.training.report import RunFacts, TrainingReport, report_training, write_report
from ringrift.training.thresholds import ReportSettings, TrainingThresholds
from ringrift.version import code_version

HISTORY: Final = "history.jsonl"
RUN_DIGITS: Final = 12
LEAST_RATE: Final = 0.02
"""The share of the learning rate that is left at the end."""
AT_ONCE: Final = 4096
"""Positions that are evaluated at once."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NnueInputs:
    """The inputs of a training of an integer network."""

    config: str
    settings: NnueSettings
    models: Path = Path("models")
    runs: Path = Path("data/runs")
    teacher: str | None = None
    """The player whose values are learned in place of those of the searches, as a spec."""
    parent: str | None = None
    """The id of the model that the teacher plays with; None if it has none."""
    command: str = ""


@dataclass(frozen=True, eq=False)
class _Data:
    """Positions of training and of the games held out, with the values to learn."""

    training: Positions
    holdout: Positions | None
    search_share: float

    @property
    def identity(self) -> str:
        """The same for the same positions and targets."""
        digest = hashlib.sha256()
        for part in (self.training, self.holdout):
            for array in part or ():
                for field in _fields(array):
                    digest.update(np.ascontiguousarray(field).tobytes())
        return digest.hexdigest()


def _fields(array: Any) -> list[Any]:
    """Return the fields of records one by one: what lies between them is whatever the memory held before."""
    return [array[name] for name in array.dtype.names] if array.dtype.names else [array]


def train_nnue(
    inputs: NnueInputs,
    database: GamesDatabase,
    selection: DatasetSettings,
    context: RunContext[TrainingThresholds],
    *,
    device: str = "cpu",
    teacher: Agent | None = None,
) -> TrainingReport:
    """Train an integer network, write it into the folder of models, and say how it went.

    `EmptySelection` without games, `BusyRun`, `Diverged`; `Cancelled` leaves no network. The same inputs make the same
    run, which goes on where it was stopped.
    """
    data = _read(inputs, database, selection, context)
    if teacher is not None:
        data = _taught(data, teacher, context)
    run = _run_name(inputs, data)
    folder = inputs.runs / inputs.config / f"nnue-{run}"
    busy = BusyRun(f"{folder}: another process trains there: wait until it has ended")
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder / "lock", folder, busy):
        checkpoint = newest_checkpoint(folder / CHECKPOINTS)
        end_torn_line(folder / HISTORY)
        with (folder / HISTORY).open("a" if checkpoint else "w") as history:
            trainer = _Trainer(inputs, data, device, history, folder / CHECKPOINTS)
            if checkpoint is not None:
                trainer.restore(checkpoint)
            network = trainer.run(context)
        report = _finish(inputs, data, network, folder, device, context.settings.report)
        shutil.rmtree(folder / CHECKPOINTS)
    return report


def _read(
    inputs: NnueInputs, database: GamesDatabase, selection: DatasetSettings, context: RunContext[TrainingThresholds]
) -> _Data:
    settings = inputs.settings
    reading = context.with_settings(selection)
    training = read_positions(database, inputs.config, "training", reading, settings.positions, settings.seed)
    try:
        holdout = read_positions(database, inputs.config, "holdout", reading, settings.holdout_positions, settings.seed)
    except EmptySelection:
        _log.warning("%s: no game is held out, so that nothing says how well the network has learned", inputs.config)
        holdout = None
    return _Data(training, holdout, settings.search_share)


def _taught(data: _Data, teacher: Agent, context: RunContext[TrainingThresholds]) -> _Data:
    """Return the same positions with the values of a teacher in place of those of the searches."""
    holdout = data.holdout
    return replace(
        data,
        training=data.training._replace(root_values=teacher_values(teacher, data.training, context)),
        holdout=holdout and holdout._replace(root_values=teacher_values(teacher, holdout, context)),
    )


def teacher_values(teacher: Agent, positions: Positions, context: RunContext[TrainingThresholds]) -> F32:
    """Return what a player thinks of positions `[N, players]`."""
    values = np.empty_like(positions.root_values)
    for first in range(0, len(values), AT_ONCE):
        if context.cancelled:
            raise Cancelled("asking the teacher was cancelled")
        context.progress("asking the teacher", first, len(values))
        part = slice(first, first + AT_ONCE)
        states = positions.states[part]
        games = np.arange(first, first + len(states), dtype=np.int64)
        values[part] = teacher.act(states, games).root_values
        teacher.forget(games)
    return values


def _run_name(inputs: NnueInputs, data: _Data) -> str:
    parts = {
        "config": inputs.config,
        "settings": inputs.settings.model_dump(),
        "teacher": inputs.teacher,
        "data": data.identity,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:RUN_DIGITS]


class _Trainer:
    """The loop of one training."""

    def __init__(self, inputs: NnueInputs, data: _Data, device: str, history: IO[str], checkpoints: Path) -> None:
        self.checkpoints = checkpoints
        self.settings = inputs.settings
        self.board, self.players = parse_config(inputs.config)
        self.data = data
        self.device = device
        self.history = history
        torch.manual_seed(self.settings.seed)
        self.network = NnueNetwork(self.board).to(device)
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=self.settings.learning_rate, betas=(0.9, 0.99))
        self.rng = np.random.default_rng(self.settings.seed)
        self.targets = data.training.targets(data.search_share)
        self.batch = min(self.settings.batch, len(self.targets))
        per_epoch = len(self.targets) / self.batch
        self.steps = max(1, round(self.settings.epochs * per_epoch))
        self.between_validations = max(1, round(per_epoch / self.settings.validations))
        self.step = 0
        self.seconds = 0.0
        self.order = np.empty(0, np.int64)
        """The samples that the present epoch has left."""
        self.best = np.inf
        self.best_weights: dict[str, Tensor] | None = None

    def run(self, context: RunContext[TrainingThresholds]) -> NnueNetwork:
        """Train to the end, and return the network of the best validation."""
        losses: list[float] = []
        logged = time.perf_counter()
        started = logged - self.seconds
        for step in range(self.step + 1, self.steps + 1):
            if context.cancelled:
                raise Cancelled("the training was cancelled; the same command goes on from its last validation")
            if len(self.order) < self.batch:
                self.order = self.rng.permutation(len(self.targets))
            chosen, self.order = self.order[: self.batch], self.order[self.batch :]
            loss, norm = self._step(step, chosen)
            losses.append(loss)
            if not np.isfinite(loss):
                raise Diverged(f"step {step}: the loss is {loss}: a lower learning rate helps (--set learning_rate=…)")
            if step % self.settings.log_steps == 0 or step == self.steps:
                now = time.perf_counter()
                mean = float(np.mean(losses))
                self._log(
                    {
                        "step": step,
                        "samples": step * self.batch,
                        "epoch": step * self.batch / len(self.targets),
                        "lr": self._rate(step),
                        "losses": {"total": mean, "value": mean},
                        "gradient_norm": norm,
                        "samples_per_second": len(losses) * self.batch / (now - logged),
                        "seconds": now - started,
                    }
                )
                context.progress("training", step, self.steps, f"loss {mean:.4f}")
                losses, logged = [], now
            if step % self.between_validations == 0 or step == self.steps:
                self._validate(step)
                self.step, self.seconds = step, time.perf_counter() - started
                self._save()
                logged = time.perf_counter()
        if self.best_weights is not None:
            self.network.load_state_dict(self.best_weights)
        return self.network.eval()

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint of the same run."""
        state, tensors = checkpoint
        self.step, self.seconds, self.best = state["step"], state["seconds"], state["best"]
        self.rng.bit_generator.state = state["rng"]
        self.order = tensors["order"].numpy()
        self.network.load_state_dict(tensors["network"])
        self.optimiser.load_state_dict(tensors["optimiser"])
        self.best_weights = tensors["best_weights"]

    def _save(self) -> None:
        state = {
            "step": self.step,
            "seconds": self.seconds,
            "best": float(self.best),
            "rng": self.rng.bit_generator.state,
        }
        tensors = {
            "order": torch.from_numpy(self.order.copy()),
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "best_weights": self.best_weights,
        }
        save_checkpoint(self.checkpoints, "regular", self.step, Checkpoint(state, tensors))
        prune(self.checkpoints, keep=1)

    def _rate(self, step: int) -> float:
        settings = self.settings
        rise = min(1.0, step / max(1, settings.warm_up_steps))
        fall = LEAST_RATE + (1 - LEAST_RATE) * 0.5 * (1 + np.cos(np.pi * step / self.steps))
        return float(settings.learning_rate * rise * fall)

    def _step(self, step: int, chosen: I64) -> tuple[float, float]:
        for group in self.optimiser.param_groups:
            group["lr"] = self._rate(step)
        symmetry = self.rng.integers(0, len(self.board.symmetries), len(chosen))
        values = network_values(self.network, self.players, self.data.training, chosen, symmetry, self.device)
        targets = torch.from_numpy(self.targets[chosen]).to(self.device)
        loss = torch.nn.functional.mse_loss(values, targets)
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.clip)
        self.optimiser.step()
        self.network.clip()
        return float(loss.detach()), float(norm)

    def _validate(self, step: int) -> None:
        holdout = self.data.holdout
        if holdout is None:
            return
        seen = self.data.training.first(len(holdout.states))
        measured = {
            name: _losses(self.network, self.players, positions, self.data.search_share, self.device)
            for name, positions in (("holdout", holdout), ("seen", seen))
        }
        self._log({"step": step} | measured)
        if measured["holdout"]["total"] < self.best:
            self.best = measured["holdout"]["total"]
            self.best_weights = {name: tensor.clone() for name, tensor in self.network.state_dict().items()}

    def _log(self, entry: dict[str, Any]) -> None:
        self.history.write(json.dumps(entry) + "\n")
        self.history.flush()


def network_values(
    network: NnueNetwork, players: int, positions: Positions, chosen: I64, symmetry: I64, device: str
) -> Tensor:
    """Return the network's values of `positions[chosen]`, each turned by a symmetry, `[B, players]`."""
    batch = input_batch(network.board, players, positions.states, chosen, symmetry)
    rows, offsets, stages = (torch.from_numpy(array).to(device) for array in batch)
    return torch.tanh(network(rows, offsets, stages, players) / 2)


@torch.no_grad()
def all_values(network: NnueNetwork, players: int, positions: Positions, device: str) -> F32:
    """Return the network's values of all positions, `[N, players]`."""
    values = np.empty_like(positions.outcome_values)
    for first in range(0, len(values), AT_ONCE):
        chosen = np.arange(first, min(first + AT_ONCE, len(values)))
        as_is = np.zeros(len(chosen), np.int64)
        values[chosen] = network_values(network, players, positions, chosen, as_is, device).cpu().numpy()
    return values


def _losses(
    network: NnueNetwork, players: int, positions: Positions, search_share: float, device: str
) -> dict[str, float]:
    values = all_values(network, players, positions, device)
    total = float(np.mean((values - positions.targets(search_share)) ** 2))
    return {"total": total, "value": float(np.mean((values - positions.outcome_values) ** 2))}


def _finish(
    inputs: NnueInputs, data: _Data, network: NnueNetwork, folder: Path, device: str, thresholds: ReportSettings
) -> TrainingReport:
    """Write the network in whole numbers and the report of its training."""
    settings = inputs.settings
    board, players = parse_config(inputs.config)
    history = read_history(folder / HISTORY)
    checked = data.holdout or data.training
    quantised = network.quantised()
    whole = np.tanh(network_scores(board, players, quantised, checked.states) / 2)
    distance = np.abs(whole - all_values(network, players, checked, device))
    movers = checked.states["player"].astype(np.int64) - 1
    rows = np.arange(len(movers))
    dataset = {
        "samples": len(data.training.states),
        "games": len(np.unique(data.training.games)),
        "identity": data.identity,
    }
    facts = RunFacts(
        run=folder.name,
        config=inputs.config,
        command=inputs.command,
        ended=f"all {settings.epochs:g} epochs; whole numbers are off by {distance.mean():.4f} on average",
        network="nnue",
        parameters=parameter_count(network),
        device=device,
        dataset=dataset,
        settings=settings.model_dump(),
        defaults=nnue_settings().model_dump(),
        code=code_version(),
    )
    training = {
        "run": folder.name,
        "teacher": inputs.teacher,
        "parent": inputs.parent,
        "dataset": dataset,
        "settings": settings.model_dump(),
        "quantisation": {"mean": float(distance.mean()), "largest": float(distance.max())},
    }
    temporary = folder / f"network{SUFFIX}"
    identity = write_network(temporary, inputs.config, quantised, {"training": training})
    with new_file(inputs.models / inputs.config / f"{identity}{SUFFIX}") as file:
        file.write(temporary.read_bytes())
    calibrated = None
    if data.holdout is not None:
        predicted, came = whole[rows, movers], checked.outcome_values[rows, movers]
        calibrated = calibration(predicted, came, thresholds.calibration_bins)
    report = report_training(replace(facts, model=identity), history, calibrated, thresholds)
    write_report(report, history, folder, thresholds)
    return report
