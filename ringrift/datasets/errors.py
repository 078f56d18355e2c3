"""What can be wrong with a dataset: one clear line each."""

from __future__ import annotations

from ringrift.game.errors import RingRiftError


class MissingDataset(RingRiftError):
    """A manifest, or a shard that it lists, is not there."""


class DamagedDataset(RingRiftError):
    """A manifest or a shard is not what was written: cut off, altered, compressed, or no dataset at all."""


class WrongPosition(RingRiftError):
    """A saved position of a loader that belongs to another dataset or to another order."""
