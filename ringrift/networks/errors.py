"""The errors of model files."""

from __future__ import annotations

from ringrift.errors import RingRiftError


class MissingModel(RingRiftError):
    """A model file, or the checksum beside it, is not there."""


class DamagedModel(RingRiftError):
    """A model file is not what was written: cut off, altered, or no model at all."""


class WrongModel(RingRiftError):
    """A sound model file that does not fit its use, or this version of RingRift."""
