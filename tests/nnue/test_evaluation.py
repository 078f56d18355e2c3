"""The sums that follow a game are those from scratch, bit for bit, and values are those of the layers as written."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ringrift.game import Board, configs, get_board, new_states, new_workspace, state_type
from ringrift.game.state import GAME_OVER
from ringrift.game.turn import legal_actions, step
from ringrift.game.types import BoardTables, States, Workspace
from ringrift.kernels.compiled import compiled
from ringrift.kernels.random import mix64
from ringrift.nnue import Accumulators, Network, new_accumulators, refresh, update
from ringrift.nnue.batch import input_batch, network_scores
from ringrift.nnue.evaluation import bring_up_to_date, forget
from ringrift.nnue.layout import DENSE, HIDDEN, STAGES, UNIT
from tests.nnue.networks import random_network
from tests.search.parts import positions

LEVELS = 4
SEEDS = range(3)


@compiled
def first_difference(
    stack: States,
    network: Network,
    sums: Accumulators,
    fresh: Accumulators,
    board: BoardTables,
    work: Workspace,
    seed: int,
) -> tuple[int, int]:
    """Play a random game on a stack of positions as searches do; return its plies, and where sums differ or −1.

    Every action makes the next level from the last one. Where the stack ends, the game goes on from its foot, as a
    search does that has taken actions back; every third position is never looked at, and found later from below.
    """
    level = 0
    plies = 0
    forget(sums, 0)
    key = np.uint64(seed)
    while stack[level].phase != GAME_OVER:
        if plies % 3 != 2:
            bring_up_to_date(network, sums, stack, level, board)
            refresh(network, fresh, stack[level], board, 0)
            for seat in range(stack[level].players):
                for j in range(HIDDEN):
                    if sums.sums[level, seat, j] != fresh.sums[0, seat, j]:
                        return plies, plies
        if level == len(stack) - 1:
            bring_up_to_date(network, sums, stack, level, board)
            stack[0] = stack[level]
            for seat in range(stack[0].players):
                for j in range(HIDDEN):
                    sums.sums[0, seat, j] = sums.sums[level, seat, j]
            level = 0
        count = legal_actions(stack[level], board, work, work.actions)
        key = mix64(key + np.uint64(plies))
        stack[level + 1] = stack[level]
        step(stack[level + 1], work.actions[int(key % np.uint64(count))], board, work)
        level += 1
        forget(sums, level)
        plies += 1
    return plies, -1


@pytest.mark.parametrize(("name", "players"), configs())
def test_sums_that_follow_a_game_are_those_from_scratch_at_every_ply(name: str, players: int) -> None:
    board = get_board(name)
    network = random_network(board)
    stack = np.zeros(LEVELS, state_type(board))
    for seed in SEEDS:
        stack[0] = new_states(board, players)[0]
        sums, fresh = new_accumulators(board, LEVELS), new_accumulators(board, 1)
        plies, difference = first_difference(stack, network, sums, fresh, board.tables, new_workspace(board), seed)
        assert difference == -1
        assert plies > 40


def written_out(board: Board, players: int, network: Any, state: States) -> list[float]:
    """The scores of a position, straight from the meaning of the layers."""
    batch = input_batch(board, players, state, np.zeros(1, np.int64), np.zeros(1, np.int64))
    total = players * board.rings
    stage = min(STAGES * (total - int(state["hand"].sum())) // total, STAGES - 1)
    assert batch.stages.tolist() == [stage]
    outputs = []
    for rows in np.split(batch.rows, batch.offsets[1:]):
        sums = network["features"][rows].astype(np.int64).sum(0) + network["bias"]
        behind = network["dense"][stage].astype(np.int64) @ sums.clip(0, UNIT - 1)
        behind += network["dense_bias"][stage].astype(np.int64) * UNIT
        hidden = (behind[:DENSE] // UNIT).clip(0, UNIT - 1)
        outputs.append(int(hidden @ network["output"][stage].astype(np.int64) + behind[DENSE]))
    return [(own - (sum(outputs) - own) / (players - 1)) / UNIT**2 for own in outputs]


@pytest.mark.parametrize(("name", "players"), [("square8", 2), ("hex8", 3), ("square19", 4)])
def test_scores_are_those_of_the_layers_written_out(name: str, players: int) -> None:
    board = get_board(name)
    network = random_network(board)
    states = positions(name, players, 12, 60)
    scores = network_scores(board, players, network, states)
    for row in range(len(states)):
        assert scores[row] == pytest.approx(written_out(board, players, network, states[row : row + 1]), rel=1e-5)


def test_what_differs_between_two_positions_of_different_games_is_found_as_well() -> None:
    board = get_board("hex8")
    states = positions("hex8", 2, 2, 30)
    network, sums, fresh = random_network(board), new_accumulators(board, 2), new_accumulators(board, 1)
    refresh(network, sums, states[0], board.tables, 0)
    update(network, sums, states, 1, 0, board.tables)
    refresh(network, fresh, states[1], board.tables, 0)
    assert (sums["sums"][1, :2] == fresh["sums"][0, :2]).all()


def test_every_player_sees_the_position_with_its_own_colour_first() -> None:
    board = get_board("square8")
    states = positions("square8", 2, 4, 40)
    swapped = states.copy()
    for field in ("hand", "credited", "territory", "markers", "on_board", "controlled", "lost_turn"):
        swapped[field][:, :2] = states[field][:, 1::-1]
    swapped["player"] = 3 - states["player"]
    swapped["lps_player"] = np.where(states["lps_player"] > 0, 3 - states["lps_player"].astype(int), 0)
    for state in swapped:
        state["cells"] = [exchanged(int(word)) for word in state["cells"]]
    network = random_network(board)
    own, other = (network_scores(board, 2, network, batch) for batch in (states, swapped))
    assert (own == other[:, ::-1]).all()


def exchanged(word: int) -> int:
    """The word of a cell with the colours of two players exchanged."""
    owner, kind = word & 7, word & 24
    if owner == 0 or kind == 24:
        return word
    rings = 0
    if kind == 8:
        height = word >> 5 & 31
        for depth in range(height):
            rings |= (1 - (word >> 10 + 2 * depth & 3)) << 2 * depth
    return (rings << 10) | (word & 0x3E0) | kind | (3 - owner)
