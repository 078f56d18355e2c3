"""The games database: the one pool that training draws from, and the one door into it."""

from __future__ import annotations

from ringrift.games.database import BadDatabase, GamesDatabase
from ringrift.games.ingest import IngestReport, ingest

__all__ = ["BadDatabase", "GamesDatabase", "IngestReport", "ingest"]
