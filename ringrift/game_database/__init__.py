"""The games database: the one pool that training draws from, and the one door into it.

>>> with GamesDatabase() as database:
...     for rows in read_pages(database, Selection(config="square8_2p", part="training")):
...         records = [read_game(row).record for row in rows]
"""

from __future__ import annotations

from ringrift.game_database.database import AbsentDatabase, BadDatabase, GamesDatabase
from ringrift.game_database.ingest import IngestReport, ingest
from ringrift.game_database.pool import read_game
from ringrift.game_database.selection import Selection, read_pages

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
