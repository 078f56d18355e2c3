"""One turn of the loop: self-play → ingest → threshold → export → train → gauntlet → rating → gate → promotion.

What has been done stands in the file of the turn, written after every stage. Each stage can be killed at any moment and
be done again; a turn that was stopped or killed goes on with the stage that was not finished.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace

from ringrift.errors import RingRiftError
from ringrift.pipeline.halt import Halted, halted
from ringrift.pipeline.stages import STAGES
from ringrift.pipeline.turn import Turn, Workshop, last_turn, write_turn


class StoppedTurn(RingRiftError):
    """The turn was told to stop; it goes on where it was."""


def run_turn(workshop: Workshop) -> Turn:
    """Begin the next turn of a config, or go on with one that is not over; what came of it.

    Raises `StoppedTurn` once `stop` is set, `Halted` while the loop is halted, and what stages raise.
    """
    turn = last_turn(workshop.turns, workshop.config)
    if turn is None or turn.over:
        turn = Turn(workshop.config, 0 if turn is None else turn.number + 1, {})
    last = list(STAGES)[-1]
    for name, stage in STAGES.items():
        if name in turn.stages:
            continue
        if (why := halted()) is not None:
            raise Halted(why)
        began, cpu = time.monotonic(), _cpu_seconds()
        try:
            done = stage(workshop, turn)
        except RingRiftError:
            if not workshop.stop.is_set():
                raise
        seconds, cpu_seconds = turn.spent[0] + time.monotonic() - began, turn.spent[1] + _cpu_seconds() - cpu
        if workshop.stop.is_set():
            write_turn(workshop.turns, replace(turn, spent=(seconds, cpu_seconds)))
            raise StoppedTurn(f"{workshop.config}: turn {turn.number} was stopped in {name}; it goes on from there")
        done = replace(done, over=done.over or name == last, seconds=seconds, cpu_seconds=cpu_seconds)
        turn = replace(turn, stages=turn.stages | {name: done}, spent=(0.0, 0.0))
        write_turn(workshop.turns, turn)
        if turn.over:
            break
    return turn


def _cpu_seconds() -> float:
    """Of this process and those that it has started and that have ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system
