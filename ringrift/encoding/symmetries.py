"""The symmetries of the boards, on images and on the policy.

No plane depends on a direction, so a symmetry of the board is a permutation of the pixels and nothing else. Symmetry s
is the one of `Board.symmetries[s]` (8 for squares, 12 for hexes; 0 is the identity) everywhere: on positions, pixels
and actions. To take one back, apply `inverse[s]`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from ringrift.game.actions import transform_actions
from ringrift.game.boards import Board
from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import F32, I32, U8


@dataclass(frozen=True, eq=False)
class Symmetries:
    """All symmetries of one board for a number of players, as read-only tables; S symmetries, A = H × W pixels."""

    gather: I32
    """`[S, A]`: pixel of the original that every pixel of the transformed image shows."""
    actions: I32
    """`[S, policy_size]`: what every action becomes."""
    inverse: I32
    """`[S]`: the symmetry that takes this one back."""

    def __len__(self) -> int:
        return len(self.inverse)

    def transform_image(self, features: U8, symmetry: int) -> U8:
        """A transformed copy of images `[…, H, W]`."""
        flat = features.reshape(*features.shape[:-2], -1)
        return flat[..., self.gather[symmetry]].reshape(features.shape)

    def transform_actions(self, actions: I32, symmetry: int) -> I32:
        """Return the images of actions, of any shape."""
        return np.take(self.actions[symmetry], actions)

    def transform_policy(self, policy: F32, symmetry: int) -> F32:
        """A transformed copy of dense policies `[…, policy_size]`."""
        return policy[..., self.actions[self.inverse[symmetry]]]


@cache
def symmetries(board: Board, players: int) -> Symmetries:
    """The tables of one board and number of players."""
    images = np.array(board.symmetries)
    pixel = cell_pixels(board)
    gather = np.tile(np.arange(board.size**2, dtype=np.int32), (len(images), 1))
    for row, image in zip(gather, images, strict=True):
        row[pixel[image]] = pixel
    identity = np.arange(board.cells)
    inverse = [next(i for i, other in enumerate(images) if (other[image] == identity).all()) for image in images]
    tables = Symmetries(gather, transform_actions(board, players), np.array(inverse, np.int32))
    tables.gather.setflags(write=False)
    tables.inverse.setflags(write=False)
    return tables


def cell_pixels(board: Board) -> I32:
    """The pixel of every cell, `[cells]`: row × W + column, the row being x and the column y, both from the corner."""
    xy = np.array([coordinate[:2] for coordinate in board.coordinates]) + board.radius
    return np.asarray(xy @ (board.size, 1), np.int32)


@cache
def pixel_tables(board: Board) -> npt.NDArray[np.uint16]:
    """The pixel that shows every grid position, by symmetry: `[S, grid_size]`; 0 for walls, which no kernel reads.

    Encoding through row s writes the transformed image at once, at no cost.
    """
    pixel = cell_pixels(board)
    tables = np.zeros((len(board.symmetries), board.grid_size), np.uint16)
    for row, image in zip(tables, board.symmetries, strict=True):
        row[board.tables["position"]] = pixel[image]
    return tables


@compiled
def transform_row(source: U8, gather: I32, target: U8) -> None:
    """Write the transformed image of one encoded state into another row: both `[C, A]`, not the same memory."""
    for plane in range(source.shape[0]):
        for pixel in range(source.shape[1]):
            target[plane, pixel] = source[plane, np.uint32(gather[pixel])]  # unsigned: numba need not wrap it


@compiled
def transform_rows(source: U8, gather: I32, chosen: I32, first: int, last: int, target: U8) -> None:
    """Transform the rows `first` … `last`−1 of a batch `[N, C, A]`, row i by symmetry `chosen[i]`, into `target`."""
    for row in range(first, last):
        transform_row(source[row], gather[chosen[row]], target[row])
