"""The errors of a training."""

from __future__ import annotations

from ringrift.errors import Busy, RingRiftError


class DamagedCheckpoint(RingRiftError):
    """A checkpoint that cannot be read, or is not what was written."""


class NothingNew(RingRiftError):
    """The error that all samples have been trained on as often as they may."""


class BusyRun(Busy):
    """The error that another process trains in the same folder."""


class Diverged(RingRiftError):
    """The error that the loss is no number any more, or far above what it was."""


class SpoiledNetwork(RingRiftError):
    """A training whose network is worse than one that knows nothing; it becomes no model."""


class TrainingOutOfMemory(RingRiftError):
    """The error that not even the smallest micro-batch fits."""
