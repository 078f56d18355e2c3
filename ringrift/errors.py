"""The errors that RingRift shows to people, one clear line each: their base, and those of no room in particular."""

from __future__ import annotations


class RingRiftError(Exception):
    """Something handed in from outside was wrong; the message says what, where and what would be right."""


class Busy(RingRiftError):
    """Something that another process uses or changes just now; the same may go well a little later."""


class UnwritableFile(RingRiftError):
    """A file that cannot be written, or a folder for compiled code."""
