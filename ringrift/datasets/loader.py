"""Streams a data set as batches of tensors.

Threads copy samples from the mapped shards with compiled kernels that hold no lock, so they run side by side in one
process, and a batch is handed over without a copy. What stands in a batch follows from the seed and the place of the
batch in the stream alone: neither the number of threads nor where a stream is resumed changes it.

Memory: `prefetch` batches, what `WeightedOrder` keeps, and the shards' pages, which the kernel takes back when it needs
them. None but the second grows with the data set, by one byte for 32 samples.

Reads: a first epoch over files that are not in memory yet is bound by the disk. The system reads ahead around every
row, which pays as long as the data set fits into memory: measured on a virtual disk, 141,000 samples of square8 a
second, and 50,000 with that switched off (madvise).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice, pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ringrift.datasets.dataset import Dataset
from ringrift.datasets.gather import Rows, copy_entries, copy_rows, count_entries, shard_rows
from ringrift.datasets.layout import AGAIN, BadDataset
from ringrift.datasets.order import Order, StoredOrder, WeightedOrder, symmetries_at
from ringrift.encoding import symmetries
from ringrift.errors import RingRiftError
from ringrift.kernels.threads import default_threads


class WrongPosition(RingRiftError):
    """A saved position that belongs to another data set or to another order."""


class Batch(NamedTuple):
    """B samples, each under a symmetry of the board. P players; *relative*: from the player to act on."""

    features: Tensor
    """uint8 `[B, C, H, W]`."""
    globals: Tensor
    """float32 `[B, G]`."""
    values: Tensor
    """float32 `[B, P]`: values of the final ranks, relative."""
    root_values: Tensor
    """float32 `[B, P]`: what the search thought, relative; 0 where there was no search."""
    policy_offsets: Tensor
    """int64 `[B + 1]`: the legal actions of sample b are `policy_actions[offsets[b] : offsets[b + 1]]`."""
    policy_actions: Tensor
    """int32 `[L]`."""
    policy_shares: Tensor
    """float32 `[L]`: add up to 1 for every sample whose policy is a target."""
    policy_kind: Tensor
    """uint8 `[B]`: 1 if the policy is a target, 0 if only the values are."""
    reply_offsets: Tensor
    """int64 `[B + 1]`: of the next decision of another player; no entries where unknown."""
    reply_actions: Tensor
    """int32 `[R]`."""
    reply_shares: Tensor
    """float32 `[R]`."""
    owners: Tensor
    """uint8 `[B, H, W]`: who owns the cell at the end, 1 … P relative, 0 nobody."""
    plies_left: Tensor
    """int32 `[B]`: moves until the end."""
    samples: Tensor
    """int64 `[B]`: which samples these are, counted through all shards."""
    symmetries: Tensor
    """int32 `[B]`: under which symmetry each is shown."""

    def to(self, device: torch.device | str) -> Batch:
        """The batch on a device; a copy from pinned memory to a GPU goes on while the CPU does something else."""
        return Batch(*(tensor.to(device, non_blocking=True) for tensor in self))


class Loader:
    """The stream of a data set, as an iterable of batches.

    An epoch is as many samples as the data set has. Batches go on over the end of an epoch, so all have the same size;
    only the last of a stream that ends (`epochs`) may be smaller. Of several ranks each takes every `world`-th batch
    of one and the same stream.
    """

    def __init__(  # noqa: PLR0913 - independent switches, by keyword
        self,
        dataset: Dataset,
        *,
        batch: int,
        seed: int = 0,
        epochs: int | None = None,
        shuffle: bool = True,
        augment: bool = True,
        rank: int = 0,
        world: int = 1,
        workers: int | None = None,
        prefetch: int | None = None,
        pin: bool | None = None,
    ) -> None:
        """A stream from its start.

        Without `shuffle`, samples come as stored, whatever their weights; without `augment`, all as stored.
        `epochs` None means without end. `workers` are threads, by default one for each core; `prefetch` batches, by
        default two for each worker, are kept ready or in work. `pin`ned memory is the default where there is a GPU.
        """
        if batch < 1 or not 0 <= rank < world:
            raise ValueError(f"there is no batch of {batch} samples, or no rank {rank} of {world}")
        self._dataset = dataset
        self._batch = batch
        self._seed = seed
        self._end = None if epochs is None else epochs * dataset.samples
        self._shuffle = shuffle
        self._augment = augment
        self._rank = rank
        self._world = world
        self._workers = workers or default_threads()
        self._prefetch = prefetch or 2 * self._workers
        self._pin = torch.cuda.is_available() if pin is None else pin
        self._position = 0

        weights = [shard["weights"] for shard in dataset.shards]
        self._order: Order = WeightedOrder(weights, dataset.paths, seed) if shuffle else StoredOrder(dataset.lengths)
        self._first_sample = np.cumsum([0, *dataset.lengths])
        self._rows = [shard_rows(shard) for shard in dataset.shards]
        self._layout = dataset.manifest.layout
        self._tables = symmetries(self._layout.board, self._layout.players)

    def state(self) -> dict[str, Any]:
        """Where the stream stands, after the last batch that was handed out; JSON, the same on all ranks."""
        return {**self._stream(), "position": self._position}

    def restore(self, state: dict[str, Any]) -> None:
        """Let the next iteration go on where a loader of the same stream stood; batches and ranks may differ.

        Raises `WrongPosition` if the data set, the seed or the order is another.
        """
        for name, value in self._stream().items():
            if state.get(name) != value:
                raise WrongPosition(
                    f"{self._dataset.path}: the saved position is of a stream with {name} {state.get(name)!r},"
                    f" not {value!r}: start it anew, or restore what it was"
                )
        position = state.get("position")
        if not isinstance(position, int) or position < 0:
            raise WrongPosition(f"{self._dataset.path}: the saved position {position!r} is no place of a stream")
        self._position = position

    def _stream(self) -> dict[str, Any]:
        """What decides which samples come, and in which order."""
        return {
            "dataset": self._dataset.identity,
            "seed": self._seed,
            "shuffle": self._shuffle,
            "augment": self._augment,
        }

    def __iter__(self) -> Iterator[Batch]:
        """The batches from where the stream stands on; one iteration at a time."""
        spans = self._spans()
        with ThreadPoolExecutor(self._workers, "loader") as pool:
            ahead: deque[tuple[int, Future[Batch]]] = deque()

            def look_ahead(count: int) -> None:
                for first, last, after in islice(spans, count):
                    ahead.append((after, pool.submit(self._assemble, first, last - first)))

            try:
                look_ahead(self._prefetch)
                while ahead:
                    after, assembled = ahead.popleft()
                    batch = assembled.result()
                    look_ahead(1)
                    self._position = after
                    yield batch
            finally:
                for _, assembled in ahead:
                    assembled.cancel()

    def _spans(self) -> Iterator[tuple[int, int, int]]:
        """First and last place of every batch of this rank, and where the stream stands once all ranks had theirs."""
        position = self._position
        while self._end is None or position < self._end:
            first = position + self._rank * self._batch
            last = first + self._batch
            position += self._world * self._batch
            if self._end is not None:
                position, last = min(position, self._end), min(last, self._end)
            if first < last:
                yield first, last, position

    def _assemble(self, first: int, count: int) -> Batch:
        """The batch of so many places of the stream."""
        samples = self._order.samples(first, count)
        chosen = np.zeros(count, np.int32)
        if self._augment:
            symmetries_at(self._seed, first, chosen, len(self._tables))
        parts = self._by_shard(samples)
        policy_offsets, reply_offsets = np.zeros(count + 1, np.int64), np.zeros(count + 1, np.int64)
        for number, rows, places in parts:
            shard = self._dataset.shards[number]
            self._check(
                number,
                count_entries(shard["policy_offsets"], len(shard["policy_indices"]), rows, places, policy_offsets[1:]),
                count_entries(shard["reply_offsets"], len(shard["reply_indices"]), rows, places, reply_offsets[1:]),
            )
        batch = self._new_batch(count, int(policy_offsets.sum()), int(reply_offsets.sum()))
        np.cumsum(policy_offsets, out=batch.policy_offsets.numpy())
        np.cumsum(reply_offsets, out=batch.reply_offsets.numpy())
        batch.samples.numpy()[:] = samples
        batch.symmetries.numpy()[:] = chosen

        target = _batch_rows(batch)
        policy = batch.policy_offsets.numpy(), batch.policy_actions.numpy(), batch.policy_shares.numpy()
        reply = batch.reply_offsets.numpy(), batch.reply_actions.numpy(), batch.reply_shares.numpy()
        for number, rows, places in parts:
            shard = self._dataset.shards[number]
            to = (rows, places, chosen, self._tables.actions)
            self._check(
                number,
                copy_entries(shard["policy_offsets"], shard["policy_indices"], shard["policy_values"], *to, *policy),
                copy_entries(shard["reply_offsets"], shard["reply_indices"], shard["reply_values"], *to, *reply),
            )
            copy_rows(self._rows[number], rows, places, chosen, self._tables.gather, target)
        return batch

    def _by_shard(self, samples: npt.NDArray[np.int64]) -> list[tuple[int, Any, Any]]:
        """The shards that samples come from: number, rows in the shard, and their places in the batch.

        In the order in which they lie in memory.
        """
        places = np.argsort(samples, kind="stable")
        rows = samples[places]
        bounds = np.searchsorted(rows, self._first_sample)
        return [
            (number, rows[first:last] - self._first_sample[number], places[first:last])
            for number, (first, last) in enumerate(pairwise(bounds))
            if first < last
        ]

    def _new_batch(self, count: int, policy: int, reply: int) -> Batch:
        """A batch to be filled, in pinned memory if wanted."""

        def new(dtype: torch.dtype, *shape: int) -> Tensor:
            return torch.empty(shape, dtype=dtype, pin_memory=self._pin)

        version, players = self._layout.version, self._layout.players
        planes, height, width = version.features_shape(self._layout.board)
        return Batch(
            features=new(torch.uint8, count, planes, height, width),
            globals=new(torch.float32, count, len(version.globals)),
            values=new(torch.float32, count, players),
            root_values=new(torch.float32, count, players),
            policy_offsets=new(torch.int64, count + 1),
            policy_actions=new(torch.int32, policy),
            policy_shares=new(torch.float32, policy),
            policy_kind=new(torch.uint8, count),
            reply_offsets=new(torch.int64, count + 1),
            reply_actions=new(torch.int32, reply),
            reply_shares=new(torch.float32, reply),
            owners=new(torch.uint8, count, height, width),
            plies_left=new(torch.int32, count),
            samples=new(torch.int64, count),
            symmetries=new(torch.int32, count),
        )

    def _check(self, shard: int, *damaged: int) -> None:
        """Stop at rows that a kernel found damaged."""
        row = max(damaged)
        if row >= 0:
            raise BadDataset(f"{self._dataset.paths[shard]}: the policy of sample {row} is damaged; {AGAIN}")


def _batch_rows(batch: Batch) -> Rows:
    """The rows of a batch as arrays on the same memory."""
    return Rows(
        features=batch.features.flatten(2).numpy(),
        owners=batch.owners.flatten(1).numpy(),
        globals=batch.globals.numpy(),
        values=batch.values.numpy(),
        root_values=batch.root_values.numpy(),
        policy_kind=batch.policy_kind.numpy(),
        plies_left=batch.plies_left.numpy(),
    )
