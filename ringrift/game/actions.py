"""Actions: one int32 each, which is at once the index in the policy.

`action = plane × cells + cell`, plane-major, so that a policy head of shape `[planes, cells]` plus `SCALAR_ACTIONS`
logits flattens to the policy; nothing has to be converted. With D movement directions, A line axes and
M = `Board.max_distance`:

| planes | kind | the cell is |
| --- | --- | --- |
| 0, 1, 2 | place 1, 2, 3 rings (onto a stack: always plane 0) | where they go |
| 3 | pay for a line: the top ring of a controlled stack | the stack |
| 4 | pay for a region: the cap of a controlled stack | the stack |
| 5 | pay by extraction: the lowest ring of the player in a stack | the stack |
| 6 | forced elimination of a cap | the stack |
| 7–10 | claim a region bordered by markers of the player 0, 1, 2, 3 seats after the mover | the region's first cell |
| 11 | claim a region bordered by collapsed cells | the region's first cell |
| 12 … +D | recovery slide in direction d | the marker |
| … +A | a line of exactly the line length, axis a | its first position |
| … +A | the whole of a longer line, axis a | its first position |
| … +A | a window of a longer line, axis a | the window's first position |
| … +D×M | slide or capture in direction d to distance m + 1: plane d × M + m | the stack that moves |

After the planes come the actions without a cell, in the order of `SCALAR_NAMES`. The same (stack, direction, distance)
is never both a slide and a capture (R101), so one plane serves both, and the phase decides which.

Regions and whole longer lines are named by their first cell; `transform_actions` names them by the image of that cell,
which after a symmetry may be another cell of the same region or the other end of the line.
"""

from __future__ import annotations

from functools import cache
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ringrift.game.boards import Board
from ringrift.game.types import BoardTables
from ringrift.kernels.compiled import compiled

PLANE_PLACE: Final = 0
MAX_PLACED: Final = 3
PLANE_PAY_LINE: Final = 3
PLANE_PAY_REGION: Final = 4
PLANE_EXTRACT: Final = 5
PLANE_FORCED: Final = 6
PLANE_REGION: Final = 7
COLLAPSED_BORDER: Final = 4
"""Border kind of a region: 0–3 markers of the player that is this many seats after the mover, 4 collapsed cells."""
PLANE_RECOVERY: Final = 12

SKIP_PLACEMENT: Final = 0
NO_PLACEMENT: Final = 1
NO_MOVEMENT: Final = 2
SKIP_CAPTURE: Final = 3
SKIP_RECOVERY: Final = 4
NO_LINE: Final = 5
SKIP_TERRITORY: Final = 6
NO_TERRITORY: Final = 7
SWAP_SIDES: Final = 8
SCALAR_NAMES: Final = (
    "skip_placement",
    "no_placement_action",
    "no_movement_action",
    "skip_capture",
    "skip_recovery",
    "no_line_action",
    "skip_territory_processing",
    "no_territory_action",
    "swap_sides",
)
SCALAR_ACTIONS: Final = len(SCALAR_NAMES)
NO_ACTIONS: Final = (NO_PLACEMENT, NO_MOVEMENT, NO_LINE, NO_TERRITORY)
"""The forced no-actions, each of one phase (§3)."""


@compiled
def plane_line(board: BoardTables) -> int:
    """First of the planes for lines of exactly the line length."""
    return PLANE_RECOVERY + len(board.step)


@compiled
def plane_whole_line(board: BoardTables) -> int:
    """First of the planes for whole longer lines."""
    return plane_line(board) + len(board.axis_step)


@compiled
def plane_window(board: BoardTables) -> int:
    """First of the planes for windows of longer lines."""
    return plane_whole_line(board) + len(board.axis_step)


@compiled
def plane_move(board: BoardTables) -> int:
    """First of the planes for slides and captures."""
    return plane_window(board) + len(board.axis_step)


@compiled
def max_distance(board: BoardTables) -> int:
    """The longest possible move."""
    return len(board.row_mask) - 1


@compiled
def cell_count(board: BoardTables) -> int:
    """Number of cells."""
    return len(board.position)


@compiled
def plane_count(board: BoardTables) -> int:
    """Number of policy planes."""
    return plane_move(board) + len(board.step) * max_distance(board)


@compiled
def cell_action(board: BoardTables, plane: int, position: int) -> int:
    """The action of that plane at a grid position."""
    return int(plane * cell_count(board) + board.cell[position])


@compiled
def scalar_action(board: BoardTables, which: int) -> int:
    """The action without a cell that `which` names."""
    return plane_count(board) * cell_count(board) + which


class FirstPlanes(NamedTuple):
    """The first plane of each kind that depends on the board, for Python; the functions above are for the kernels."""

    line: int
    whole_line: int
    window: int
    move: int
    end: int
    """Number of planes: what follows has no cell."""


@cache
def first_planes(board: Board) -> FirstPlanes:
    """Return where the planes of a board begin."""
    directions, axes = len(board.directions), len(board.axes)
    line = PLANE_RECOVERY + directions
    move = line + 3 * axes
    return FirstPlanes(line, line + axes, line + 2 * axes, move, move + directions * board.max_distance)


def policy_size(board: Board) -> int:
    """Number of policy indices of a board: every action is smaller than this."""
    return first_planes(board).end * board.cells + SCALAR_ACTIONS


@cache
def transform_actions(board: Board, players: int) -> npt.NDArray[np.int32]:
    """Return every action under every symmetry: `[symmetries, policy_size]`.

    Row s is a permutation of the policy for the position transformed by `board.symmetries[s]`. It depends on the number
    of players through the line length only. Windows and lines that would leave the board are no actions; they map to
    themselves.
    """
    size, cells = policy_size(board), board.cells
    result = np.tile(np.arange(size, dtype=np.int32), (len(board.symmetries), 1))
    xy = np.array([coordinate[:2] for coordinate in board.coordinates])
    line_length = board.line_length(players)
    directions, axes = list(board.directions), list(board.axes)
    first = first_planes(board)
    for row, image in zip(result, board.symmetries, strict=True):
        planes_of = row[: first.end * cells].reshape(-1, cells)
        origin = xy[image[0]] - xy[0] @ (linear := _linear_part(board, image))
        assert np.array_equal(xy[image], xy @ linear + origin)
        turned = [tuple(int(v) for v in np.array(direction) @ linear) for direction in directions]
        for plane in range(PLANE_RECOVERY):
            planes_of[plane] = plane * cells + image
        for d, direction in enumerate(turned):
            e = directions.index(direction)
            planes_of[PLANE_RECOVERY + d] = (PLANE_RECOVERY + e) * cells + image
            for m in range(board.max_distance):
                plane = first.move + d * board.max_distance + m
                planes_of[plane] = (first.move + e * board.max_distance + m) * cells + image
        for a, axis in enumerate(axes):
            direction = tuple(int(v) for v in np.array(axis) @ linear)
            reverse = direction not in axes
            b = axes.index(tuple(-v for v in direction) if reverse else direction)
            planes_of[first.whole_line + a] = (first.whole_line + b) * cells + image
            last = _shifted(board, xy, axis, line_length - 1)
            start = np.where(last >= 0, image[last] if reverse else image, -1)
            for plane in (first.line, first.window):
                on_board = start >= 0
                planes_of[plane + a][on_board] = (plane + b) * cells + start[on_board]
    return result


def _linear_part(board: Board, image: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """The 2 × 2 matrix of a symmetry: image of a row vector (dx, dy) is the vector times the matrix."""
    xy = np.array([coordinate[:2] for coordinate in board.coordinates])
    centre = board.cells // 2
    x, y = xy[centre]
    rows = []
    for dx, dy in ((1, 0), (0, 1)):
        coordinate = (x + dx, y + dy, -x - y - dx - dy) if board.hexagonal else (x + dx, y + dy)
        rows.append(xy[image[board.cell_of[tuple(int(v) for v in coordinate)]]] - xy[image[centre]])
    return np.array(rows)


def _shifted(board: Board, xy: npt.NDArray[np.int64], axis: tuple[int, ...], distance: int) -> npt.NDArray[np.int64]:
    """The cell `distance` steps along an axis from every cell, −1 where that leaves the board: `[cells]`."""
    moved = xy + distance * np.array(axis)
    keys = [(int(x), int(y), int(-x - y)) if board.hexagonal else (int(x), int(y)) for x, y in moved]
    return np.array([board.cell_of.get(key, -1) for key in keys])
