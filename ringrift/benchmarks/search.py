"""Speed of the searches: without a network, and the share of the time that a network takes."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from functools import partial

import numpy as np

from ringrift.benchmarks.game import timed
from ringrift.encoding import feature_version
from ringrift.game import get_board
from ringrift.game.playout import random_playouts
from ringrift.game.state import GAME_OVER
from ringrift.game.types import States
from ringrift.kernels.threads import default_threads
from ringrift.search import GumbelSearch, NetworkEvaluator, PuctSearch, UniformEvaluator
from ringrift.search.tree import bytes_per_node

SIMULATIONS = 64
SMALL_LIMIT = 8.0
"""The microseconds that a simulation may take on one core on the small boards."""
LARGE_LIMIT = 40.0
"""The microseconds that it may take on the large boards."""
LIMITS = {"square8": SMALL_LIMIT, "hex8": SMALL_LIMIT, "square19": LARGE_LIMIT, "hexagonal": LARGE_LIMIT}
ALONE = 16
"""The positions that are searched one after the other, as a player who faces people does."""
STAGES = 16
"""The number of depths at which random games are stopped to be searched."""


@dataclass(frozen=True)
class SearchSpeed:
    """Speed of a search with equal priors and values of 0, at positions from all stages of random games."""

    search: str
    config: str
    games: int
    """The games searched side by side."""
    microseconds: float
    """The microseconds of processor time per simulation on one core."""
    alone_microseconds: float
    """The same for one game at a time."""
    limit: float
    simulations_per_second_all: float
    """The simulations per second on all cores."""
    scaling: float
    bytes_per_node: float


@dataclass(frozen=True)
class NetworkShare:
    """The share of a network in the time of a search."""

    config: str
    architecture: str
    games: int
    simulations_per_second: float
    share: float
    """The share of the time that the network takes."""


def stages(board_name: str, players: int, games: int) -> States:
    """Return about `games` positions from all stages of random games."""
    board = get_board(board_name)
    play = partial(random_playouts, board, players, -(-games // STAGES), seed=1)
    plies = int(np.median(play().states["ply"]))
    states = np.concatenate([play(max_moves=1 + plies * stage // STAGES).states for stage in range(STAGES)])
    unfinished: States = states[states["phase"] != GAME_OVER]
    np.random.default_rng(0).shuffle(unfinished)  # in self-play, games of all stages stand side by side
    return unfinished


def measure_search(
    kind: type[GumbelSearch] | type[PuctSearch], board_name: str, players: int, *, games: int = 256, repeats: int = 5
) -> SearchSpeed:
    """Measure one search on one config; the median of the repeats, one core and all cores in turn."""
    board, states = get_board(board_name), stages(board_name, players, games)
    threads = default_threads()
    uniform = UniformEvaluator(players)
    one_core, all_cores = (
        kind(board, players, uniform, simulations=SIMULATIONS, threads=count) for count in (1, threads)
    )
    one_core.run(states)  # compiled or loaded, and the arenas made, before the clock starts
    all_cores.run(states)
    lone = min(ALONE, len(states))
    single, alone, parallel, used = [], [], [], []
    for _ in range(repeats):
        start = time.process_time()
        single.append(timed(lambda: one_core.run(states)))
        middle = time.process_time()
        for row in range(lone):
            one_core.run(states[row : row + 1])
        alone.append(time.process_time() - middle)
        used.append(middle - start)
        parallel.append(timed(lambda: all_cores.run(states)))
    total = len(states) * SIMULATIONS
    return SearchSpeed(
        search=kind.__name__,
        config=f"{board_name}_{players}p",
        games=len(states),
        microseconds=statistics.median(used) / total * 1e6,
        alone_microseconds=statistics.median(alone) / (lone * SIMULATIONS) * 1e6,
        limit=LIMITS[board_name],
        simulations_per_second_all=total / statistics.median(parallel),
        scaling=statistics.median(single) / statistics.median(parallel),
        bytes_per_node=bytes_per_node(one_core.trees),
    )


def measure_share(board_name: str, players: int, architecture: str, *, games: int = 256) -> NetworkShare:
    """Search with a network of that architecture, and see where the time goes."""
    from ringrift.networks import InferenceSession, NetworkConfig, build_network

    board, states = get_board(board_name), stages(board_name, players, games)
    network = build_network(NetworkConfig.of(architecture, board_name, players, "v2"))
    evaluator = NetworkEvaluator(board, players, feature_version("v2"), InferenceSession(network))
    search = GumbelSearch(board, players, evaluator, simulations=SIMULATIONS)
    search.run(states[:16])
    search.run(states[: len(states) // 2])
    evaluator.seconds = 0.0
    start = time.perf_counter()
    search.run(states)
    seconds = time.perf_counter() - start
    return NetworkShare(
        config=f"{board_name}_{players}p",
        architecture=architecture,
        games=len(states),
        simulations_per_second=len(states) * SIMULATIONS / seconds,
        share=evaluator.seconds / seconds,
    )
