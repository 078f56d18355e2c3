"""Eliminations that a player chooses: a ring for a line, a cap for a region or when nothing else can be done."""

from __future__ import annotations

from ringrift.game.actions import cell_action
from ringrift.game.state import KIND, OWNER, STACK, cap_height, eliminate_top
from ringrift.game.types import BoardTables, State
from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import I32


@compiled
def add_controlled_stacks(state: State, board: BoardTables, plane: int, out: I32, count: int) -> int:
    """Append the action of that plane at every stack that the player to act controls; the new count."""
    mine = STACK | state.player
    for position in board.position:
        if state.cells[position] & (KIND | OWNER) == mine:
            out[count] = cell_action(board, plane, position)
            count += 1
    return count


@compiled
def eliminate_cap(state: State, position: int) -> None:
    """Remove the whole cap of a stack, credited to the player to act (R100, R143)."""
    for _ in range(cap_height(state.cells[position])):
        eliminate_top(state, position, state.player)
