"""Positions and the actions in them as inputs of an energy network."""

from __future__ import annotations

import numpy as np

from ringrift.encoding.values import outcome_values
from ringrift.energy.layout import FEATURES
from ringrift.game.state import GAME_OVER
from ringrift.game.turn import legal_actions, play_forced, step
from ringrift.game.types import BoardTables, State, States, Workspace
from ringrift.heuristic.features import Scratch, write_features
from ringrift.kernels.compiled import compiled
from ringrift.kernels.random import random_below
from ringrift.kernels.types import F32, I32, I64


@compiled
def write_view(state: State, seat: int, board: BoardTables, scratch: Scratch, row: F32) -> None:
    """Write a position as the player of `seat` (from 0) sees it into `row` `[I]`."""
    players = state.players
    features = scratch.features
    for i in range(len(row)):
        row[i] = 0
    row[players * FEATURES + state.phase] = 1
    if state.phase == GAME_OVER:
        outcome_values(state, features[0])
        row[len(row) - 1] = features[0, seat]
        return
    write_features(state, board, scratch, features)
    for place in range(players):
        seen = (seat + place) % players
        for i in range(FEATURES):
            row[place * FEATURES + i] = features[seen, i]


@compiled
def write_action(
    state: State, action: int, board: BoardTables, work: Workspace, scratch: Scratch, trial: States, row: F32
) -> None:
    """Write what an action leads to, as the player who chooses it sees it; `trial` `[1]` is room to play in."""
    trial[0] = state
    step(trial[0], action, board, work)
    play_forced(trial[0], board, work)
    write_view(trial[0], state.player - 1, board, scratch, row)


@compiled
def write_contrasts(
    states: States,
    played: I32,
    chosen: I64,
    seed: np.uint64,
    board: BoardTables,
    work: Workspace,
    scratch: Scratch,
    trial: States,
    legal: I32,
    views: F32,
    counts: I64,
    actions: F32,
) -> int:
    """Write decisions beside random alternatives: the inputs of `states[chosen]`, and of the actions to tell apart.

    `views` are `[B, I]`. Of each decision the first of its `counts[b]` rows of `actions` `[B × candidates, I]` is the
    action that was played, the others are legal ones drawn without replacement by `seed`. `legal` is room for the legal
    actions of one position. Returns the number of rows.
    """
    candidates = len(actions) // len(chosen)
    row = 0
    for b in range(len(chosen)):
        state = states[chosen[b]]
        write_view(state, state.player - 1, board, scratch, views[b])
        count = legal_actions(state, board, work, legal)
        for i in range(count):
            if legal[i] == played[chosen[b]]:
                legal[i], legal[0] = legal[0], legal[i]
        counts[b] = min(count, candidates)
        for i in range(counts[b]):
            if i > 0:
                other = i + random_below(seed, chosen[b], i, count - i)
                legal[i], legal[other] = legal[other], legal[i]
            write_action(state, legal[i], board, work, scratch, trial, actions[row])
            row += 1
    return row
