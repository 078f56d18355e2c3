"""What a position sets in the inputs of the network, and what changes from one position to another.

Changes are found by comparing two positions, row by row of the board: that needs to know nothing of the rules, holds
for every action with all that is forced after it, and takes tens of nanoseconds on the small boards.

A listed input is a triple: its row as the owner of the thing sees it, the owner's seat (0 for nobody's), and the rows
from one seat to the next. `seen_row` turns it into the row for another seat.
"""

from __future__ import annotations

from ringrift.game.actions import cell_count
from ringrift.game.boards import LPS_ROUNDS
from ringrift.game.state import COLLAPSED, KIND, OWNER, RING_SHIFT, height_of
from ringrift.game.types import BoardTables, State
from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import I32
from ringrift.nnue.layout import (
    BURIED,
    CELL_ROWS,
    COLLAPSED_CELL,
    COUNTS,
    CREDITED,
    CREDITED_STEPS,
    EXCLUSIVE,
    HAND,
    HAND_STEPS,
    KINDS,
    MARKER,
    MOST_BURIED,
    OWED,
    PHASES,
    TERRITORY,
    TERRITORY_STEPS,
    TURN,
    Accumulators,
)


@compiled
def shape_of(height: int, cap: int) -> int:
    """Return the bucket, 0 … 11, of a stack by height and cap."""
    if height <= 3:
        return height * (height - 1) // 2 + cap - 1
    if height <= 5:
        return 6 + min(cap, 3) - 1
    return 9 + (cap > 1) + (cap > 3)


@compiled
def put_input(inputs: I32, count: int, row: int, seat: int, width: int) -> int:
    """Append an input to a list, and return its new length."""
    inputs[count, 0] = row
    inputs[count, 1] = seat
    inputs[count, 2] = width
    return count + 1


@compiled
def put_cell(inputs: I32, count: int, cell: int, word: int) -> int:
    """Append the inputs of what stands on a cell, and return the new length."""
    first = cell * CELL_ROWS
    owner = word & OWNER
    kind = word & KIND
    if kind == 0:
        return count if word == 0 else put_input(inputs, count, first + MARKER, owner, KINDS)
    if kind == COLLAPSED:
        return put_input(inputs, count, first + COLLAPSED_CELL, owner, KINDS)
    height = height_of(word)
    rings = word >> RING_SHIFT
    cap = 1
    while cap < height and (rings >> 2 * cap & 3) + 1 == owner:
        cap += 1
    count = put_input(inputs, count, first + shape_of(height, cap), owner, KINDS)
    if cap < height:
        buried = 0  # eight bits a seat
        for depth in range(cap, height):
            buried += 1 << 8 * (rings >> 2 * depth & 3)
        for seat in range(4):
            number = buried >> 8 * seat & 255
            if number > 0:
                count = put_input(inputs, count, first + BURIED + min(number, MOST_BURIED) - 1, seat + 1, KINDS)
    return count


@compiled
def steps_of(number: int, goal: int, steps: int) -> int:
    """Return a count in steps of its goal, `steps` at most."""
    return min(number * steps // goal, steps)


@compiled
def player_row(state: State, board: BoardTables, seat: int, which: int) -> int:
    """Return the row of one of the three counts of a seat, from 0, as the seat sees it, counted from the counts on."""
    if which == 0:
        return HAND + steps_of(state.hand[seat], board.rings, HAND_STEPS)
    if which == 1:
        return CREDITED + steps_of(state.credited[seat], board.elimination_goal[state.players], CREDITED_STEPS)
    return TERRITORY + steps_of(state.territory[seat], board.territory_goal[state.players], TERRITORY_STEPS)


@compiled
def rounds_row(state: State) -> int:
    """Return the row of the exclusive rounds."""
    return EXCLUSIVE + min(state.lps_count, LPS_ROUNDS)


@compiled
def list_position(state: State, board: BoardTables, inputs: I32) -> int:
    """Write all inputs that a position sets into `inputs` `[…, 3]` (int32) and return their number."""
    count = 0
    cells = cell_count(board)
    for cell in range(cells):
        word = state.cells[board.position[cell]]
        if word != 0:
            count = put_cell(inputs, count, cell, word)
    first = cells * CELL_ROWS
    for seat in range(state.players):
        for which in range(3):
            count = put_input(inputs, count, first + player_row(state, board, seat, which), seat + 1, COUNTS)
    count = put_input(inputs, count, first + TURN + state.phase, state.player, PHASES)
    count = put_input(inputs, count, first + OWED + state.owed, 0, 0)
    if state.lps_player != 0:
        count = put_input(inputs, count, first + rounds_row(state), state.lps_player, LPS_ROUNDS + 1)
    return count


@compiled
def list_changed_cells(before: State, after: State, board: BoardTables, accumulators: Accumulators) -> int:
    """Write the grid positions of the cells that differ into `changed`, and return their number."""
    rows = len(board.row_mask)
    stride = rows + 1
    count = 0
    for row in range(1, rows + 1):
        first = row * stride + 1
        difference = before.cells[first] ^ after.cells[first]
        for column in range(1, rows):
            difference |= before.cells[first + column] ^ after.cells[first + column]
        if difference != 0:
            for column in range(rows):
                if before.cells[first + column] != after.cells[first + column]:
                    accumulators.changed[count] = first + column
                    count += 1
    return count


@compiled
def list_changes(
    before: State, after: State, board: BoardTables, accumulators: Accumulators, changed: int
) -> tuple[int, int]:
    """Write the inputs that go and come into `removed` and `added`; return how many of each.

    The first `changed` cells of `accumulators.changed` differ.
    """
    old, new = accumulators.removed, accumulators.added
    removed = added = 0
    for i in range(changed):
        position = accumulators.changed[i]
        cell = board.cell[position]
        removed = put_cell(old, removed, cell, before.cells[position])
        added = put_cell(new, added, cell, after.cells[position])
    first = cell_count(board) * CELL_ROWS
    for seat in range(after.players):
        for which in range(3):
            was, now = player_row(before, board, seat, which), player_row(after, board, seat, which)
            if was != now:
                removed = put_input(old, removed, first + was, seat + 1, COUNTS)
                added = put_input(new, added, first + now, seat + 1, COUNTS)
    if before.phase != after.phase or before.player != after.player:
        removed = put_input(old, removed, first + TURN + before.phase, before.player, PHASES)
        added = put_input(new, added, first + TURN + after.phase, after.player, PHASES)
    if before.owed != after.owed:
        removed = put_input(old, removed, first + OWED + before.owed, 0, 0)
        added = put_input(new, added, first + OWED + after.owed, 0, 0)
    if before.lps_player != after.lps_player or rounds_row(before) != rounds_row(after):
        if before.lps_player != 0:
            removed = put_input(old, removed, first + rounds_row(before), before.lps_player, LPS_ROUNDS + 1)
        if after.lps_player != 0:
            added = put_input(new, added, first + rounds_row(after), after.lps_player, LPS_ROUNDS + 1)
    return removed, added


@compiled
def seen_row(inputs: I32, index: int, seat: int, players: int) -> int:
    """Return the row of a listed input as a seat, counted from 0, sees it."""
    row = inputs[index, 0]
    owner = inputs[index, 1]
    if owner != 0:
        relative = owner - 1 - seat
        row += (relative + players if relative < 0 else relative) * inputs[index, 2]
    return int(row)
