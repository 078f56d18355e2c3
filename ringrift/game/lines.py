"""Lines of markers: finding and collapsing them (R120–R123)."""

from __future__ import annotations

from ringrift.game.actions import cell_action, plane_line, plane_whole_line, plane_window
from ringrift.game.state import collapse
from ringrift.game.types import BoardTables, State, Words
from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import I32


@compiled
def run_from(cells: Words, position: int, step: int, player: int) -> int:
    """Number of markers of the player in a row, starting with the one at `position`."""
    run = 0
    while cells[position] == player:
        run += 1
        position += step
    return run


@compiled
def add_line_choices(
    board: BoardTables, first: int, axis: int, run: int, line_length: int, out: I32, count: int
) -> int:
    """Append the ways to collapse one line: the whole of it and, if it is longer than needed, every window."""
    if run == line_length:
        out[count] = cell_action(board, plane_line(board) + axis, first)
        return count + 1
    out[count] = cell_action(board, plane_whole_line(board) + axis, first)
    count += 1
    for offset in range(run - line_length + 1):
        position = first + offset * board.axis_step[axis]
        out[count] = cell_action(board, plane_window(board) + axis, position)
        count += 1
    return count


@compiled
def add_lines(state: State, board: BoardTables, out: I32, count: int) -> int:
    """Append every way to collapse every line of the player to act; the new count."""
    player = state.player
    line_length = board.line_length[state.players]
    if state.markers[player - 1] < line_length:
        return count
    cells = state.cells
    for position in board.position:
        if cells[position] != player:
            continue
        for axis in range(len(board.axis_step)):
            step = board.axis_step[axis]
            if cells[position - step] == player:
                continue  # not the first position of its run
            run = run_from(cells, position, step, player)
            if run >= line_length:
                count = add_line_choices(board, position, axis, run, line_length, out, count)
    return count


@compiled
def collapse_run(state: State, board: BoardTables, first: int, axis: int, length: int) -> None:
    """Collapse `length` markers from `first` along an axis to the player to act."""
    for offset in range(length):
        collapse(state, first + offset * board.axis_step[axis], state.player)
