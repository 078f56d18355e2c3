"""The tasks in which hosts play for an evaluation stage, named after it."""

from __future__ import annotations

from typing import Final

ASK: Final = "_ask"
GAMES: Final = "_games"


def stage_of(task: str) -> str:
    """Return the stage that a task belongs to, such as `gauntlet` for `gauntlet_ask`."""
    return task.removesuffix(ASK).removesuffix(GAMES)
