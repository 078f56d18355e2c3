"""The replay ratio: every new sample is worth so many samples of training, and no more.

A network that sees the same games too often learns them by heart. What is new is counted by games: those of the data
set that the parent has not learned from, nor its parents. Which games a run has learned from stands in its folder;
where that is gone, the model itself says how many games there were when it was trained, and the brake holds. A model
that comes with the package has learned from games of another place: all are new to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, Final

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
ORIGINAL: Final = "model"
"""The key, among the facts of a training, that only a model of the package has: the model's id where it was made."""
_REMEDY: Final = "without it, what is new to its model is unknown: bring back a sound copy, or take another parent"


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


def read_games(folder: Path) -> npt.NDArray[np.bytes_] | None:
    """Read which games a run has learned from; None if its folder is gone. `DamagedGames` if the list is damaged."""
    path = folder / FILE
    try:
        games: npt.NDArray[np.bytes_] = np.lib.format.read_array(BytesIO(read_bounded(path, LARGEST)))
    except FileNotFoundError:
        return None
    except UNREADABLE as error:
        raise DamagedGames(f"{path}: is damaged ({' '.join(str(error).split())}); {_REMEDY}") from None
    if games.ndim != 1 or games.dtype != IDENTITY:
        raise DamagedGames(f"{path}: is damaged (it holds {games.dtype} {games.shape}); {_REMEDY}")
    return games


def presumed_games(dataset: Dataset, learned: Mapping[str, Any]) -> npt.NDArray[np.bytes_]:
    """Return the games of a data set, S16 `[games]`, that a model may have learned from, by its own account `learned`.

    The pool has grown by so many games since the model's data set was made: the latest ones are new, and no others.
    Without an account of that size, all are taken for known, as the brake must not be lifted unseen.
    """
    then, now = _pool_size(learned.get("provenance")), _pool_size(dataset.manifest.provenance)
    ended = np.concatenate([shard["facts"]["ended"] for shard in dataset.shards])
    games = np.concatenate([shard["games"] for shard in dataset.shards])
    new = 0 if then is None or now is None else min(max(now - then, 0), len(games))
    return np.unique(games[np.lexsort((games, ended))[: len(games) - new]])


def _pool_size(provenance: object) -> int | None:
    """Return how many games of its config there were when a data set was made; None if it does not say."""
    steps = provenance.get("steps") if isinstance(provenance, Mapping) else None
    first = steps[0] if isinstance(steps, list | tuple) and steps else None
    games = first.get("games") if isinstance(first, Mapping) else None
    return games if isinstance(games, int) else None
