"""Contrast, by which energy networks learn: what was played is to have a lower energy than random legal actions.

InfoNCE (van den Oord et al. 2018, arXiv:1807.03748), for trainings on stored games and for players that learn as they
play.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ringrift.energy import input_count
from ringrift.energy.inputs import write_contrasts
from ringrift.game import Board
from ringrift.game.state import new_workspace, state_type
from ringrift.game.types import States
from ringrift.heuristic import new_scratch
from ringrift.kernels.types import F32, I32, I64
from ringrift.networks.energy import EnergyNetwork


class ContrastiveDecisions:
    """Decisions to learn from, in batches beside random alternatives."""

    def __init__(
        self, board: Board, players: int, states: States, played: I32, weights: F32, *, candidates: int
    ) -> None:
        """Take positions, what was played in them, and how much each weighs, all `[N]`."""
        self.states = states
        self.played = played
        self.weights = weights
        self.board = board
        self.candidates = candidates
        self._room = new_workspace(board), new_scratch(board), np.empty(1, state_type(board))
        self._legal = np.empty_like(new_workspace(board)["actions"])
        self._inputs = input_count(players)

    def __len__(self) -> int:
        return len(self.states)

    def loss(self, network: EnergyNetwork, chosen: I64, seed: int) -> tuple[Tensor, Tensor]:
        """Return the loss and whether the played action has the lowest energy, of each chosen decision `[B]`."""
        views = np.empty((len(chosen), self._inputs), np.float32)
        actions = np.empty((len(chosen) * self.candidates, self._inputs), np.float32)
        counts = np.empty(len(chosen), np.int64)
        work, scratch, trial = self._room
        rows = write_contrasts(
            self.states,
            self.played,
            chosen,
            np.uint64(seed),
            self.board.tables,
            work,
            scratch,
            trial,
            self._legal,
            views,
            counts,
            actions,
        )
        of = torch.from_numpy(np.repeat(np.arange(len(chosen)), counts))
        energies = network(torch.from_numpy(views), torch.from_numpy(actions[:rows]), of)
        first = np.cumsum(counts) - counts
        places = torch.from_numpy(np.arange(rows) - np.repeat(first, counts))
        table = torch.full((len(chosen), self.candidates), -torch.inf)
        logits = table.index_put((of, places), -energies)
        played = torch.zeros(len(chosen), dtype=torch.int64)
        losses = torch.nn.functional.cross_entropy(logits, played, reduction="none")
        return losses, logits.argmax(1) == 0

    def mean_loss(self, network: EnergyNetwork, chosen: I64, seed: int) -> Tensor:
        """Return the mean loss of the chosen decisions, by their weights."""
        losses, _ = self.loss(network, chosen, seed)
        weights = torch.from_numpy(self.weights[chosen])
        return (losses * weights).sum() / weights.sum()
