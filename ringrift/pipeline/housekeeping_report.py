"""The reports of housekeeping, kind by kind, here and on hosts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Cleaned:
    """The files of one kind: removed and kept."""

    kind: str
    removed: int
    bytes: int
    kept: Mapping[str, int]
    """The number that stays, by reason."""
    trouble: tuple[str, ...] = ()
    """Files that could not be removed, with the reason."""


@dataclass(frozen=True)
class HostCleaned:
    """The files of one host, kind by kind."""

    host: str
    full: bool = False
    """Whether its disk is so full that the shorter ages hold."""
    kinds: tuple[Cleaned, ...] = ()
    trouble: str = ""
    """The trouble that stopped it, in a line; empty if there was none."""
    reaction: str = ""
    """The reaction to the trouble."""


@dataclass(frozen=True)
class CleanReport:
    """The files that housekeeping has removed, or would remove."""

    applied: bool
    full: bool
    """Whether the disk is so full that the shorter ages hold."""
    disk: str
    """The used share of the disk, before."""
    kinds: tuple[Cleaned, ...]
    hosts: tuple[HostCleaned, ...] = ()

    @property
    def bytes(self) -> int:
        """The bytes that are free now on this machine, or would be."""
        return sum(kind.bytes for kind in self.kinds)

    def to_json(self) -> dict[str, Any]:
        """Return all of it, for machines."""
        return asdict(self) | {"bytes": self.bytes}
