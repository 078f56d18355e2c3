"""The errors that the rules engine shows to people: one clear line each."""

from __future__ import annotations


class RingRiftError(Exception):
    """Something handed in from outside was wrong; the message says what, where and what would be right."""


class Busy(RingRiftError):
    """Something that another process uses or changes just now; the same may go well a little later."""


class UnknownConfig(RingRiftError):
    """A board, a number of players or a config name that does not exist."""


class IllegalAction(RingRiftError):
    """An action that the rules do not allow in the position at hand."""


class BadPosition(RingRiftError):
    """A position that breaks an invariant of the game or cannot be read."""


class BadRecord(RingRiftError):
    """A game record that cannot be read or does not replay."""


class UnwritableFile(RingRiftError):
    """A file that cannot be written, or a folder for compiled code."""
