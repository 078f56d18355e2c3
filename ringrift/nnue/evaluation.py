"""Evaluation of positions by the integer network: sums of the first layer, brought up to date, and what follows them.

The sums of every perspective lie on a stack beside the positions of a search. A position that is made is marked as not
current (`forget`); its sums are found when something is to be evaluated there or below, from those of the position that
it was made from. To take an action back is to go down the stack. So what is never evaluated costs nothing.

All is whole numbers up to the score, so sums that were updated equal sums from scratch bit for bit.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ringrift.encoding.values import outcome_values
from ringrift.game.actions import cell_count
from ringrift.game.boards import MAX_PLAYERS
from ringrift.game.state import GAME_OVER
from ringrift.game.types import BoardTables, State, States
from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import F32
from ringrift.nnue.inputs import list_changed_cells, list_changes, list_position, seen_row
from ringrift.nnue.layout import DENSE, HIDDEN, STAGES, UNIT, UNIT_BITS, Accumulators, Network

WON: Final = 20.0
"""The score of a game that is won, beyond what a network says."""
REFRESH_SHARE: Final = 4
"""Sums are made from scratch where more than one in that many cells differ."""


@compiled
def forget(accumulators: Accumulators, level: int) -> None:
    """Mark the sums of a level as not those of its position, which has been made anew."""
    accumulators.is_current[level] = False


@compiled
def refresh(network: Network, accumulators: Accumulators, state: State, board: BoardTables, level: int) -> None:
    """Make the sums of a position from scratch."""
    inputs = accumulators.added
    count = list_position(state, board, inputs)
    players = state.players
    for seat in range(players):
        sums = accumulators.sums[level, seat]
        for j in range(HIDDEN):
            sums[j] = network.bias[j]
        for i in range(count):
            weights = network.features[seen_row(inputs, i, seat, players)]
            for j in range(HIDDEN):
                sums[j] += weights[j]
    accumulators.is_current[level] = True


@compiled
def update(
    network: Network,
    accumulators: Accumulators,
    states: States,
    level: int,
    parent: int,
    board: BoardTables,
) -> None:
    """Make the sums of the position at a level from those at its parent's, which are current."""
    before, after = states[parent], states[level]
    changed = list_changed_cells(before, after, board, accumulators)
    if changed * REFRESH_SHARE > cell_count(board):
        refresh(network, accumulators, after, board, level)
        return
    removed, added = list_changes(before, after, board, accumulators, changed)
    players = after.players
    both = min(removed, added)
    for seat in range(players):
        source, sums = accumulators.sums[parent, seat], accumulators.sums[level, seat]
        for j in range(HIDDEN):
            sums[j] = source[j]
        for i in range(both):
            minus = network.features[seen_row(accumulators.removed, i, seat, players)]
            plus = network.features[seen_row(accumulators.added, i, seat, players)]
            for j in range(HIDDEN):
                sums[j] += plus[j] - minus[j]
        for i in range(both, removed):
            minus = network.features[seen_row(accumulators.removed, i, seat, players)]
            for j in range(HIDDEN):
                sums[j] -= minus[j]
        for i in range(both, added):
            plus = network.features[seen_row(accumulators.added, i, seat, players)]
            for j in range(HIDDEN):
                sums[j] += plus[j]
    accumulators.is_current[level] = True


@compiled
def bring_up_to_date(
    network: Network, accumulators: Accumulators, states: States, level: int, board: BoardTables
) -> None:
    """Make the sums of a level of the stack current, from the nearest level below whose sums are."""
    known = level
    while known > 0 and not accumulators.is_current[known]:
        known -= 1
    if not accumulators.is_current[known]:
        refresh(network, accumulators, states[known], board, known)
    while known < level:
        known += 1
        update(network, accumulators, states, known, known - 1, board)


@compiled
def stage_of(state: State, board: BoardTables) -> int:
    """Return which set of weights a position uses, by the share of all rings that has left the hands."""
    total = state.players * board.rings
    in_hand = 0
    for seat in range(state.players):
        in_hand += state.hand[seat]
    return min(STAGES * (total - in_hand) // total, STAGES - 1)


@compiled
def output_of(network: Network, accumulators: Accumulators, level: int, seat: int, stage: int) -> int:
    """Return what the layers behind the sums of a seat come to, in units of 1 / `UNIT`²."""
    sums = accumulators.sums[level, seat]
    activations = accumulators.activations
    for j in range(HIDDEN):
        activations[j] = min(max(sums[j], 0), UNIT - 1)
    total = np.int32(0)
    for k in range(DENSE + 1):
        weights = network.dense[stage, k]
        dot = np.int32(0)
        for j in range(HIDDEN):
            dot = np.int32(dot + np.int32(np.int32(activations[j]) * np.int32(weights[j])))
        dot = np.int32(dot + np.int32(network.dense_bias[stage, k]) * UNIT)
        if k < DENSE:
            clipped = min(max(int(dot) >> UNIT_BITS, 0), UNIT - 1)
            total = np.int32(total + clipped * np.int32(network.output[stage, k]))
        else:
            total = np.int32(total + dot)
    return int(total)


@compiled
def score_level(
    network: Network, accumulators: Accumulators, state: State, board: BoardTables, level: int, scores: F32
) -> None:
    """Write the score of every seat into `scores` `[MAX_PLAYERS]` (float32), from the sums of a level.

    It is the seat's output minus the mean of the others', so that the scores add up to 0.
    """
    players = state.players
    stage = stage_of(state, board)
    total = 0
    for seat in range(players):
        output = output_of(network, accumulators, level, seat, stage)
        scores[seat] = output
        total += output
    for seat in range(players):
        own = scores[seat]
        scores[seat] = (own - (total - own) / (players - 1)) / (UNIT * UNIT)


@compiled
def evaluate_made(
    network: Network,
    accumulators: Accumulators,
    states: States,
    level: int,
    parent: int,
    board: BoardTables,
    values: F32,
) -> None:
    """Write the value of the position at a level for every seat, −1 … 1, into `values` `[MAX_PLAYERS]` (float32).

    It was made from the position at the level `parent`, below which the stack is in order. A finished game has its
    exact outcome.
    """
    state = states[level]
    if state.phase == GAME_OVER:
        outcome_values(state, values)
        return
    bring_up_to_date(network, accumulators, states, parent, board)
    update(network, accumulators, states, level, parent, board)
    score_level(network, accumulators, state, board, level, values)
    for seat in range(state.players):
        values[seat] = np.tanh(values[seat] / 2)


@compiled
def score_from_scratch(
    network: Network, accumulators: Accumulators, state: State, board: BoardTables, scores: F32
) -> None:
    """Write the score of a position for every seat into `scores` `[MAX_PLAYERS]`; level 0 of the stack is used."""
    for seat in range(MAX_PLAYERS):
        scores[seat] = 0
    if state.phase == GAME_OVER:
        outcome_values(state, scores)
        for seat in range(MAX_PLAYERS):
            scores[seat] *= WON
        return
    refresh(network, accumulators, state, board, 0)
    score_level(network, accumulators, state, board, 0, scores)
