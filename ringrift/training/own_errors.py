"""The errors of a training on its own samples, by which the next training draws them.

At its end a training measures its network on every sample: KL(policy of the search ‖ own policy) plus the squared error
of the value of the player to act. They are kept in the folder of the run by game and action, so that they find their
samples in whatever data set is exported later: prioritised replay (Schaul et al. 2016, arXiv:1511.05952) with the
present network's errors in place of those that a sample had when it was last drawn.
"""

from __future__ import annotations

from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch

from ringrift.bounded import read_bounded
from ringrift.datasets import Dataset
from ringrift.datasets.layout import IDENTITY
from ringrift.datasets.loader import Loader
from ringrift.datasets.shards import UNREADABLE
from ringrift.errors import RingRiftError
from ringrift.files import new_file
from ringrift.kernels.types import F32, I64
from ringrift.run_context import Cancelled, RunContext
from ringrift.training.losses import policy_losses
from ringrift.training.network import rows_of
from ringrift.training.step import Learner
from ringrift.training.validation import MOST_AT_ONCE

FILE: Final = "errors.npz"
LARGEST: Final = 16 << 30
"""Bytes of that file: a thousand million samples."""
LARGEST_FACTOR: Final = 4.0
"""The most that a weight is multiplied by, as `sample_weights.largest_weight` of datasets.yaml; not tuned."""


class DamagedErrors(RingRiftError):
    """The errors that a training has kept cannot be read."""


class OwnErrors(NamedTuple):
    """The errors of a network on N samples of G games."""

    games: np.ndarray[tuple[int], np.dtype[np.bytes_]]
    """S16 `[G]`, the identities, sorted."""
    keys: I64
    """`[N]`, sorted: index of the game × `ACTIONS` + which of its actions."""
    errors: F32
    """`[N]`."""


ACTIONS: Final = 1 << 24
"""A number above that of the actions of any game."""


@torch.no_grad()
def measure_errors(learner: Learner, dataset: Dataset, context: RunContext[object]) -> OwnErrors:
    """Measure the averaged network on all samples, as they are stored. `Cancelled`."""
    errors = np.empty(dataset.samples, np.float32)
    for batch in Loader(dataset, batch=MOST_AT_ONCE, epochs=1, shuffle=False, augment=False):
        if context.cancelled:
            raise Cancelled("measuring the errors of the samples was cancelled; the same command goes on")
        on_device = learner.prepared(batch)
        outputs = learner.outputs(learner.average.module, on_device)
        count = len(on_device.outcome_values)
        rows = rows_of(on_device.policy_offsets, on_device.policy_actions)
        policy, _, _ = policy_losses(outputs.policy_logits, on_device.policy_probs, rows, count, kl=True, smoothing=0.0)
        value = (outputs.values[:, 0] - on_device.outcome_values[:, 0]).square()
        errors[batch.samples.numpy()] = (policy * on_device.has_policy + value).cpu().numpy()
        context.progress("measuring the errors of samples", int(batch.samples[-1]) + 1, dataset.samples)
    games = np.unique(np.concatenate([shard["games"] for shard in dataset.shards]))
    keys = _keys(dataset, games)
    order = np.argsort(keys, kind="stable")
    return OwnErrors(games, keys[order], errors[order])


def own_error_weights(dataset: Dataset, known: OwnErrors, share: float) -> list[F32]:
    """Return the weights of the samples of every shard, a share of which goes by their errors over the mean error.

    Samples whose errors are not known, as those of new games, count as the mean.
    """
    keys = _keys(dataset, known.games)
    places = np.searchsorted(known.keys, keys)
    places[places == len(known.keys)] = 0
    is_known = known.keys[places] == keys
    factors = np.ones(len(keys), np.float32)
    mean = float(known.errors[places[is_known]].mean()) if is_known.any() else 0.0
    if mean > 0:
        factors[is_known] = 1 - share + share * known.errors[places[is_known]] / mean
    factors = np.minimum(factors, np.float32(LARGEST_FACTOR))
    bounds = np.cumsum([0, *dataset.lengths])
    return [
        (shard["sample_weights"] * factors[first:last]).astype(np.float32)
        for shard, first, last in zip(dataset.shards, bounds, bounds[1:], strict=False)
    ]


def write_errors(folder: Path, own: OwnErrors) -> None:
    """Keep the errors of a run in its folder, whole or not at all."""
    with new_file(folder / FILE) as file:
        np.savez(file, **own._asdict())


def read_errors(folder: Path) -> OwnErrors | None:
    """Read the errors of a run; None if it has kept none. `DamagedErrors`."""
    path = folder / FILE
    try:
        with np.load(BytesIO(read_bounded(path, LARGEST)), allow_pickle=False) as arrays:
            own = OwnErrors(*(arrays[name] for name in OwnErrors._fields))
    except FileNotFoundError:
        return None
    except UNREADABLE as error:
        raise DamagedErrors(
            f"{path}: is damaged ({' '.join(str(error).split())}); delete it, and all samples weigh as without it"
        ) from None
    shapes = own.games.ndim == 1 and own.keys.shape == own.errors.shape == (len(own.keys),) and len(own.keys) > 0
    if not shapes or own.games.dtype != IDENTITY or not np.isfinite(own.errors).all():
        raise DamagedErrors(f"{path}: is damaged; delete it, and all samples weigh as without it")
    return own


def digest_of(own: OwnErrors) -> str:
    """Return a hash that two errors share only if they are the same."""
    hashed = blake2b(digest_size=16)
    for array in own:
        hashed.update(np.ascontiguousarray(array).tobytes())
    return hashed.hexdigest()


def _keys(dataset: Dataset, games: np.ndarray[tuple[int], np.dtype[np.bytes_]]) -> I64:
    """Return the keys of all samples of a data set, −1 for those of other games."""
    parts = []
    for shard in dataset.shards:
        place = np.minimum(np.searchsorted(games, shard["games"]), len(games) - 1)
        place = np.where(games[place] == shard["games"], place, -1)[shard["game"]].astype(np.int64)
        parts.append(np.where(place < 0, -1, place * ACTIONS + shard["action_index"]))
    return np.concatenate(parts)
