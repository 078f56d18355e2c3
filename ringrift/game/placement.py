"""Placing rings (R080–R082)."""

from __future__ import annotations

from ringrift.game.actions import MAX_PLACED, PLANE_PLACE, cell_action
from ringrift.game.movement import can_act, free_run
from ringrift.game.state import (
    KIND,
    OWNER,
    STACK,
    cap_height,
    height_of,
    pushed_on_top,
    put_word,
)
from ringrift.game.types import BoardTables, State, Words
from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import I32


@compiled
def live_counts(cells: Words, board: BoardTables, position: int, most: int) -> int:
    """Return which stacks of 1 … `most` own rings could act if placed on an empty cell: bit n−1 for n rings.

    No dead placement: each count is judged by itself (R081).
    """
    wanted = (1 << most) - 1
    live = 0
    for d in range(len(board.step)):
        step = board.step[d]
        run = free_run(cells, position, step)
        live |= (1 << run) - 1
        if live & wanted == wanted:
            break
        target_at = position + (run + 1) * step
        target = cells[target_at]
        if target & KIND == STACK:
            behind = free_run(cells, target_at, step)
            if behind > 0:
                cap = cap_height(target)
                for height in range(cap, min(most, run + 1 + behind) + 1):
                    live |= 1 << (height - 1)
    return live & wanted


@compiled
def may_place_on_stack(cells: Words, board: BoardTables, position: int, player: int) -> bool:
    """Whether one ring may go on top of the stack at a position."""
    word = cells[position]
    cap = cap_height(word) + 1 if word & OWNER == player else 1
    return can_act(cells, board, position, height_of(word) + 1, cap)


@compiled
def any_placement(state: State, board: BoardTables, player: int) -> bool:
    """Whether the player has a legal placement."""
    most = min(MAX_PLACED, state.hand[player - 1])
    if most == 0:
        return False
    cells = state.cells
    for position in board.position:
        word = cells[position]
        if word == 0:
            if live_counts(cells, board, position, most):
                return True
        elif word & KIND == STACK and may_place_on_stack(cells, board, position, player):
            return True
    return False


@compiled
def add_placements(state: State, board: BoardTables, out: I32, count: int) -> int:
    """Append the legal placements of the player to act to `out`; the new count."""
    player = state.player
    most = min(MAX_PLACED, state.hand[player - 1])
    if most == 0:
        return count
    cells = state.cells
    for position in board.position:
        word = cells[position]
        if word == 0:
            live = live_counts(cells, board, position, most)
            for n in range(most):
                if live >> n & 1:
                    out[count] = cell_action(board, PLANE_PLACE + n, position)
                    count += 1
        elif word & KIND == STACK and may_place_on_stack(cells, board, position, player):
            out[count] = cell_action(board, PLANE_PLACE, position)
            count += 1
    return count


@compiled
def offers_two_placements(state: State, board: BoardTables) -> bool:
    """Whether the player to act has at least two legal placements; looks no further than the second."""
    player = state.player
    most = min(MAX_PLACED, state.hand[player - 1])
    if most == 0:
        return False
    cells = state.cells
    count = 0
    for position in board.position:
        word = cells[position]
        if word == 0:
            live = live_counts(cells, board, position, most)
            count += (live != 0) + (live & (live - 1) != 0)  # one for a single bit, two for more
        elif word & KIND == STACK:
            count += may_place_on_stack(cells, board, position, player)
        if count >= 2:
            return True
    return False


@compiled
def play_placement(state: State, position: int, rings: int) -> None:
    """Put rings from the hand of the player to act on a cell or a stack; that stack must act next (R080)."""
    player = state.player
    state.hand[player - 1] -= rings
    state.on_board[player - 1] += rings
    put_word(state, position, pushed_on_top(state.cells[position], player, rings))
    state.must_move = position
