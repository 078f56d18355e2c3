"""The training of an energy network: decisions of stored games in, a file of weights and a report out.

Contrast (InfoNCE: van den Oord et al. 2018, arXiv:1807.03748): of the action that was played and random legal ones, the
played one is to have the lowest energy. A decision weighs as much as the game was worth to the player who took it, and
nothing where that is not above 0: who lost is no example.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from ringrift.datasets.game_selection import EmptySelection
from ringrift.datasets.settings import DatasetSettings
from ringrift.energy import SUFFIX
from ringrift.energy.file import energy_network_file
from ringrift.files import new_file
from ringrift.game import Board, parse_config
from ringrift.game_database import GamesDatabase
from ringrift.kernels.types import I64
from ringrift.networks.contrasts import ContrastiveDecisions
from ringrift.networks.energy import EnergyNetwork
from ringrift.run_context import Cancelled, RunContext
from ringrift.training.energy_settings import EnergySettings
from ringrift.training.errors import Diverged
from ringrift.training.nnue_positions import Positions, read_positions

TOLD_STEPS: Final = 20
"""Steps from one report of progress to the next."""


@dataclass(frozen=True)
class Contrast:
    """The loss and accuracy of telling the actions of winners from random legal ones, over all decisions."""

    loss: float
    """The mean cross-entropy of what was played, in nats."""
    accuracy: float
    """The share of decisions in which what was played has the lowest energy."""


@dataclass(frozen=True)
class EnergyReport:
    """A training of an energy network and what came of it."""

    config: str
    model: str
    """The id of the network."""
    path: Path
    decisions: int
    games: int
    steps: int
    seconds: float
    training: Contrast
    holdout: Contrast | None
    """The same for games that are held out; None if there are none."""

    def to_json(self) -> dict[str, Any]:
        """Return all of it, for machines."""
        return asdict(self) | {"path": str(self.path)}

    def lines(self) -> list[str]:
        """Return the report in words."""
        lines = [
            f"{self.config}: {self.path}, {self.decisions:,} decisions of {self.games:,} games,"
            f" {self.steps:,} steps in {self.seconds:.0f} s"
        ]
        for name, contrast in (("training", self.training), ("held out", self.holdout)):
            if contrast is not None:
                lines.append(f"{name}: loss {contrast.loss:.3f} nats, accuracy {contrast.accuracy:.1%}")
        if self.holdout is None:
            lines.append("warning: no game is held out, so that nothing says how well the network has learned")
        return lines


class Contrasts(ContrastiveDecisions):
    """Decisions of players who ended above the mean, in batches beside random alternatives."""

    def __init__(self, board: Board, players: int, positions: Positions, candidates: int) -> None:
        movers = positions.states["player"].astype(np.int64) - 1
        outcomes = positions.outcome_values[np.arange(len(movers)), movers]
        kept = outcomes > 0
        super().__init__(
            board,
            players,
            np.ascontiguousarray(positions.states[kept]),
            np.ascontiguousarray(positions.actions[kept]),
            outcomes[kept].astype(np.float32),
            candidates=candidates,
        )
        self.games = positions.games[kept]


def train_energy(
    config: str,
    settings: EnergySettings,
    models: Path,
    database: GamesDatabase,
    selection: DatasetSettings,
    context: RunContext[None],
    *,
    command: str = "",
) -> EnergyReport:
    """Train an energy network and write it into the folder of models; the same inputs make the same network.

    `EmptySelection` without games, `Diverged`; `Cancelled` leaves nothing.
    """
    board, players = parse_config(config)
    reading = context.with_settings(selection)
    positions = read_positions(database, config, "training", reading, settings.positions, settings.seed)
    contrasts = Contrasts(board, players, positions, settings.candidates)
    if not len(contrasts):
        raise EmptySelection(f"{config}: no stored game has a winner; play some with `ringrift selfplay {config}`")
    holdout = _holdout(config, database, reading, settings)
    started = time.perf_counter()
    torch.manual_seed(settings.seed)
    network = EnergyNetwork(players)
    steps = learn_contrasts(network, contrasts, settings, context)
    seconds = time.perf_counter() - started
    few = min(len(contrasts), settings.holdout_positions)
    learned = measure(network, contrasts, np.arange(few))
    held_out = measure(network, holdout, np.arange(len(holdout))) if holdout is not None and len(holdout) else None
    training = {"settings": settings.model_dump(), "decisions": len(contrasts), "command": command}
    content, identity = energy_network_file(config, network.weights(), {"training": training})
    path = models / config / f"{identity}{SUFFIX}"
    with new_file(path) as file:
        file.write(content)
    games = len(np.unique(contrasts.games))
    return EnergyReport(config, identity, path, len(contrasts), games, steps, seconds, learned, held_out)


def _holdout(
    config: str, database: GamesDatabase, reading: RunContext[DatasetSettings], settings: EnergySettings
) -> Contrasts | None:
    board, players = parse_config(config)
    try:
        positions = read_positions(database, config, "holdout", reading, settings.holdout_positions, settings.seed)
    except EmptySelection:
        return None
    return Contrasts(board, players, positions, settings.candidates)


def learn_contrasts(
    network: EnergyNetwork, contrasts: Contrasts, settings: EnergySettings, context: RunContext[None]
) -> int:
    """Train a network to the end; return the number of steps. `Diverged`, `Cancelled`."""
    optimiser = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    batch = min(settings.batch, len(contrasts))
    steps = max(1, round(settings.epochs * len(contrasts) / batch))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    rng = np.random.default_rng(settings.seed)
    order = np.empty(0, np.int64)
    for step in range(steps):
        if context.cancelled:
            raise Cancelled("the training was cancelled; the same command begins anew")
        if len(order) < batch:
            order = rng.permutation(len(contrasts))
        chosen, order = order[:batch], order[batch:]
        loss = contrasts.mean_loss(network, chosen, step + 1)
        if not torch.isfinite(loss):
            raise Diverged(f"step {step + 1}: the loss is {loss}: a lower learning rate helps (--set learning_rate=…)")
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        if step % TOLD_STEPS == 0 or step + 1 == steps:
            context.progress("training", step + 1, steps, f"loss {loss.item():.3f}")
    return steps


@torch.no_grad()
def measure(network: EnergyNetwork, contrasts: Contrasts, chosen: I64) -> Contrast:
    """Measure a network on decisions, beside the same alternatives for every network."""
    parts = [contrasts.loss(network, part, 0) for part in np.array_split(chosen, -(-len(chosen) // 1024))]
    losses, hits = (torch.cat(tensors) for tensors in zip(*parts, strict=True))
    return Contrast(float(losses.mean()), float(hits.float().mean()))
