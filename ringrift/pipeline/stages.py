"""The stages of an iteration: the one list that `ringrift loop`, the DAGs, `make loop` and the docs follow.

Importing it costs nothing, as Airflow parses its DAG files again and again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Stage:
    """One step of the loop."""

    name: str
    command: str
    """The command that does this stage alone."""
    summary: str
    fleet: bool = False
    """Whether it needs more than one machine, so that `ringrift loop` leaves it out."""


STAGES: Final = (
    Stage("selfplay", "ringrift selfplay", "Play games to learn from: the champion against itself, once there is one"),
    Stage("sync", "ringrift sync", "Bring the games of all hosts to this machine", fleet=True),
    Stage("ingest", "ringrift games ingest", "Replay every new game by the rules and store it in the games database"),
    Stage("threshold", "ringrift status", "Go on only if there are enough new games for a training"),
    Stage("export", "ringrift dataset export", "Write the games of the replay window as arrays to learn from"),
    Stage("check", "ringrift preflight --validate", "Ask whether data set, database and machine are fit"),
    Stage("train", "ringrift train", "Train a network on them, from the newest model on, once there is one"),
    Stage("gauntlet", "ringrift evaluate", "Let the model play random, heuristic and the champion"),
    Stage("rate", "ringrift rate", "Give the model its Elo, by games that no gate has seen"),
    Stage("gate", "ringrift promote --check", "Ask every condition of a promotion, the cheapest first"),
    Stage("promote", "ringrift promote", "Make the model champion"),
    Stage("distribute", "ringrift distribute", "Send the champion to all self-play hosts", fleet=True),
)
"""All stages in the order in which they run."""
LEARNING: Final = ("selfplay", "sync", "ingest", "threshold", "export", "check", "train")
"""The names of the stages that make a model; the others measure it."""
