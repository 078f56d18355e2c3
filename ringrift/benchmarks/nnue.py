"""Speed of the integer networks on one core: per part, beside the heuristic, and in searches."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ringrift.benchmarks.search import stages
from ringrift.game import Board, get_board, new_workspace, state_type
from ringrift.game.state import GAME_OVER
from ringrift.game.turn import step
from ringrift.game.types import BoardTables, States
from ringrift.heuristic import Weights, evaluate, load_weights, new_scratch
from ringrift.heuristic.features import Scratch
from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import F32, F64, I64
from ringrift.nnue import (
    Accumulators,
    Network,
    evaluate_made,
    find_network,
    forget,
    new_accumulators,
    new_network,
    read_network,
    refresh,
    score_from_scratch,
    update,
)
from ringrift.nnue.file import BadNnue
from ringrift.nnue.layout import LAYERS
from ringrift.search import MaxnSearch, MinimaxSearch, SearchLimits
from ringrift.search.legal import list_legal
from ringrift.search.search_stack import MAX_DEPTH

SMALL_GOAL: Final = 2_000_000
"""The incremental evaluations per second on one core that the small boards should reach."""
LARGE_GOAL: Final = 500_000
"""The evaluations per second that the large boards should reach."""
GOALS: Final = {"square8": SMALL_GOAL, "hex8": SMALL_GOAL, "square19": LARGE_GOAL, "hexagonal": LARGE_GOAL}
CHILDREN: Final = 16
"""Actions that are played at every position, at most: a search evaluates the children of a node one after the other."""

COPY: Final = 0
UPDATE: Final = 1
INCREMENTAL: Final = 2
SCRATCH: Final = 3
HEURISTIC: Final = 4


@dataclass(frozen=True)
class NnueSpeed:
    """Nanoseconds per evaluation on one core, by the time that the process had it, and what they allow."""

    config: str
    source: str
    """The network's file, or that its weights were drawn: they change the time little."""
    positions: int
    incremental_per_second: float
    scratch_per_second: float
    heuristic_per_second: float
    goal: int
    update_ns: float
    """The time that bringing the sums of all players up to date takes."""
    layers_ns: float
    """The time from the sums to values."""
    scratch_ns: float
    heuristic_ns: float


@dataclass(frozen=True)
class NnueSearchSpeed:
    """Nodes per second of a search on one core with the network, and with the heuristic."""

    config: str
    search: str
    network: float
    heuristic: float

    @property
    def ratio(self) -> float:
        """The nodes with the network in the time of one with the heuristic."""
        return self.network / self.heuristic


@compiled
def evaluate_children(
    kind: int,
    parents: States,
    children: States,
    bounds: I64,
    stack: States,
    network: Network,
    accumulators: Accumulators,
    board: BoardTables,
    weights: F64,
    scratch: Scratch,
    values: F32,
) -> float:
    """Evaluate the children of every parent, as a search would; the sum keeps the compiler from leaving it out."""
    total = 0.0
    for i in range(len(parents)):
        stack[0] = parents[i]
        forget(accumulators, 0)
        if kind in (UPDATE, INCREMENTAL):
            refresh(network, accumulators, stack[0], board, 0)
        for k in range(bounds[i], bounds[i + 1]):
            stack[1] = children[k]
            if kind == UPDATE:
                update(network, accumulators, stack, 1, 0, board)
            elif kind == INCREMENTAL:
                evaluate_made(network, accumulators, stack, 1, 0, board, values)
            elif kind == SCRATCH:
                score_from_scratch(network, accumulators, stack[1], board, values)
            elif kind == HEURISTIC:
                evaluate(stack[1], board, weights, scratch, values)
            total += values[0]
    return total


def known_network(board: Board, players: int, models: Path) -> tuple[Network, str]:
    """Return the config's network and its file, or one of drawn weights where there is none."""
    config = f"{board.name}_{players}p"
    try:
        path = find_network(config, models)
    except BadNnue:
        network, rng = new_network(board), np.random.default_rng(0)
        for name in LAYERS:
            network[name] = rng.integers(-40, 41, network[name].shape)
        return network, "drawn weights"
    return read_network(path, config).network, str(path)


def measure_nnue(board_name: str, players: int, models: Path, *, positions: int = 512, repeats: int = 5) -> NnueSpeed:
    """Measure the parts of evaluations on one config, at positions from all stages of random games."""
    board = get_board(board_name)
    parents = stages(board_name, players, positions)
    children, bounds = _children(board, parents)
    network, source = known_network(board, players, models)
    weights = load_weights(f"{board_name}_{players}p")
    stack = np.zeros(2, state_type(board))
    memory = network, new_accumulators(board, 2), board.tables, weights, new_scratch(board), np.zeros(4, np.float32)

    def nanoseconds(kind: int) -> float:
        def run() -> float:
            return evaluate_children(kind, parents, children, bounds, stack, *memory)

        run()  # compiled or loaded before the clock starts
        return statistics.median(_cpu_time(run) for _ in range(repeats)) / len(children) * 1e9

    copy, updated, whole, scratch, heuristic = (
        nanoseconds(kind) for kind in (COPY, UPDATE, INCREMENTAL, SCRATCH, HEURISTIC)
    )
    refreshed = (scratch - copy) * len(parents) / len(children)  # that of the parents is not the children's time
    return NnueSpeed(
        config=f"{board_name}_{players}p",
        source=source,
        positions=len(children),
        incremental_per_second=1e9 / (whole - copy - refreshed),
        scratch_per_second=1e9 / (scratch - copy),
        heuristic_per_second=1e9 / (heuristic - copy),
        goal=GOALS[board_name],
        update_ns=updated - copy - refreshed,
        layers_ns=whole - updated,
        scratch_ns=scratch - copy,
        heuristic_ns=heuristic - copy,
    )


def measure_nnue_search(
    board_name: str, players: int, models: Path, *, positions: int = 24, nodes: int = 4000
) -> NnueSearchSpeed:
    """Measure nodes per second of minimax, or of maxn for more than two players, with both evaluations."""
    board = get_board(board_name)
    states = stages(board_name, players, 4 * positions)
    states = states[np.diff(list_legal(states, board.tables, new_workspace(board))[0]) > 1][:positions]
    kind = MinimaxSearch if players == 2 else MaxnSearch
    limits = SearchLimits(MAX_DEPTH, nodes=nodes)

    def speed(weights: Weights | Network) -> float:
        search = kind(board, players, weights, limits, threads=1)
        search.run(states[:1])
        total = 0

        def run() -> None:
            nonlocal total
            for row in range(len(states)):
                search.run(states[row : row + 1])
                total += int(search.thread_data[0].stack["nodes"])

        seconds = _cpu_time(run)
        return total / seconds

    network = known_network(board, players, models)[0]
    heuristic = load_weights(f"{board_name}_{players}p")
    name = "minimax" if players == 2 else "maxn"
    return NnueSearchSpeed(f"{board_name}_{players}p", name, speed(network), speed(heuristic))


def _children(board: Board, parents: States) -> tuple[States, I64]:
    """Return what some actions of every position lead to, in a row, and where those of each begin."""
    work = new_workspace(board)
    offsets, actions = list_legal(parents, board.tables, work)
    rng = np.random.default_rng(0)
    children, bounds = [], [0]
    for row in range(len(parents)):
        legal = actions[offsets[row] : offsets[row + 1]]
        for action in rng.permutation(legal)[:CHILDREN].tolist():
            child = parents[row : row + 1].copy()
            step(child[0], action, board.tables, work)
            if child[0]["phase"] != GAME_OVER:
                children.append(child)
        bounds.append(len(children))
    return np.concatenate(children), np.array(bounds, np.int64)


def _cpu_time(run: Callable[[], object]) -> float:
    """Return the seconds that the process had a core for while a call ran."""
    start = time.process_time()
    run()
    return time.process_time() - start
