"""Recovery: a marker slides for a player that controls no stack (R110–R115).

Up to three actions of the same player: the slide, then, if it made a line, the choice of the run to collapse and how,
then the stack that pays by extraction.
"""

from __future__ import annotations

from ringrift.game.actions import (
    PLANE_EXTRACT,
    PLANE_RECOVERY,
    cell_action,
    plane_line,
    plane_whole_line,
    plane_window,
)
from ringrift.game.lines import run_from
from ringrift.game.state import (
    KIND,
    OWES_EXTRACTION,
    OWES_RECOVERY_LINE,
    STACK,
    eliminate_top,
    has_buried_ring,
    lowest_depth,
    put_marker,
    put_word,
    remove_marker,
    without_ring,
)
from ringrift.game.types import BoardTables, State
from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import I32


@compiled
def longest_run_through(state: State, board: BoardTables, position: int, vacated: int) -> int:
    """Longest run of the player's markers, on any axis, if one stood at `position` and none at `vacated`.

    Pass a wall as `vacated` (0) to judge the board as it is.
    """
    player = state.player
    cells = state.cells
    longest = 1
    for axis in range(len(board.axis_step)):
        run = 1
        for sign in (-1, 1):
            step = sign * board.axis_step[axis]
            other = position + step
            while cells[other] == player and other != vacated:
                run += 1
                other += step
        longest = max(longest, run)
    return longest


@compiled
def add_recovery_slides(state: State, board: BoardTables, out: I32, count: int) -> int:
    """Append the slides of the player to act: those that make a line, or, only if none does, all others (R112)."""
    player = state.player
    cells = state.cells
    line_length = board.line_length[state.players]
    start = count
    for lines_only in (True, False):
        for position in board.position:
            if cells[position] != player:
                continue
            for d in range(len(board.step)):
                landing = position + board.step[d]
                word = cells[landing]
                if lines_only:
                    fits = word == 0 and longest_run_through(state, board, landing, position) >= line_length
                else:
                    fits = word == 0 or word & KIND == STACK
                if fits:
                    out[count] = cell_action(board, PLANE_RECOVERY + d, position)
                    count += 1
        if count > start:
            break
    return count


@compiled
def play_recovery_slide(state: State, board: BoardTables, position: int, direction: int) -> None:
    """Slide a marker and note what is owed for it: a line choice, or an extraction."""
    player = state.player
    landing = position + board.step[direction]
    remove_marker(state, position)
    state.recovered = 1
    state.owed = OWES_EXTRACTION
    if state.cells[landing] != 0:
        eliminate_top(state, landing, player)
        return
    put_marker(state, landing, player)
    if longest_run_through(state, board, landing, 0) >= board.line_length[state.players]:
        state.owed = OWES_RECOVERY_LINE
        state.slide_to = landing


@compiled
def add_recovery_lines(state: State, board: BoardTables, out: I32, count: int) -> int:
    """Append the ways to collapse a run through the marker that slid; windows must contain it (R113)."""
    player = state.player
    cells = state.cells
    line_length = board.line_length[state.players]
    for axis in range(len(board.axis_step)):
        step = board.axis_step[axis]
        before = run_from(cells, state.slide_to, -step, player) - 1
        run = before + run_from(cells, state.slide_to, step, player)
        first = state.slide_to - before * step
        if run == line_length:
            out[count] = cell_action(board, plane_line(board) + axis, first)
            count += 1
        elif run > line_length:
            out[count] = cell_action(board, plane_whole_line(board) + axis, first)
            count += 1
            for offset in range(max(0, before - line_length + 1), min(before, run - line_length) + 1):
                out[count] = cell_action(board, plane_window(board) + axis, first + offset * step)
                count += 1
    return count


@compiled
def add_extractions(state: State, board: BoardTables, buried_only: bool, out: I32, count: int) -> int:
    """Append the stacks that can pay with a ring of the player to act; the new count.

    Before a recovery slide every ring of the player is buried, and which stacks can pay is judged then: afterwards any
    ring of the player will do (R114). The price of a region is a ring that is buried when it is paid (§7).
    """
    player = state.player
    for position in board.position:
        word = state.cells[position]
        if word & KIND == STACK and (has_buried_ring(word, player) if buried_only else lowest_depth(word, player) >= 0):
            out[count] = cell_action(board, PLANE_EXTRACT, position)
            count += 1
    return count


@compiled
def play_extraction(state: State, position: int) -> None:
    """Remove the lowest ring of the player to act from a stack, credited to that player (R114)."""
    player = state.player
    word = state.cells[position]
    state.on_board[player - 1] -= 1
    state.credited[player - 1] += 1
    put_word(state, position, without_ring(word, lowest_depth(word, player)))
