"""The loop around the steps, which writes history and checkpoints until a run is over."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal

import torch

from ringrift.datasets import Dataset
from ringrift.datasets.loader import Batch, Loader
from ringrift.kernels.types import F32
from ringrift.networks import ResidualNetwork
from ringrift.networks.devices import is_out_of_memory
from ringrift.run_context import RunContext
from ringrift.training.checkpoints import (
    FOLDER,
    Checkpoint,
    Kind,
    checkpoints,
    newest_checkpoint,
    prune,
    save_checkpoint,
)
from ringrift.training.distributed import ProcessGroup
from ringrift.training.errors import Diverged, TrainingOutOfMemory
from ringrift.training.history import end_torn_line
from ringrift.training.losses import Losses
from ringrift.training.step import Learner, StepMetrics
from ringrift.training.validation import Figures, Validation, validate
from ringrift.training.yardstick import ignorant_losses
from ringrift.version import code_version

Ending = Literal["all steps done", "no better any more", "stopped", "given up"]
Strength = Callable[[ResidualNetwork, ProcessGroup], float]
"""A function that measures the Elo of a network, on any scale of its own; the processes of a group share its games."""
Watch = Callable[[int, Figures], bool]
"""A function that hears the number of every validation but the last, from 1, and its figures on the games held out, and
says whether the run is to be given up."""

HISTORY: Final = "history.jsonl"
TENSORBOARD: Final = "tensorboard"


@dataclass
class TrainerState:
    """The state of a run beside its weights, as it goes into checkpoints."""

    micro_batch: int
    """The number of samples that go through the network at once; a step takes as many micro-batches as it needs."""
    seconds: float = 0.0
    best: float | None = None
    """The highest score: Elo if that is what stops early, else the loss on held-out games, negative."""
    best_step: int = 0
    stale: int = 0
    """The number of validations since the best."""
    lowest: float | None = None
    """The lowest loss of the steps between two lines of the history."""
    loader: dict[str, Any] = field(default_factory=dict)
    steps: int = 0
    code: str = field(default_factory=code_version)
    """The version of the code that began the run: whatever goes on with it, its model stays the same file."""


class Trainer:
    """A run in its folder.

    Killed at any moment, the next `Trainer` of the same folder goes on from the newest checkpoint. On a CPU all that
    follows is exactly what would have followed.
    """

    def __init__(
        self,
        folder: Path,
        learner: Learner,
        dataset: Dataset,
        holdout: Dataset | None,
        group: ProcessGroup,
        context: RunContext[object],
        *,
        micro_batch: int,
        strength: Strength | None = None,
        watch: Watch | None = None,
        weights: Sequence[F32] | None = None,
    ) -> None:
        """Start, or go on; `micro_batch` divides the samples that a process has of a batch.

        `weights` of the samples of every shard take the place of those of the data set.
        """
        self.folder = folder
        self.learner = learner
        self._hyper = learner.hyper
        self._dataset = dataset
        self._holdout = holdout
        self._group = group
        self._strength = strength
        self._watch = watch
        self._context = context
        self._weights = weights
        self._share = learner.schedule.batch // group.size
        self.yardstick = ignorant_losses(
            learner.module.network,
            holdout or dataset,
            learner.hyper.validate_samples,
            learner.hyper.losses,
            learner.target_of((holdout or dataset).manifest),
            learner.teachers,
        )
        """The losses of knowing nothing, on what the network is validated on."""
        self.state = TrainerState(micro_batch)
        self.validation: Validation | None = None
        self._began = time.monotonic()
        self._restore()
        self.state.micro_batch = min(self.state.micro_batch, self._share)  # fewer GPUs may have begun it
        self.loader = self._new_loader()
        if self.state.loader:
            self.loader.restore(self.state.loader)
        self._batches: Iterator[Batch] = iter(self.loader)
        if group.is_main:
            from torch.utils.tensorboard import SummaryWriter  # late: it takes seconds to import

            end_torn_line(folder / HISTORY)
            self._board = SummaryWriter(folder / TENSORBOARD, purge_step=learner.steps + 1)
        self._per_validation = max(1, round(self._hyper.validate_epochs * dataset.samples / learner.schedule.batch))

    def run(self) -> Ending:
        """Train until the schedule is over, nothing gets better, or it is cancelled."""
        hyper, steps = self._hyper, self.learner.schedule.steps
        pending: list[StepMetrics] = []
        since = time.monotonic()
        if self._is_over():  # killed between the last measurement and what comes after the run
            return "no better any more"
        while self.learner.steps < steps:
            pending.append(self._step())
            step = self.learner.steps
            logs = step % hyper.log_steps == 0 or step == steps
            validates = step % self._per_validation == 0 or step == steps
            regular = step % hyper.checkpoint_steps == 0
            stopping = self._context.cancelled
            if self._group.size > 1:  # all processes have to agree, which takes time
                stopping = logs and self._group.any(stopping)
            if logs or validates or regular or stopping:
                now = time.monotonic()
                self._log(pending, now - since)
                pending, since = [], now
            if stopping:
                self._save("emergency")
                return "stopped"
            if validates:
                better = self._validate()
                self._save("best" if better else "epoch")
                since = time.monotonic()
                if self._is_over():
                    return "no better any more"
                if self.learner.steps < steps and self._is_given_up():
                    return "given up"
            elif regular:
                self._save("regular")
        return "all steps done"

    def validate(self, dataset: Dataset) -> Validation:
        """Measure the averaged network in this process alone."""
        return self._measure(dataset, ProcessGroup(0, 1, self._group.device))

    def _measure(self, dataset: Dataset, group: ProcessGroup) -> Validation:
        """Measure the averaged network, with no more samples at once than training has found room for."""
        samples, at_once = self._hyper.validate_samples, self.state.micro_batch
        return validate(self.learner, dataset, samples, at_once=at_once, group=group)

    def recall_best(self) -> None:
        """Set the average back to its best validation; if nothing was measured, leave it as it is."""
        best = newest_checkpoint(self.folder / FOLDER, "best")
        if best is not None:
            self.learner.average.module.load_state_dict(best.tensors["average"])

    def close(self) -> None:
        """Finish what is written in the background."""
        if self._group.is_main:
            self._board.close()

    # One step

    def _step(self) -> StepMetrics:
        """Make a step; if memory runs out, make the same step again in smaller micro-batches."""
        before = self.loader.state()
        steps = self.learner.steps
        while True:
            try:
                return self.learner.step(list(islice(self._batches, self._share // self.state.micro_batch)))
            except Exception as error:
                if not is_out_of_memory(error) or self.learner.steps != steps:
                    raise
                if self.state.micro_batch % 2 or self._group.size > 1:
                    raise TrainingOutOfMemory(
                        f"memory has run out at step {steps + 1} with {self.state.micro_batch} samples at once: choose "
                        "a smaller batch or network"
                    ) from None
            self.learner.optimiser.zero_grad()
            self.state.micro_batch //= 2
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            self.loader = self._new_loader()
            self.loader.restore(before)
            self._batches = iter(self.loader)

    def _new_loader(self) -> Loader:
        group = self._group
        return Loader(
            self._dataset,
            batch=self.state.micro_batch,
            seed=self._hyper.seed,
            rank=group.rank,
            world_size=group.size,
            weights=self._weights,
        )

    # History

    def _log(self, pending: list[StepMetrics], seconds: float) -> None:
        """Write a line of the metrics of the steps since the last line; stop a run that has diverged."""
        learner, group, state = self.learner, self._group, self.state
        losses = group.mean(torch.stack([one.losses for one in pending]).mean(0)).tolist()
        gradient = float(torch.stack([one.gradient_norm for one in pending]).mean())
        named = dict(zip(Losses._fields, losses, strict=True))
        total = named["total"]
        self._stop_if_diverged(total, gradient)
        state.lowest = total if state.lowest is None else min(total, state.lowest)
        rate = len(pending) * learner.schedule.batch / max(seconds, 1e-9)
        if not group.is_main:
            return
        step = learner.steps
        accuracy = named.pop("accuracy")
        samples = step * learner.schedule.batch
        line = {
            "step": step,
            "samples": samples,
            "epoch": samples / self._dataset.samples,
            "lr": learner.optimiser.param_groups[0]["lr"],
            "losses": named,
            "accuracy": accuracy,
            "gradient_norm": gradient,
            "samples_per_second": rate,
            "seconds": self._seconds(),
        }
        self._write(line)
        scalars = {f"losses/{name}": value for name, value in named.items()}
        scalars |= {"accuracy": accuracy, "gradient": gradient, "rate": line["lr"], "samples per second": rate}
        for name, value in scalars.items():
            self._board.add_scalar(name, value, step)
        holdout = self.validation.figures["total"] if self.validation else None
        held_out = "" if holdout is None else f", held-out loss {holdout:.3f}"
        detail = f"loss {total:.3f}{held_out}, accuracy {accuracy:.1%}, {rate:,.0f} samples/s"
        self._context.progress("steps", step, learner.schedule.steps, detail)

    def _stop_if_diverged(self, total: float, gradient: float) -> None:
        lowest = self.yardstick["total"] if self.state.lowest is None else self.state.lowest
        finite = total - total == 0 and gradient - gradient == 0
        # A loss of KL may come near 0, so that a multiple of it says little: what counts is the way up from it.
        if finite and total < self._hyper.divergence * max(lowest, 1.0):
            return
        kept = checkpoints(self.folder / FOLDER)
        raise Diverged(
            f"the training has diverged at step {self.learner.steps}: loss {total:.3g}, gradient {gradient:.3g}; the "
            f"last good state is kept ({kept[-1] if kept else 'none was saved yet'}); try a lower learning_rate (now "
            f"{self._hyper.learning_rate:g})"
        )

    def _write(self, line: dict[str, Any]) -> None:
        """Append to the history; lines of steps that come again after a kill are sorted out when it is read."""
        with (self.folder / HISTORY).open("a") as file:
            file.write(json.dumps(line) + "\n")

    def _seconds(self) -> float:
        return self.state.seconds + time.monotonic() - self._began

    def _validate(self) -> bool:
        """Validate; return whether this is the best so far."""
        learner, state = self.learner, self.state
        line: dict[str, Any] = {"step": learner.steps}
        score: float | None = None  # higher is better
        step = 0.0
        if self._holdout is not None:
            seen, self.validation = (self._measure(dataset, self._group) for dataset in (self._dataset, self._holdout))
            line |= {"seen": seen.figures, "holdout": self.validation.figures}
            score = -self.validation.figures["total"]
        if self._hyper.early_stopping == "elo" and self._strength is not None:
            score, step = self._strength(learner.average.module.network, self._group), self._hyper.elo_step
            line["elo"] = score
        if score is None:
            return True
        better = state.best is None or score > state.best + step
        if better:
            state.best, state.best_step, state.stale = score, learner.steps, 0
        else:
            state.stale += 1
        if self._group.is_main:
            self._write(line)
            for name, value in line.get("holdout", {}).items():
                self._board.add_scalar(f"holdout/{name}", value, learner.steps)
        return better

    def _is_over(self) -> bool:
        hyper = self._hyper
        if hyper.early_stopping == "none":
            return False
        return self.state.stale >= (hyper.elo_patience if hyper.early_stopping == "elo" else hyper.patience)

    def _is_given_up(self) -> bool:
        """Ask whoever watches whether the run is worth its end; all processes have to ask."""
        given_up = False
        if self._watch is not None and self.validation is not None and self._group.is_main:
            given_up = self._watch(-(-self.learner.steps // self._per_validation), self.validation.figures)
        return self._group.any(given_up)

    # Checkpoints

    def _save(self, kind: Kind) -> None:
        if not self._group.is_main:
            self._group.barrier()
            return
        learner, state = self.learner, self.state
        state.loader = self.loader.state()
        state.steps = learner.steps
        written = asdict(state) | {"seconds": self._seconds()}
        tensors = {
            "module": learner.module.state_dict(),
            "average": learner.average.module.state_dict(),
            "optimiser": learner.optimiser.state_dict(),
            "random": torch.get_rng_state(),
        }
        save_checkpoint(self.folder / FOLDER, kind, learner.steps, Checkpoint(written, tensors))
        prune(self.folder / FOLDER, self._hyper.checkpoints)
        self._group.barrier()

    def _restore(self) -> None:
        """Go on from the newest checkpoint, if there is one."""
        checkpoint = newest_checkpoint(self.folder / FOLDER)
        if checkpoint is None:
            return
        state, tensors = checkpoint
        learner = self.learner
        self.state = TrainerState(**state)
        learner.steps = self.state.steps
        learner.module.load_state_dict(tensors["module"])
        learner.average.module.load_state_dict(tensors["average"])
        learner.optimiser.load_state_dict(tensors["optimiser"])
        if self._group.is_main:
            torch.set_rng_state(tensors["random"])
