"""The integer network as it is trained: the same layers in floating point, and how they become whole numbers.

The rows of cells have a common part per kind of thing, added to what is learned for the single cell, as the factorised
inputs of Stockfish's trainer have: what is true of a marker is learned from the markers of all cells.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from ringrift.game.boards import Board
from ringrift.nnue.layout import CELL_ROWS, DENSE, HIDDEN, STAGES, UNIT, Network, feature_count, new_network

TOP: Final = (UNIT - 1) / UNIT
"""The highest activation."""
LIMITS: Final = {"features": 4.0, "common": 4.0, "bias": 4.0, "dense": 8.0, "dense_bias": 8.0, "output": 16.0}
"""Largest weights of each layer, so that the sums of an integer network fit their types: 16 bits in the first, 32
behind it."""


class NnueNetwork(nn.Module):
    """The network of `ringrift.nnue`, in floating point."""

    def __init__(self, board: Board) -> None:
        """Make a network with random weights, from torch's generator."""
        super().__init__()
        self.board = board
        self.cell_rows = board.cells * CELL_ROWS
        scale = 1 / 6  # about 40 inputs are set at once
        self.features = nn.Parameter(torch.zeros(feature_count(board), HIDDEN))
        self.common = nn.Parameter(torch.randn(CELL_ROWS, HIDDEN) * scale)
        self.bias = nn.Parameter(torch.full((HIDDEN,), 0.25))
        self.dense = nn.Parameter(torch.randn(STAGES, DENSE + 1, HIDDEN) / HIDDEN**0.5)
        self.dense_bias = nn.Parameter(torch.full((STAGES, DENSE + 1), 0.1))
        self.output = nn.Parameter(torch.randn(STAGES, DENSE) / DENSE**0.5)
        with torch.no_grad():
            self.features[self.cell_rows :].normal_(0, scale)

    def first_layer(self) -> Tensor:
        """Return the weights of the first layer `[F, HIDDEN]`, with the common part."""
        cells = self.features[: self.cell_rows].view(self.board.cells, CELL_ROWS, HIDDEN) + self.common
        return torch.cat([cells.view(self.cell_rows, HIDDEN), self.features[self.cell_rows :]])

    def forward(self, rows: Tensor, offsets: Tensor, stages: Tensor, players: int) -> Tensor:
        """Return the scores of all seats `[B, players]`, which add up to 0.

        `rows` `[N]` (int32) are the inputs that are set, those of seat s in position b from `offsets[b × players + s]`
        on (int32); `stages` `[B]` (int64) is the set of weights of each position.
        """
        sums = nn.functional.embedding_bag(rows, self.first_layer(), offsets, mode="sum") + self.bias
        hidden = sums.clamp(0, TOP)
        by_seat = stages.repeat_interleave(players)
        every = hidden @ self.dense.reshape(-1, HIDDEN).T + self.dense_bias.reshape(-1)
        picked = every.view(-1, STAGES, DENSE + 1)[torch.arange(len(by_seat), device=rows.device), by_seat]
        clipped = picked[:, :DENSE].clamp(0, TOP)
        outputs = ((clipped * self.output[by_seat]).sum(1) + picked[:, DENSE]).view(-1, players)
        others = (outputs.sum(1, keepdim=True) - outputs) / (players - 1)
        return outputs - others

    @torch.no_grad()
    def clip(self) -> None:
        """Bring all weights back within `LIMITS`."""
        for name, parameter in self.named_parameters():
            parameter.clamp_(-LIMITS[name], LIMITS[name])

    @torch.no_grad()
    def quantised(self) -> Network:
        """Return the network in whole numbers."""
        network = new_network(self.board)
        for name in ("bias", "dense", "dense_bias", "output"):
            network[name] = _whole(getattr(self, name))
        network["features"] = _whole(self.first_layer())
        return network


def _whole(weights: Tensor) -> object:
    return torch.round(weights.detach().cpu() * UNIT).to(torch.int16).numpy()
