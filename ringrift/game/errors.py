"""The errors of the rules: what is wrong with a config, an action, a position or a record of a game."""

from __future__ import annotations

from ringrift.errors import RingRiftError


class UnknownConfig(RingRiftError):
    """A board, a number of players or a config name that does not exist."""


class IllegalAction(RingRiftError):
    """An action that the rules do not allow in the position at hand."""


class BadPosition(RingRiftError):
    """A position that breaks an invariant of the game or cannot be read."""


class BadRecord(RingRiftError):
    """A game record that cannot be read or does not replay."""
