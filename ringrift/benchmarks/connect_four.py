"""Connect Four, a game that other programs' searches know as well: its rules, for the same trees as RingRift.

The stones of a seat are the bits of a number: column × 7 + height, so that a bit above every column stays empty.
"""

from __future__ import annotations

from typing import Any, Final, Protocol

import numpy as np

from ringrift.game.types import States
from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import F32, I32, I64
from ringrift.search.game_adapter import GameAdapter, GameState, GameTables, GameWorkspace, marker_field, register_game

COLUMNS: Final = 7
HEIGHT: Final = 6
CELLS: Final = COLUMNS * HEIGHT
INPUTS: Final = 2 * CELLS

FIELD: Final = marker_field("connect_four", __file__)
STATE_TYPE: Final = np.dtype(
    [
        (FIELD, np.uint8),
        ("player", np.int32),  # to move, 1 or 2
        ("ply", np.int32),
        ("winner", np.int32),  # 0 while there is none
        ("stones", np.int64, (2,)),  # by seat
    ],
    align=True,
)
WORK_TYPE: Final = np.dtype([("actions", np.int32, (COLUMNS,))])


class ConnectFourState(GameState, Protocol):
    """A position of Connect Four; an element of `STATE_TYPE`."""

    stones: I64
    winner: int


@compiled
def has_four(stones: int) -> bool:
    """Tell whether four of the stones lie in a row: upwards, level, or on a diagonal."""
    for shift in (1, HEIGHT + 1, HEIGHT, HEIGHT + 2):
        pairs = stones & (stones >> shift)
        if pairs & (pairs >> 2 * shift):
            return True
    return False


@compiled
def legal_actions(state: ConnectFourState, board: GameTables, work: GameWorkspace, out: I32) -> int:
    """Write the columns with room into `out`, and return their number, 0 when the game is over."""
    if state.winner != 0:
        return 0
    filled = state.stones[0] | state.stones[1]
    count = 0
    for column in range(COLUMNS):
        if not filled >> (column * (HEIGHT + 1) + HEIGHT - 1) & 1:
            out[count] = column
            count += 1
    return count


@compiled
def step(state: ConnectFourState, action: int, board: GameTables, work: GameWorkspace) -> None:
    """Drop a stone into a column."""
    bottom = 1 << (action * (HEIGHT + 1))
    filled = state.stones[0] | state.stones[1]
    lowest_empty = (filled + bottom) & ~filled & (bottom * ((1 << HEIGHT) - 1))
    mover = state.player
    state.stones[mover - 1] |= lowest_empty
    if has_four(state.stones[mover - 1]):
        state.winner = mover
    state.player = 3 - mover
    state.ply += 1


@compiled
def outcome(state: ConnectFourState, out: F32) -> None:
    """Write the outcome: 1 for the winner and −1 for the other, 0 on a full board."""
    out[0] = (state.winner == 1) - (state.winner == 2)
    out[1] = -out[0]


@compiled
def ply(state: ConnectFourState) -> int:
    """Return the number of a decision: every stone is one."""
    return int(state.ply)


register_game(FIELD, legal_actions=legal_actions, step=step, outcome=outcome, decision=ply)


def workspace() -> Any:
    """Return scratch memory for one thread."""
    return np.zeros(1, WORK_TYPE)[0]


CONNECT_FOUR: Final = GameAdapter(
    name="connect_four",
    tables=np.zeros(0, np.uint8),
    state_type=STATE_TYPE,
    max_actions=COLUMNS,
    edges_per_node=COLUMNS,
    workspace=workspace,
)


def new_games(count: int) -> States:
    """Return empty boards."""
    states = np.zeros(count, STATE_TYPE)
    states["player"] = 1
    return states


@compiled
def play(states: States, moves: I32, board: GameTables, work: GameWorkspace) -> None:
    """Play `moves` `[games, length]` in every game, up to the first −1."""
    for game in range(len(states)):
        for action in moves[game]:
            if action < 0:
                break
            step(states[game], action, board, work)


def openings(games: int, length: int, seed: int = 0) -> I32:
    """Return random moves `[games, length]`, 0 … `length` of them and −1 after the last, that leave every game open."""
    draw = np.random.default_rng(seed)
    work = workspace()
    moves = np.full((games, length), -1, np.int32)
    for game in range(games):
        state = new_games(1)[0]
        for i in range(int(draw.integers(length + 1))):
            after = state.copy()
            column = work["actions"][draw.integers(legal_actions(state, CONNECT_FOUR.tables, work, work["actions"]))]
            step(after, column, CONNECT_FOUR.tables, work)
            if legal_actions(after, CONNECT_FOUR.tables, work, work["actions"]) == 0:
                break
            state, moves[game, i] = after, column
    return moves


def positions(moves: I32) -> States:
    """Return the positions after these moves `[games, length]`."""
    states = new_games(len(moves))
    play(states, moves, CONNECT_FOUR.tables, workspace())
    return states


@compiled
def encode(states: States, out: F32) -> None:
    """Write each position as 84 zeros and ones into `out` `[states, INPUTS]`.

    Row by row from the top, for every cell whether a stone of the player to move lies there, and one of the other.
    """
    for index in range(len(states)):
        mover = states[index].player - 1
        for cell in range(CELLS):
            bit = cell % COLUMNS * (HEIGHT + 1) + HEIGHT - 1 - cell // COLUMNS
            out[index, 2 * cell] = states[index].stones[mover] >> bit & 1
            out[index, 2 * cell + 1] = states[index].stones[1 - mover] >> bit & 1
