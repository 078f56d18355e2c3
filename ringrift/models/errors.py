"""The errors of the model store, one clear line each."""

from __future__ import annotations

from ringrift.errors import Busy, RingRiftError
from ringrift.evaluation.participants import UnknownModel

__all__ = ["AbsentModel", "BadChampion", "LostRace", "UnknownModel"]


class AbsentModel(RingRiftError):
    """A model whose files the store does not have any more, or not as they were."""


class BadChampion(RingRiftError):
    """The champion's files are missing or altered, or there is no champion."""


class LostRace(Busy):
    """Another process has changed the champion meanwhile."""
