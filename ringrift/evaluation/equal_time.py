"""Searches of the same time: how many nodes each gets where their evaluations differ in speed.

Time is that of the process, on the same positions for all; other work on the machine changes it little, and a limit of
nodes, unlike one of seconds, lets the same match be played again.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from itertools import islice
from typing import Final

import numpy as np

from ringrift.agents import BadSpec, Spec, make_agent
from ringrift.evaluation.matches import PLIES_OF_A_TURN, MatchPlan, make_players, play_match
from ringrift.game import Game, parse_config
from ringrift.game.types import States
from ringrift.limits import move_limit

GAMES: Final = 4
"""The games that players play for the positions to measure at."""
GAME_NODES: Final = 30
"""The nodes of a decision in these games."""
STAGES: Final = 8
"""The positions of a game, evenly from the opening to the end."""
REPEATS: Final = 5
"""The measurements of which the median counts."""


def calibrated(config: str, players: Sequence[str], nodes: int) -> tuple[str, ...]:
    """Return the specs of searches with limits of nodes, so that all take the time of the last one with `nodes`.

    `BadSpec` for a spec that has a limit already.
    """
    for player in players:
        spec = Spec.parse(player)
        if spec.budget is not None or {"nodes", "seconds"} & spec.options.keys():
            raise BadSpec(f"player {player!r}: has a limit of its own, and is to get the time of the others")
    states = played_positions(config, players)
    seconds = _seconds(config, [with_nodes(player, nodes) for player in players], states)
    return tuple(
        with_nodes(player, max(1, round(nodes * seconds[-1] / own)))
        for player, own in zip(players, seconds, strict=True)
    )


def with_nodes(player: str, nodes: int) -> str:
    """Return a spec with a limit of nodes."""
    return f"{player}{'&' if '?' in player else '?'}nodes={nodes}"


def _seconds(config: str, specs: Sequence[str], states: States) -> list[float]:
    """Return the time of the process that each player takes for the positions: the median of a few runs, in turn."""
    agents = [make_agent(spec, *parse_config(config)) for spec in specs]
    games = np.arange(len(states), dtype=np.int64)
    for agent in agents:
        agent.act(states[:1], games[:1])  # compiled or loaded before the clock starts
    taken: list[list[float]] = [[] for _ in agents]
    for _ in range(REPEATS):
        for agent, seconds in zip(agents, taken, strict=True):
            start = time.process_time()
            agent.act(states, games)
            seconds.append(time.process_time() - start)
    return [max(statistics.median(seconds), 1e-9) for seconds in taken]


def played_positions(config: str, players: Sequence[str]) -> States:
    """Return positions with a choice from all stages of games that the players play with few nodes.

    Random games are no stand-in: on square19 they are crowded where played ones are not, and the network of square19_2p
    was given a quarter more nodes there than the same time allows in its games.
    """
    board, seats = parse_config(config)
    plies = PLIES_OF_A_TURN * seats
    specs = tuple(with_nodes(player, GAME_NODES) for player in players)
    plan = MatchPlan(config, specs, GAMES, plies, move_limit(config))
    states = []
    for played in islice(play_match(make_players(plan), plan), GAMES):
        game = Game(board.name, seats)
        marks = np.linspace(plies, len(played.actions), STAGES, endpoint=False, dtype=int)
        for ply, action in enumerate(played.actions.tolist()):
            if ply in marks and len(game.legal_actions()) > 1:
                states.append(game.array.copy())
            game.play(action)
    return np.array(states)
