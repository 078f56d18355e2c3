"""The encoding of many states into the arrays of one batch, on all cores."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ringrift.encoding.features import FeatureVersion
from ringrift.encoding.symmetries import pixel_tables
from ringrift.game.boards import Board
from ringrift.game.state import state_type, thread_workspace
from ringrift.game.types import States
from ringrift.kernels.threads import share_out

ROWS_PER_PART = 64
"""The number of states that a thread gets at once; starting it takes about as long as encoding as many small ones."""

Features = npt.NDArray[np.uint8]
Globals = npt.NDArray[np.float32]


def new_batch(version: FeatureVersion, board: Board, rows: int) -> tuple[Features, Globals]:
    """Allocate arrays for `rows` rows: features `[rows, C, H, W]` (uint8) and globals `[rows, G]` (float32)."""
    features = np.zeros((rows, *version.features_shape(board)), np.uint8)
    return features, np.zeros((rows, len(version.globals)), np.float32)


def encode_batch(
    states: States,
    version: FeatureVersion,
    board: Board,
    features: Features,
    globals: Globals,
    *,
    rows: npt.NDArray[np.int32] | None = None,
    symmetries: npt.NDArray[np.int32] | None = None,
    threads: int | None = None,
) -> int:
    """Encode states into the first rows of a batch, overwriting those; return the number of rows.

    States are `[M]`; `rows` `[N]` picks those to encode, by default all. `symmetries` `[N]` shows each under a symmetry
    of the board, by default as it stands. The result does not depend on the number of threads.
    """
    picked = np.arange(len(states), dtype=np.int32) if rows is None else np.ascontiguousarray(rows, np.int32)
    count = len(picked)
    chosen = np.zeros(count, np.int32) if symmetries is None else np.ascontiguousarray(symmetries, np.int32)
    _check_arrays(version, board, features, globals, count)
    _check_picks(states, board, picked, chosen)
    flat = features.reshape(len(features), len(version.planes), board.size**2)
    states = np.ascontiguousarray(states)  # one layout, so that the kernel is compiled once
    pixels = pixel_tables(board)

    def run(first: int, last: int) -> None:
        work = thread_workspace(board)
        version.kernel(states, picked, chosen, first, last, board.tables, work, pixels, flat, globals)

    share_out(count, run, threads=threads, grain=ROWS_PER_PART)
    return count


def _check_arrays(version: FeatureVersion, board: Board, features: Features, globals: Globals, count: int) -> None:
    """Check the arrays: the kernels trust their caller, and would write beyond arrays that do not fit."""
    for name, array, dtype, shape in (
        ("features", features, np.uint8, version.features_shape(board)),
        ("globals", globals, np.float32, (len(version.globals),)),
    ):
        if array.dtype != dtype or array.shape[1:] != shape or len(array) < count or not array.flags.c_contiguous:
            raise ValueError(
                f"`{name}` must be a contiguous {np.dtype(dtype).name} array of at least {count} rows of {shape}, "
                f"not {array.dtype.name} {array.shape}"
            )


def _check_picks(states: States, board: Board, rows: npt.NDArray[np.int32], symmetries: npt.NDArray[np.int32]) -> None:
    """Check rows and symmetries: the kernels would read beyond the arrays."""
    if states.dtype != state_type(board):
        raise ValueError(f"these are no states of {board.name}")
    if len(symmetries) != len(rows):
        raise ValueError(f"there are {len(symmetries)} symmetries for {len(rows)} rows")
    for name, picks, limit in (("rows", rows, len(states)), ("symmetries", symmetries, len(board.symmetries))):
        if len(picks) and not 0 <= picks.min() <= picks.max() < limit:
            raise IndexError(f"`{name}` must lie in 0 … {limit - 1}, not in {picks.min()} … {picks.max()}")
