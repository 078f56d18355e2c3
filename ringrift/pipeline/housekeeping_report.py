"""What housekeeping has removed, kind by kind, here and on hosts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Cleaned:
    """What has become of one kind."""

    kind: str
    removed: int
    bytes: int
    kept: Mapping[str, int]
    """How many stay, by why."""
    trouble: tuple[str, ...] = ()
    """What could not be removed, and why."""


@dataclass(frozen=True)
class HostCleaned:
    """What has become of one host."""

    host: str
    full: bool = False
    """Whether its disk is so full that the shorter ages hold."""
    kinds: tuple[Cleaned, ...] = ()
    trouble: str = ""
    """Why there is not more, in a line; empty if nothing is wrong."""
    reaction: str = ""
    """What to do about the trouble."""


@dataclass(frozen=True)
class CleanReport:
    """What housekeeping has done, or would do."""

    applied: bool
    full: bool
    """Whether the disk is so full that the shorter ages hold."""
    disk: str
    """How full the disk is, before."""
    kinds: tuple[Cleaned, ...]
    hosts: tuple[HostCleaned, ...] = ()

    @property
    def bytes(self) -> int:
        """The bytes that are free now on this machine, or would be."""
        return sum(kind.bytes for kind in self.kinds)

    def to_json(self) -> dict[str, Any]:
        """Return all of it, for machines."""
        return asdict(self) | {"bytes": self.bytes}
