"""Speed of the players that need no network: evaluations, games of the one-ply player, and how deep searches get."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import Final

import numpy as np

from ringrift.agents import make_agent
from ringrift.benchmarks.kernels import evaluate_each
from ringrift.benchmarks.search import stages
from ringrift.evaluation import PlayedGame, ScheduledGame, play_games
from ringrift.evaluation.matches import PLIES_OF_A_TURN
from ringrift.game import Board, get_board, new_workspace
from ringrift.game.boards import MAX_PLAYERS
from ringrift.game.playout import random_playouts
from ringrift.game.state import GAME_OVER
from ringrift.game.types import States
from ringrift.heuristic import load_weights, new_scratch
from ringrift.kernels.threads import default_threads
from ringrift.limits import move_limit
from ringrift.search import MaxnSearch, MinimaxSearch, SearchLimits
from ringrift.search.legal import list_legal
from ringrift.search.search_stack import MAX_DEPTH
from ringrift.selfplay.openings import Openings

SMALL_GOAL: Final = 1_000_000
"""The evaluations per second on one core that the small boards should reach."""
LARGE_GOAL: Final = 100_000
"""The evaluations per second that the large boards should reach, which have up to eight times the cells."""
GOALS: Final = {"square8": SMALL_GOAL, "hex8": SMALL_GOAL, "square19": LARGE_GOAL, "hexagonal": LARGE_GOAL}
POSITIONS: Final = 512
"""The number of positions, of which those with a choice are evaluated in turn."""
SHORTEST: Final = 0.1
"""The least seconds of a measurement."""


@dataclass(frozen=True)
class EvaluationSpeed:
    """Speed of the heuristic's evaluation on one core, at positions with a choice from all stages of random games."""

    config: str
    positions: int
    evaluations_per_second: float
    """The rate by the time that the thread had the core."""
    goal: int


@dataclass(frozen=True)
class GamesSpeed:
    """Speed of the one-ply player against itself from random openings, on all cores."""

    config: str
    games: int
    """The number of games, all begun at once."""
    threads: int
    games_per_second: float
    moves_per_game: float
    """The mean number of moves, forced ones too."""
    stopped: int
    """The games that met the limit of moves."""


@dataclass(frozen=True)
class DepthSpeed:
    """The depth that a search with the heuristic reaches in a time, on one core, from the middle of random games."""

    search: str
    config: str
    positions: int
    seconds: float
    """The seconds for each position, by the clock."""
    nodes_per_second: float
    """The rate by the time that the thread had the core."""
    depth: float
    """The mean depth in decisions of the last iteration that was finished."""


def measure_evaluation(board_name: str, players: int, *, repeats: int = 5) -> EvaluationSpeed:
    """Measure the evaluation on one config; the median of the repeats."""
    board, config = get_board(board_name), f"{board_name}_{players}p"
    states = with_choice(board, stages(board_name, players, POSITIONS))
    weights, scratch = load_weights(config), new_scratch(board)
    values = np.zeros((len(states), MAX_PLAYERS), np.float32)

    def seconds(rounds: int) -> float:
        start = time.thread_time()
        evaluate_each(states, board.tables, weights, scratch, values, rounds)
        return time.thread_time() - start

    seconds(1)  # compiled or loaded before the clock starts
    rounds = 1
    while seconds(rounds) < SHORTEST:
        rounds *= 2
    return EvaluationSpeed(
        config=config,
        positions=len(states),
        evaluations_per_second=rounds * len(states) / statistics.median(seconds(rounds) for _ in range(repeats)),
        goal=GOALS[board_name],
    )


def measure_games(board_name: str, players: int, *, games: int = 64) -> GamesSpeed:
    """Let the one-ply player play against itself, every game from another opening."""
    board, config = get_board(board_name), f"{board_name}_{players}p"
    agent = make_agent("heuristic", board, players)
    openings = Openings(board, players, max_moves=move_limit(config), seed=1)
    plies = PLIES_OF_A_TURN * players

    def play(count: int) -> list[PlayedGame]:
        scheduled = [ScheduledGame(number, number, (0,) * players) for number in range(count)]
        return list(play_games([agent], board, players, scheduled, openings, opening_plies=plies, side_by_side=count))

    play(1)  # compiled or loaded before the clock starts
    start = time.perf_counter()
    played = play(games)
    seconds = time.perf_counter() - start
    return GamesSpeed(
        config=config,
        games=games,
        threads=default_threads(),
        games_per_second=games / seconds,
        moves_per_game=statistics.mean(game.plies for game in played),
        stopped=sum(game.winner is None for game in played),
    )


def measure_depth(board_name: str, players: int, *, positions: int = 20, seconds: float = 0.1) -> DepthSpeed:
    """Search positions one after the other, each for that long."""
    board, config = get_board(board_name), f"{board_name}_{players}p"
    kind = MinimaxSearch if players == 2 else MaxnSearch
    search = kind(board, players, load_weights(config), SearchLimits(MAX_DEPTH, seconds=seconds), threads=1)
    stack = search.thread_data[0].stack
    states = middlegames(board_name, players, positions)
    search.run(states[:1])  # compiled or loaded before the clock starts
    nodes, depths = 0, []
    start = time.thread_time()
    for row in range(len(states)):
        search.run(states[row : row + 1])
        nodes += int(stack["nodes"])
        finished = stack["level"] < 0
        depths.append(int(stack["depth"][0]) - (not finished))
    return DepthSpeed(
        search="minimax" if players == 2 else "maxn",
        config=config,
        positions=len(states),
        seconds=seconds,
        nodes_per_second=nodes / (time.thread_time() - start),
        depth=statistics.mean(depths),
    )


def middlegames(board_name: str, players: int, count: int) -> States:
    """Return `count` positions with a choice from the middle of random games."""
    board = get_board(board_name)
    plies = int(np.median(random_playouts(board, players, 16, seed=1).states["ply"]))
    states = random_playouts(board, players, 4 * count, seed=2, max_moves=plies // 2).states
    return with_choice(board, states[states["phase"] != GAME_OVER])[:count]


def with_choice(board: Board, states: States) -> States:
    """Return those of the positions that leave a choice: agents are asked about no others."""
    offsets, _ = list_legal(states, board.tables, new_workspace(board))
    chosen: States = states[np.diff(offsets) > 1]
    return chosen
