"""The stream of a data set as batches of tensors.

Threads copy samples from the mapped shards with compiled kernels that hold no lock, so they run side by side in one
process, and a batch is handed over without a copy. What stands in a batch follows from the seed and the place of the
batch in the stream alone: neither the number of threads nor where a stream is resumed changes it.

Memory: `prefetch` batches, the sums of `WeightedSampler`, and the shards' pages, which the kernel takes back when it
needs them. None but the second grows with the data set, by one byte for 32 samples.

Reads: a first epoch over files that are not in memory yet is bound by the disk. The system reads ahead around every
row, which pays as long as the data set fits into memory: measured on a virtual disk, 141,000 samples of square8 a
second, and 50,000 with that switched off (madvise).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice, pairwise
from math import prod
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ringrift.datasets.dataset import Dataset
from ringrift.datasets.gather import SampleRows, copy_entries, copy_rows, count_entries, shard_rows
from ringrift.datasets.layout import AGAIN, POLICIES, BadDataset, Layout
from ringrift.datasets.sampler import Sampler, SequentialSampler, WeightedSampler, symmetries_at
from ringrift.encoding import symmetries
from ringrift.errors import RingRiftError
from ringrift.kernels.threads import default_threads

PREFETCH_BYTES: Final = 2 << 30
"""The memory that batches may take that are kept ready, pinned where there is a GPU: seconds of a fast one's steps."""
LEAST_AHEAD: Final = 2


def batches_ahead(layout: Layout, batch: int, workers: int) -> int:
    """Return how many batches a loader keeps ready or in work: two for each worker, as far as there is memory."""
    sample = sum(dtype.itemsize * prod(shape) for dtype, shape in layout.rows.values())
    return max(LEAST_AHEAD, min(2 * workers, PREFETCH_BYTES // (batch * sample)))


class WrongPosition(RingRiftError):
    """A saved position that belongs to another data set or to another order."""


class Batch(NamedTuple):
    """B samples, each under a symmetry of the board. P players; *relative*: from the player to act on."""

    features: Tensor
    """uint8 `[B, C, H, W]`."""
    globals: Tensor
    """float32 `[B, G]`."""
    outcome_values: Tensor
    """float32 `[B, P]`: values of the final ranks, relative."""
    root_values: Tensor
    """float32 `[B, P]`: values of the search, relative; 0 where there was no search."""
    policy_offsets: Tensor
    """int64 `[B + 1]`: sample b has the legal actions `policy_actions[policy_offsets[b] : policy_offsets[b + 1]]`."""
    policy_actions: Tensor
    """int32 `[L]`."""
    policy_probs: Tensor
    """float32 `[L]`: probabilities, which add up to 1 for every sample whose policy is a target."""
    has_policy: Tensor
    """uint8 `[B]`: 1 if the policy is a target, 0 if only the values are."""
    opponent_policy_offsets: Tensor
    """int64 `[B + 1]`: the same for the next decision of another player; no entries where it is not known."""
    opponent_policy_actions: Tensor
    """int32 `[R]`."""
    opponent_policy_probs: Tensor
    """float32 `[R]`."""
    ownership: Tensor
    """uint8 `[B, H, W]`: who owns each cell at the end, 1 … P relative, 0 nobody."""
    moves_left: Tensor
    """int32 `[B]`: moves until the end."""
    samples: Tensor
    """int64 `[B]`: indices of the samples, counted through all shards."""
    symmetries: Tensor
    """int32 `[B]`: the symmetry under which each is shown."""

    def to(self, device: torch.device | str) -> Batch:
        """Copy the batch to a device; a copy from pinned memory to a GPU goes on while the CPU does something else."""
        return Batch(*(tensor.to(device, non_blocking=True) for tensor in self))


class Loader:
    """The stream of a data set, as an iterable of batches.

    An epoch is as many samples as the data set has. Batches go on over the end of an epoch, so all have the same size;
    only the last of a stream that ends (`epochs`) may be smaller. Of several ranks each takes every `world_size`-th
    batch of one and the same stream.
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
        world_size: int = 1,
        workers: int | None = None,
        prefetch: int | None = None,
        pin: bool | None = None,
        weights: Sequence[npt.NDArray[np.float32]] | None = None,
    ) -> None:
        """A stream from its start.

        `weights` of the samples of every shard take the place of those of the data set; whoever goes on with a saved
        position has to hand in the same.
        Without `shuffle`, samples come as stored, whatever their weights; without `augment`, all as stored.
        `epochs` None means without end. `workers` are threads, by default one for each core; `prefetch` batches, by
        default `batches_ahead`, are kept ready or in work. `pin`ned memory is the default where there is a GPU.
        """
        if batch < 1 or not 0 <= rank < world_size:
            raise ValueError(f"there is no batch of {batch} samples, or no rank {rank} of {world_size}")
        self._dataset = dataset
        self._batch = batch
        self._seed = seed
        self._end = None if epochs is None else epochs * dataset.samples
        self._shuffle = shuffle
        self._augment = augment
        self._rank = rank
        self._world_size = world_size
        self._workers = workers or default_threads()
        self._prefetch = prefetch or batches_ahead(dataset.manifest.layout, batch, self._workers)
        self._pin = torch.cuda.is_available() if pin is None else pin
        self._position = 0

        stored = [shard["sample_weights"] for shard in dataset.shards]
        self._sampler: Sampler = (
            WeightedSampler(weights or stored, dataset.paths, seed) if shuffle else SequentialSampler(dataset.lengths)
        )
        self._first_sample = np.cumsum([0, *dataset.lengths])
        self._rows = [shard_rows(shard) for shard in dataset.shards]
        self._layout = dataset.manifest.layout
        self._tables = symmetries(self._layout.board, self._layout.players)

    def state(self) -> dict[str, Any]:
        """Return where the stream stands, after the last batch that was handed out; JSON, the same on all ranks."""
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
        """Everything that decides which samples come, and in which order."""
        return {
            "dataset": self._dataset.identity,
            "seed": self._seed,
            "shuffle": self._shuffle,
            "augment": self._augment,
        }

    def __iter__(self) -> Generator[Batch, None, None]:
        """Yield the batches from where the stream stands on; one iteration at a time."""
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
        """Yield first and last place of each batch of this rank, and where the stream stands after it on all ranks."""
        position = self._position
        while self._end is None or position < self._end:
            first = position + self._rank * self._batch
            last = first + self._batch
            position += self._world_size * self._batch
            if self._end is not None:
                position, last = min(position, self._end), min(last, self._end)
            if first < last:
                yield first, last, position

    def _assemble(self, first: int, count: int) -> Batch:
        """Assemble the batch of `count` places of the stream from `first` on."""
        samples = self._sampler.samples(first, count)
        chosen = np.zeros(count, np.int32)
        if self._augment:
            symmetries_at(self._seed, first, chosen, len(self._tables))
        parts = self._by_shard(samples)
        lengths = {policy: np.zeros(count + 1, np.int64) for policy in POLICIES}
        for number, rows, places in parts:
            shard = self._dataset.shards[number]
            for policy in POLICIES:
                offsets, entries = shard[f"{policy}_offsets"], len(shard[f"{policy}_actions"])
                self._check(number, count_entries(offsets, entries, rows, places, lengths[policy][1:]))
        batch = self._new_batch(count, *(int(of_policy.sum()) for of_policy in lengths.values()))
        ragged = {policy: _ragged_members(batch._asdict(), policy) for policy in POLICIES}
        for policy, (offsets, _, _) in ragged.items():
            np.cumsum(lengths[policy], out=offsets)
        batch.samples.numpy()[:] = samples
        batch.symmetries.numpy()[:] = chosen

        target = _batch_rows(batch)
        for number, rows, places in parts:
            shard = self._dataset.shards[number]
            for policy in POLICIES:
                source = _ragged_members(shard, policy)
                self._check(number, copy_entries(*source, rows, places, chosen, self._tables.actions, *ragged[policy]))
            copy_rows(self._rows[number], rows, places, chosen, self._tables.gather, target)
        return batch

    def _by_shard(self, samples: npt.NDArray[np.int64]) -> list[tuple[int, Any, Any]]:
        """The shards that samples come from, in the order of memory: number, rows in it, and places in the batch."""
        places = np.argsort(samples, kind="stable")
        rows = samples[places]
        bounds = np.searchsorted(rows, self._first_sample)
        return [
            (number, rows[first:last] - self._first_sample[number], places[first:last])
            for number, (first, last) in enumerate(pairwise(bounds))
            if first < last
        ]

    def _new_batch(self, count: int, policy: int, opponent_policy: int) -> Batch:
        """Allocate a batch to be filled, in pinned memory if wanted."""

        def new(dtype: torch.dtype, *shape: int) -> Tensor:
            return torch.empty(shape, dtype=dtype, pin_memory=self._pin)

        version, players = self._layout.version, self._layout.players
        planes, height, width = version.features_shape(self._layout.board)
        return Batch(
            features=new(torch.uint8, count, planes, height, width),
            globals=new(torch.float32, count, len(version.globals)),
            outcome_values=new(torch.float32, count, players),
            root_values=new(torch.float32, count, players),
            policy_offsets=new(torch.int64, count + 1),
            policy_actions=new(torch.int32, policy),
            policy_probs=new(torch.float32, policy),
            has_policy=new(torch.uint8, count),
            opponent_policy_offsets=new(torch.int64, count + 1),
            opponent_policy_actions=new(torch.int32, opponent_policy),
            opponent_policy_probs=new(torch.float32, opponent_policy),
            ownership=new(torch.uint8, count, height, width),
            moves_left=new(torch.int32, count),
            samples=new(torch.int64, count),
            symmetries=new(torch.int32, count),
        )

    def _check(self, shard: int, row: int) -> None:
        """Stop at a row that a kernel has found damaged; −1 is none."""
        if row >= 0:
            raise BadDataset(f"{self._dataset.paths[shard]}: the policy of sample {row} is damaged; {AGAIN}")


def _ragged_members(members: Mapping[str, Any], policy: str) -> tuple[Any, Any, Any]:
    """Return the offsets, actions and probabilities of a policy of a shard or a batch, as arrays."""
    offsets, actions, probs = (np.asarray(members[f"{policy}_{part}"]) for part in ("offsets", "actions", "probs"))
    return offsets, actions, probs


def _batch_rows(batch: Batch) -> SampleRows:
    """Return the rows of a batch as arrays on the same memory."""
    return SampleRows(
        features=batch.features.flatten(2).numpy(),
        ownership=batch.ownership.flatten(1).numpy(),
        globals=batch.globals.numpy(),
        outcome_values=batch.outcome_values.numpy(),
        root_values=batch.root_values.numpy(),
        has_policy=batch.has_policy.numpy(),
        moves_left=batch.moves_left.numpy(),
    )
