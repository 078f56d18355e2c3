"""The replay ratio: every new sample is worth so many samples of training, and no more.

A network that sees the same games too often learns them by heart. What is new is counted by games: those of the data
set that the parent has not learned from, nor its parents. Which games a run has learned from stands in its folder.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from ringrift.bounded import read_bounded
from ringrift.datasets import Dataset
from ringrift.datasets.layout import IDENTITY
from ringrift.datasets.shards import UNREADABLE
from ringrift.errors import RingRiftError
from ringrift.files import new_file

FILE = "games.npy"
LARGEST: Final = 16 << 30
"""Bytes of that file: a thousand million games."""
_REMEDY: Final = "without it nobody knows what is new to its model: bring back a sound copy, or take another parent"


class DamagedGames(RingRiftError):
    """The list of games that a run has learned from cannot be read."""


def games_of(dataset: Dataset) -> npt.NDArray[np.bytes_]:
    """Return the identities of all games, sorted: S16 `[games]`."""
    return np.unique(np.concatenate([shard["games"] for shard in dataset.shards]))


def new_samples(dataset: Dataset, known: npt.NDArray[np.bytes_]) -> int:
    """Count the samples of games that are not among the known ones."""
    count = 0
    for shard in dataset.shards:
        new = ~np.isin(shard["games"], known)
        count += int(new[shard["game"]].sum())
    return count


def write_games(folder: Path, games: npt.NDArray[np.bytes_]) -> None:
    """Write which games a run has learned from."""
    with new_file(folder / FILE) as file:
        np.save(file, games, allow_pickle=False)


def read_games(folder: Path) -> npt.NDArray[np.bytes_]:
    """Read which games a run has learned from; none if its folder is gone. `DamagedGames` if nobody can tell."""
    path = folder / FILE
    try:
        games: npt.NDArray[np.bytes_] = np.lib.format.read_array(BytesIO(read_bounded(path, LARGEST)))
    except FileNotFoundError:
        return np.empty(0, IDENTITY)
    except UNREADABLE as error:
        raise DamagedGames(f"{path}: is damaged ({' '.join(str(error).split())}); {_REMEDY}") from None
    if games.ndim != 1 or games.dtype != IDENTITY:
        raise DamagedGames(f"{path}: is damaged (it holds {games.dtype} {games.shape}); {_REMEDY}")
    return games
