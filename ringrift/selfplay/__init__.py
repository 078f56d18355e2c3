"""Games that players play against themselves, and the records that are kept of them."""

from __future__ import annotations

from ringrift.selfplay.record import GameRecord, SearchStatistics, read_line

__all__ = ["GameRecord", "SearchStatistics", "read_line"]
