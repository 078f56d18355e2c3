"""What can go wrong in a training."""

from __future__ import annotations

from ringrift.errors import Busy, RingRiftError


class DamagedCheckpoint(RingRiftError):
    """A checkpoint that cannot be read, or is not what was written."""


class NothingNew(RingRiftError):
    """All samples have been trained on as often as they may."""


class BusyRun(Busy):
    """Another process trains in the same folder."""


class Diverged(RingRiftError):
    """The loss is no number any more, or far above what it was."""


class SpoiledNetwork(RingRiftError):
    """A training whose network is worse than one that knows nothing; it becomes no model."""


class OutOfMemory(RingRiftError):
    """Not even the smallest part of a batch fits."""
