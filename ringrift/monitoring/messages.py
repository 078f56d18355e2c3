"""The pause between messages about the same subject, kept by a counter of the database for all senders."""

from __future__ import annotations

import time
from typing import Final

from sqlalchemy import select

from ringrift.game_database import GamesDatabase
from ringrift.game_database.counters import count
from ringrift.game_database.schema import counters

MESSAGES: Final = "messages"


def may_tell(database: GamesDatabase, subject: str, pause: float, *, now: float | None = None) -> bool:
    """Return whether a message about a subject may be sent, and if so, record it; of several senders at once one may.

    :param pause: seconds that have to lie between two messages.
    """
    moment = time.time() if now is None else now
    of_subject = (counters.c.name == MESSAGES, counters.c.config == "", counters.c.label == subject)
    with database.writing() as connection:
        last = connection.execute(select(counters.c.last).where(*of_subject)).scalar()
        if last is not None and 0 <= moment - last < pause:  # a clock that was wrong silences no message
            return False
        count(connection, "messages", "", subject, when=moment)
    return True
