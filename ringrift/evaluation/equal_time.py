"""Searches of the same time: how many nodes each gets where their evaluations differ in speed.

Time is that of the process, on the same positions for all; other work on the machine changes it little, and a limit of
nodes, unlike one of seconds, lets the same match be played again.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from typing import Final

import numpy as np

from ringrift.agents import BadSpec, Spec, make_agent
from ringrift.game import Board, new_workspace, parse_config
from ringrift.game.playout import random_playouts
from ringrift.game.state import GAME_OVER
from ringrift.game.types import States
from ringrift.search.legal import list_legal

STAGES: Final = 8
"""Depths at which random games are stopped to measure there."""
POSITIONS: Final = 32
REPEATS: Final = 3


def calibrated(config: str, players: Sequence[str], nodes: int) -> tuple[str, ...]:
    """Return the specs of searches with limits of nodes, so that all take the time of the last one with `nodes`.

    `BadSpec` for a spec that has a limit already.
    """
    board, seats = parse_config(config)
    for player in players:
        spec = Spec.parse(player)
        if spec.budget is not None or {"nodes", "seconds"} & spec.options.keys():
            raise BadSpec(f"player {player!r}: has a limit of its own, and is to get the time of the others")
    states = _positions(board, seats)
    seconds = [_seconds(board, seats, with_nodes(player, nodes), states) for player in players]
    return tuple(
        with_nodes(player, max(1, round(nodes * seconds[-1] / own)))
        for player, own in zip(players, seconds, strict=True)
    )


def with_nodes(player: str, nodes: int) -> str:
    """Return a spec with a limit of nodes."""
    return f"{player}{'&' if '?' in player else '?'}nodes={nodes}"


def _seconds(board: Board, players: int, spec: str, states: States) -> float:
    """Return the time of the process that a player takes for the positions, the median of a few runs."""
    agent = make_agent(spec, board, players)
    games = np.arange(len(states), dtype=np.int64)
    agent.act(states[:1], games[:1])  # compiled or loaded before the clock starts
    taken = []
    for _ in range(REPEATS):
        start = time.process_time()
        agent.act(states, games)
        taken.append(time.process_time() - start)
    return max(statistics.median(taken), 1e-9)


def _positions(board: Board, players: int) -> States:
    """Return positions with a choice from all stages of random games."""
    games = POSITIONS // STAGES
    plies = int(np.median(random_playouts(board, players, games, seed=1).states["ply"]))
    parts = [
        random_playouts(board, players, games, seed=2, max_moves=1 + plies * stage // STAGES).states
        for stage in range(STAGES)
    ]
    states = np.concatenate(parts)
    states = states[states["phase"] != GAME_OVER]
    chosen: States = states[np.diff(list_legal(states, board.tables, new_workspace(board))[0]) > 1]
    return chosen
