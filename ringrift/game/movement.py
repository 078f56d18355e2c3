"""Slides and captures of one stack: what it may do, and what doing it changes (R090–R103).

Both walk a ray from the stack: first the free cells (empty or marked), then perhaps a target stack, then the free
cells behind it. (Stack, direction, distance) names either, never both.
"""

from __future__ import annotations

from ringrift.game.actions import cell_action, max_distance, plane_move
from ringrift.game.state import (
    KIND,
    OWNER,
    STACK,
    cap_height,
    collapse,
    eliminate_top,
    height_of,
    popped,
    pushed_under,
    put_marker,
    put_word,
    remove_marker,
)
from ringrift.game.types import BoardTables, State, Words
from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import I32


@compiled
def free_run(cells: Words, position: int, step: int) -> int:
    """Number of cells in a row, after `position`, that hold neither a stack nor a collapsed cell."""
    run = 0
    position += step
    while cells[position] & KIND == 0:
        run += 1
        position += step
    return run


@compiled
def can_capture_along(cells: Words, position: int, step: int, run: int, height: int, cap: int) -> bool:
    """Whether a stack may capture what stands behind its free run in that direction (R101)."""
    target_at = position + (run + 1) * step
    target = cells[target_at]
    if target & KIND != STACK or cap_height(target) > cap:
        return False
    behind = free_run(cells, target_at, step)
    return behind > 0 and run + 1 + behind >= height


@compiled
def can_capture(state: State, board: BoardTables, position: int) -> bool:
    """Whether the stack at a position has any capture."""
    cells = state.cells
    word = cells[position]
    height, cap = height_of(word), cap_height(word)
    for d in range(len(board.step)):
        step = board.step[d]
        if can_capture_along(cells, position, step, free_run(cells, position, step), height, cap):
            return True
    return False


@compiled
def can_act(cells: Words, board: BoardTables, position: int, height: int, cap: int) -> bool:
    """Whether a stack of that height and cap, standing at a position, would have a slide or a capture."""
    for d in range(len(board.step)):
        step = board.step[d]
        run = free_run(cells, position, step)
        if run >= height or can_capture_along(cells, position, step, run, height, cap):
            return True
    return False


@compiled
def any_stack_can_act(state: State, board: BoardTables, player: int) -> bool:
    """Whether any stack that the player controls has a slide or a capture."""
    if state.controlled[player - 1] == 0:
        return False
    for position in board.position:
        word = state.cells[position]
        if word & (KIND | OWNER) == STACK | player and can_act(
            state.cells, board, position, height_of(word), cap_height(word)
        ):
            return True
    return False


@compiled
def add_captures(state: State, board: BoardTables, position: int, out: I32, count: int) -> int:
    """Append the captures of the stack at a position to `out`; the new count."""
    return _add_moves(state, board, position, False, out, count)


@compiled
def add_slides_and_captures(state: State, board: BoardTables, position: int, out: I32, count: int) -> int:
    """Append the slides and captures of the stack at a position to `out`; the new count."""
    return _add_moves(state, board, position, True, out, count)


@compiled
def _add_moves(state: State, board: BoardTables, position: int, slides: bool, out: I32, count: int) -> int:
    cells = state.cells
    word = cells[position]
    height, cap = height_of(word), cap_height(word)
    plane = plane_move(board) - 1  # the plane of distance 0
    for d in range(len(board.step)):
        step = board.step[d]
        run = free_run(cells, position, step)
        if slides:
            for distance in range(height, run + 1):
                out[count] = cell_action(board, plane + distance, position)
                count += 1
        target_at = position + (run + 1) * step
        target = cells[target_at]
        if target & KIND == STACK and cap_height(target) <= cap:
            behind = free_run(cells, target_at, step)
            for distance in range(max(height, run + 2), run + 2 + behind):
                out[count] = cell_action(board, plane + distance, position)
                count += 1
        plane += max_distance(board)
    return count


@compiled
def play_move(state: State, board: BoardTables, position: int, direction: int, distance: int) -> bool:
    """Move the stack at a position; whether that was a capture (R091, R102).

    The landing position is `position + distance × step`.
    """
    player = state.player
    cells = state.cells
    step = board.step[direction]
    landing = position + distance * step
    moving = cells[position]
    put_word(state, position, 0)
    put_marker(state, position, player)
    captured = False
    between = position + step
    while between != landing:
        word = cells[between]
        if word & KIND == STACK:
            captured = True
            moving = pushed_under(moving, word & OWNER)
            put_word(state, between, popped(word))
        elif word == player:
            collapse(state, between, player)
        elif word != 0:
            remove_marker(state, between)
            put_marker(state, between, player)
        between += step
    marked = cells[landing] != 0
    if marked:
        remove_marker(state, landing)
    put_word(state, landing, moving)
    if marked:
        eliminate_top(state, landing, player)
    return captured
