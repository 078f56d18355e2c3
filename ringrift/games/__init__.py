"""The games database: the one pool that training draws from, and the one door into it.

>>> with GamesDatabase() as database:
...     for rows in read_pages(database, Selection(config="square8_2p", part="training")):
...         records = [read_game(row).record for row in rows]
"""

from __future__ import annotations

from ringrift.games.database import AbsentDatabase, BadDatabase, GamesDatabase
from ringrift.games.ingest import IngestReport, ingest
from ringrift.games.pool import read_game
from ringrift.games.selection import Selection, read_pages

__all__ = [
    "AbsentDatabase",
    "BadDatabase",
    "GamesDatabase",
    "IngestReport",
    "Selection",
    "ingest",
    "read_game",
    "read_pages",
]
