"""Speed of the rules: random play, legal generation, steps, copies, and compile time."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from ringrift.benchmarks.kernels import copy_states, hash_states, play_given
from ringrift.game import get_board
from ringrift.game.playout import Playouts, random_playouts
from ringrift.game.state import new_states, new_workspace, state_type
from ringrift.kernels.threads import default_threads

SMALL_GOAL = 400_000
"""The actions per second on one core that the small boards should reach, 2.5 µs each."""
LARGE_GOAL = 60_000
"""The actions per second that the large boards should reach."""
GOALS = {"square8": SMALL_GOAL, "hex8": SMALL_GOAL, "square19": LARGE_GOAL, "hexagonal": LARGE_GOAL}


@dataclass(frozen=True)
class RulesSpeed:
    """Speed of one config in uniformly random play; every action counted, forced ones too."""

    config: str
    games: int
    actions_per_game: float
    legal_per_action: float
    actions_per_second: float
    """The actions per second on one core, legal actions generated at every ply."""
    goal: int
    games_per_second: float
    legal_ns: float
    """The nanoseconds of generating the legal actions of a position and drawing one."""
    step_ns: float
    copy_ns: float
    hash_ns: float
    bytes_per_game: int
    threads: int
    actions_per_second_all: float
    scaling: float
    """The speed on all cores relative to one."""


@dataclass(frozen=True)
class StartTime:
    """The seconds until a new process has the first legal actions of a board."""

    board: str
    cold: float
    """The seconds with an empty cache, when the rules are compiled."""
    warm: float


def timed(run: Callable[[], object]) -> float:
    """Return the seconds that one call takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _games(board: str, seconds: float, play: Callable[[int], Playouts]) -> int:
    """Return how many games take about `seconds` seconds."""
    games = 16 if board in ("square8", "hex8") else 2
    while (took := timed(partial(play, games))) < seconds / 8:
        games *= 2
    return max(1, round(games * seconds / took))


def measure_rules(board_name: str, players: int, *, seconds: float = 1.0, repeats: int = 5) -> RulesSpeed:
    """Measure one config; every figure is the median of the repeats, single and all cores in turn."""
    board = get_board(board_name)
    threads = default_threads()

    def play(games: int, on: int = 1) -> Playouts:
        return random_playouts(board, players, games, seed=1, threads=on)

    play(1)  # compiled or loaded before the clock starts
    games = _games(board_name, seconds, play)
    single, every = [], []
    for _ in range(repeats):
        single.append(timed(lambda: play(games)))
        every.append(timed(lambda: play(games, threads)))
    played = play(games)
    actions = int(played.action_counts.sum())
    kept = random_playouts(board, players, games, seed=1, keep_actions=int(played.action_counts.max()))
    work = new_workspace(board)
    play_given(new_states(board, players), board.tables, work, kept.actions[:1])
    starts = [new_states(board, players, games) for _ in range(repeats)]
    stepping = statistics.median(
        timed(partial(play_given, states, board.tables, work, kept.actions)) for states in starts
    )
    one_core, all_cores = statistics.median(single), statistics.median(every)
    return RulesSpeed(
        config=f"{board_name}_{players}p",
        games=games,
        actions_per_game=actions / games,
        legal_per_action=played.legal_counts.sum() / actions,
        actions_per_second=actions / one_core,
        goal=GOALS[board_name],
        games_per_second=games / one_core,
        legal_ns=(one_core - stepping) / actions * 1e9,
        step_ns=stepping / actions * 1e9,
        copy_ns=_copy_ns(board_name, players),
        hash_ns=_hash_ns(played),
        bytes_per_game=state_type(board).itemsize,
        threads=threads,
        actions_per_second_all=actions / all_cores,
        scaling=one_core / all_cores,
    )


def _copy_ns(board_name: str, players: int, copies: int = 2_000_000) -> float:
    """Return the nanoseconds of a copy of a state by compiled code, as a search does it."""
    states = new_states(get_board(board_name), players, 64)
    copy_states(states, 1)
    return statistics.median(timed(lambda: copy_states(states, copies)) for _ in range(3)) / copies * 1e9


def _hash_ns(played: Playouts) -> float:
    repeats = max(1, 200_000 // len(played.states))
    hash_states(played.states[:1], 1)
    return timed(lambda: hash_states(played.states, repeats)) / repeats / len(played.states) * 1e9


START = """
from ringrift.game import Game
Game({board!r}).legal_actions()
"""


def measure_start(board: str) -> StartTime:
    """Time new processes, with an empty cache and with a full one."""

    def start() -> None:
        subprocess.run([sys.executable, "-c", START.format(board=board)], check=True, env=environment)

    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"RINGRIFT_CACHE_DIR": cache}
        cold = timed(start)
        warm = statistics.median(timed(start) for _ in range(3))
    return StartTime(board, cold, warm)
