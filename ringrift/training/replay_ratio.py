"""The replay ratio: every new sample is worth so many samples of training, and no more.

A network that sees the same games too often learns them by heart. What is new is counted by games: those of the data
set that the parent has not learned from, nor its parents. Which games a run has learned from stands in its folder.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from ringrift.datasets import Dataset
from ringrift.datasets.layout import IDENTITY
from ringrift.files import new_file

FILE = "games.npy"


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
    """Read which games a run has learned from; none if its folder is gone."""
    try:
        games: npt.NDArray[np.bytes_] = np.load(folder / FILE, allow_pickle=False)
        return games
    except FileNotFoundError:
        return np.empty(0, IDENTITY)
