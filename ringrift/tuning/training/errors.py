"""The errors of tuning."""

from __future__ import annotations

from ringrift.errors import Busy, RingRiftError


class BadSearch(RingRiftError):
    """A search that cannot be made: an unknown hyper-parameter, a range that is not allowed, too few games."""


class BadStudy(RingRiftError):
    """A study, or a population, that cannot be used."""


class BusyStudy(BadStudy, Busy):
    """A study that other processes are writing to, or whose trial one of them is still at."""
