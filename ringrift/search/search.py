"""The interface of every search."""

from __future__ import annotations

from typing import Protocol

from ringrift.game.types import States
from ringrift.kernels.types import I64
from ringrift.search.output import SearchOutput


class Search(Protocol):
    """A search of positions of many games."""

    def run(self, states: States, games: I64) -> SearchOutput:
        """Search positions `[games]` in which a player has to act; `games` are their numbers in the run."""

    def limit_time(self, seconds: float) -> None:
        """End every later search after that time; of searches one by one, each."""
