"""The loop around the steps: batches in, history and checkpoints out, until a run is over."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal

import torch

from ringrift.datasets import Dataset
from ringrift.datasets.loader import Batch, Loader
from ringrift.networks import ResidualNetwork
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
from ringrift.training.errors import Diverged, OutOfMemory
from ringrift.training.history import end_torn_line
from ringrift.training.losses import Losses
from ringrift.training.memory import is_out_of_memory
from ringrift.training.step import Learner, Measured
from ringrift.training.validation import Validation, validate
from ringrift.training.world import World
from ringrift.training.yardstick import ignorant_losses
from ringrift.version import code_version

Ending = Literal["all steps done", "no better any more", "stopped"]
Strength = Callable[[ResidualNetwork], float]
"""Elo of a network, on any scale of its own."""

HISTORY: Final = "history.jsonl"
TENSORBOARD: Final = "tensorboard"


@dataclass
class Progress:
    """Where a run stands beside its weights; goes into checkpoints."""

    part: int
    """Samples at once, of which a step goes through as many as it takes."""
    seconds: float = 0.0
    best: float | None = None
    """The highest score: Elo if that is what stops early, else the loss on held-out games, negative."""
    best_step: int = 0
    stale: int = 0
    """Measurements since the best."""
    lowest: float | None = None
    """Loss of the steps between two lines of the history."""
    loader: dict[str, Any] = field(default_factory=dict)
    steps: int = 0
    code: str = field(default_factory=code_version)
    """With which the run began: whatever goes on with it later, its model stays the same file."""


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
        world: World,
        context: RunContext[object],
        *,
        part: int,
        strength: Strength | None = None,
    ) -> None:
        """Start, or go on; `part` samples at once, which divides what a process has of a batch."""
        self.folder = folder
        self.learner = learner
        self._hyper = learner.hyper
        self._dataset = dataset
        self._holdout = holdout
        self._world = world
        self._strength = strength
        self._context = context
        self._share = learner.schedule.batch // world.size
        self.yardstick = ignorant_losses(
            learner.module.network,
            holdout or dataset,
            learner.hyper.validate_samples,
            learner.hyper.losses,
            learner.kind,
        )
        """Of knowing nothing, on what the network is validated on."""
        self.progress = Progress(part)
        self.validation: Validation | None = None
        self._began = time.monotonic()
        self._restore()
        self.loader = self._new_loader()
        if self.progress.loader:
            self.loader.restore(self.progress.loader)
        self._batches: Iterator[Batch] = iter(self.loader)
        if world.writes:
            from torch.utils.tensorboard import SummaryWriter  # late: it takes seconds to import

            end_torn_line(folder / HISTORY)
            self._board = SummaryWriter(folder / TENSORBOARD, purge_step=learner.steps + 1)
        self._per_validation = max(1, round(self._hyper.validate_epochs * dataset.samples / learner.schedule.batch))

    def run(self) -> Ending:
        """Train until the schedule is over, nothing gets better, or it is cancelled."""
        hyper, steps = self._hyper, self.learner.schedule.steps
        pending: list[Measured] = []
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
            if self._world.size > 1:  # all processes have to agree, which takes time
                stopping = logs and self._world.any(stopping)
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
            elif regular:
                self._save("regular")
        return "all steps done"

    def validate(self, dataset: Dataset) -> Validation:
        """Measure the averaged network, with no more samples at once than training has found room for."""
        return validate(self.learner, dataset, self._hyper.validate_samples, at_once=self.progress.part)

    def recall_best(self) -> None:
        """Set the average back to what it was at its best measurement; if nothing was measured, leave it as it is."""
        best = newest_checkpoint(self.folder / FOLDER, "best")
        if best is not None:
            self.learner.average.module.load_state_dict(best.tensors["average"])

    def close(self) -> None:
        """Finish what is written in the background."""
        if self._world.writes:
            self._board.close()

    # One step

    def _step(self) -> Measured:
        """A step; if memory runs out, the same one again in smaller parts."""
        before = self.loader.state()
        steps = self.learner.steps
        while True:
            try:
                return self.learner.step(list(islice(self._batches, self._share // self.progress.part)))
            except Exception as error:
                if not is_out_of_memory(error) or self.learner.steps != steps:
                    raise
                if self.progress.part % 2 or self._world.size > 1:
                    raise OutOfMemory(
                        f"memory has run out at step {steps + 1} with {self.progress.part} samples at once: choose a "
                        "smaller batch or network"
                    ) from None
            self.learner.optimiser.zero_grad()
            self.progress.part //= 2
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            self.loader = self._new_loader()
            self.loader.restore(before)
            self._batches = iter(self.loader)

    def _new_loader(self) -> Loader:
        world = self._world
        return Loader(self._dataset, batch=self.progress.part, seed=self._hyper.seed, rank=world.rank, world=world.size)

    # What is written down

    def _log(self, pending: list[Measured], seconds: float) -> None:
        """A line of what the steps since the last one have measured; stops a run that has gone wrong."""
        learner, world, progress = self.learner, self._world, self.progress
        losses = world.mean(torch.stack([one.losses for one in pending]).mean(0)).tolist()
        gradient = float(torch.stack([one.gradient for one in pending]).mean())
        named = dict(zip(Losses._fields, losses, strict=True))
        total = named["total"]
        self._stop_if_diverged(total, gradient)
        progress.lowest = total if progress.lowest is None else min(total, progress.lowest)
        rate = len(pending) * learner.schedule.batch / max(seconds, 1e-9)
        if not world.writes:
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
        lowest = self.yardstick["total"] if self.progress.lowest is None else self.progress.lowest
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
        """Append to the history. Lines of steps that come again after a kill are sorted out by who reads it."""
        with (self.folder / HISTORY).open("a") as file:
            file.write(json.dumps(line) + "\n")

    def _seconds(self) -> float:
        return self.progress.seconds + time.monotonic() - self._began

    def _validate(self) -> bool:
        """Measure; whether this is the best so far."""
        learner, progress = self.learner, self.progress
        line: dict[str, Any] = {"step": learner.steps}
        score: float | None = None  # higher is better
        step = 0.0
        if self._holdout is not None:
            seen, self.validation = (self.validate(dataset) for dataset in (self._dataset, self._holdout))
            line |= {"seen": seen.figures, "holdout": self.validation.figures}
            score = -self.validation.figures["total"]
        if self._hyper.early_stopping == "elo" and self._strength is not None:
            score, step = self._strength(learner.average.module.network), self._hyper.elo_step
            line["elo"] = score
        if score is None:
            return True
        better = progress.best is None or score > progress.best + step
        if better:
            progress.best, progress.best_step, progress.stale = score, learner.steps, 0
        else:
            progress.stale += 1
        if self._world.writes:
            self._write(line)
            for name, value in line.get("holdout", {}).items():
                self._board.add_scalar(f"holdout/{name}", value, learner.steps)
        return better

    def _is_over(self) -> bool:
        hyper = self._hyper
        if hyper.early_stopping == "none":
            return False
        return self.progress.stale >= (hyper.elo_patience if hyper.early_stopping == "elo" else hyper.patience)

    # Checkpoints

    def _save(self, kind: Kind) -> None:
        if not self._world.writes:
            self._world.wait()
            return
        learner, progress = self.learner, self.progress
        progress.loader = self.loader.state()
        progress.steps = learner.steps
        state = asdict(progress) | {"seconds": self._seconds()}
        tensors = {
            "module": learner.module.state_dict(),
            "average": learner.average.module.state_dict(),
            "optimiser": learner.optimiser.state_dict(),
            "random": torch.get_rng_state(),
        }
        save_checkpoint(self.folder / FOLDER, kind, learner.steps, Checkpoint(state, tensors))
        prune(self.folder / FOLDER, self._hyper.checkpoints)
        self._world.wait()

    def _restore(self) -> None:
        """Go on where the newest checkpoint is, if there is one."""
        checkpoint = newest_checkpoint(self.folder / FOLDER)
        if checkpoint is None:
            return
        state, tensors = checkpoint
        learner = self.learner
        self.progress = Progress(**state)
        learner.steps = self.progress.steps
        learner.module.load_state_dict(tensors["module"])
        learner.average.module.load_state_dict(tensors["average"])
        learner.optimiser.load_state_dict(tensors["optimiser"])
        if self._world.writes:
            torch.set_rng_state(tensors["random"])
