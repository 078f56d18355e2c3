"""One game as one element of a structured dtype, and the small compiled operations on its pieces (R021–R052).

A grid position holds one *word*, so that a cell is exactly one thing by construction:

    bits 0–2   owner: the marker's, the collapsed cell's, or the stack's controlling player; 0 for none
    bits 3–4   kind: 0 empty or marker, 1 stack, 2 collapsed, 3 wall
    bits 5–9   height of a stack
    bits 10…   its rings, two bits each (colour − 1), the top ring lowest

Pushing on top, popping from the top and pushing under are shifts, at any height. Play cannot build more than
`Board.max_height` rings (9 on the small boards, 25 on the large ones), which fits 32 and 64 bits.

Kernels take a state as a record, `states[i]`; a copy is `states[j] = states[i]`. They trust their caller.
"""

from __future__ import annotations

import threading
from functools import cache
from typing import Final

import numpy as np

from ringrift.game.boards import MAX_PLAYERS, Board
from ringrift.game.types import State, States, Workspace
from ringrift.kernels.compiled import compiled
from ringrift.kernels.random import mix64

# Phases (R070), in the order of a turn.
RING_PLACEMENT: Final = 0
MOVEMENT: Final = 1
CAPTURE: Final = 2
CHAIN_CAPTURE: Final = 3
LINE_PROCESSING: Final = 4
TERRITORY_PROCESSING: Final = 5
FORCED_ELIMINATION: Final = 6
GAME_OVER: Final = 7
PHASE_NAMES: Final = (
    "ring_placement",
    "movement",
    "capture",
    "chain_capture",
    "line_processing",
    "territory_processing",
    "forced_elimination",
    "game_over",
)

# What the player owes before anything else may be done.
OWES_NOTHING: Final = 0
OWES_LINE_RING: Final = 1  # the top ring of a controlled stack, for a whole line (§6)
OWES_REGION_PRICE: Final = 2  # a cap, or a buried ring in a turn with a recovery slide (§7)
OWES_RECOVERY_LINE: Final = 3  # which run to collapse after a recovery slide, and how (§8)
OWES_EXTRACTION: Final = 4  # a ring out of some stack for a recovery slide (§8)

# Why a game ended (§10).
REASON_NAMES: Final = (
    None,
    "ring_elimination",
    "territory",
    "last_player_standing_material",
    "last_player_standing_rounds",
    "stalemate",
)
RING_ELIMINATION: Final = 1
TERRITORY: Final = 2
LAST_WITH_MATERIAL: Final = 3
LAST_OVER_ROUNDS: Final = 4
STALEMATE: Final = 5

# The pie rule (R180).
SWAP_OFF: Final = 0  # not played, or the chance has passed
SWAP_OPEN: Final = 1  # player 2 may swap at the start of its first turn
SWAPPED: Final = 2

TRAIL: Final = 4
"""The number of last places that the state keeps, for networks; the rules never look at them."""

# Words.
OWNER: Final = 7
KIND: Final = 24
STACK: Final = 8
COLLAPSED: Final = 16
WALL: Final = 24
HEIGHT_SHIFT: Final = 5
HEIGHT_MASK: Final = 31
RING_SHIFT: Final = 10


@cache
def state_type(board: Board) -> np.dtype[np.void]:
    """The structured dtype of a game on that board. `[4]` is by seat; in positions and seats 0 is none."""
    return np.dtype(
        [
            ("cells", board.word_type, (board.grid_size,)),  # words, see the module's docstring
            ("hand", np.int16, (MAX_PLAYERS,)),  # rings not yet placed
            ("credited", np.int16, (MAX_PLAYERS,)),  # rings of any colour whose removal the player caused
            ("territory", np.int16, (MAX_PLAYERS,)),  # collapsed cells owned
            ("markers", np.int16, (MAX_PLAYERS,)),  # markers on the board
            ("on_board", np.int16, (MAX_PLAYERS,)),  # rings of the player's colour in stacks, buried ones too
            ("controlled", np.int16, (MAX_PLAYERS,)),  # stacks controlled
            (
                "lost_turn",
                np.int16,
                (MAX_PLAYERS,),
            ),  # turn at which the last ring was lost, counted from 1; 0 = never
            ("turn", np.int16),  # turns begun so far, without the running one
            ("ply", np.int32),  # moves played so far; a recovery with all its decisions is one
            ("trail", np.int16, (TRAIL,)),  # where the last actions on the board happened, the newest first
            ("must_move", np.int16),  # the stack that has to act after a placement
            ("capturer", np.int16),  # the only stack that may capture, in the two capture phases
            ("slide_to", np.int16),  # where the recovery marker went, while its line choice is owed
            ("lps_round", np.int16),  # rounds begun (R172)
            ("lps_count", np.int16),  # exclusive rounds in a row
            ("lps_first", np.uint8),  # seat that opened the running round, 0 = none yet
            ("lps_seen", np.uint8),  # bit per seat that has begun a turn in this round
            ("lps_able", np.uint8),  # … and had a real action available then
            ("lps_exclusive", np.uint8),  # exclusive seat of the last complete round, 0 = none
            ("lps_player", np.uint8),  # the seat that `lps_count` counts for, 0 = none
            ("players", np.uint8),
            ("player", np.uint8),  # seat to act, from 1
            ("phase", np.uint8),
            ("owed", np.uint8),
            ("changed", np.uint8),  # this turn has changed the board (§3)
            ("recovered", np.uint8),  # this turn contains a recovery slide
            ("winner", np.uint8),  # seat, 0 = none
            ("reason", np.uint8),
            ("swap", np.uint8),
        ],
        align=True,
    )


@cache
def workspace_type(board: Board) -> np.dtype[np.void]:
    """Scratch memory of one thread: row masks (bit = column) of `[rows]` and a buffer for actions."""
    rows = board.size
    return np.dtype(
        [
            ("markers", np.int32, (MAX_PLAYERS, rows)),
            ("stacks", np.int32, (MAX_PLAYERS, rows)),  # by controlling player
            ("buried", np.int32, (rows,)),  # stacks with a buried ring of the player to act
            ("open", np.int32, (rows,)),  # cells that are not collapsed
            ("free", np.int32, (rows,)),  # cells that a flood may enter
            ("rest", np.int32, (rows,)),  # … and has not entered yet
            ("region", np.int32, (rows,)),
            ("border", np.int32, (rows,)),
            ("actions", np.int32, (board.max_actions,)),
        ],
        align=True,
    )


_per_thread = threading.local()


def new_workspace(board: Board) -> Workspace:
    """A workspace record for the kernels; one per thread."""
    workspace: Workspace = np.zeros(1, workspace_type(board))[0]
    return workspace


def thread_workspace(board: Board) -> Workspace:
    """The calling thread's workspace record for that board."""
    workspaces = vars(_per_thread)
    if board.name not in workspaces:
        workspaces[board.name] = new_workspace(board)
    workspace: Workspace = workspaces[board.name]
    return workspace


def new_states(board: Board, players: int, count: int = 1, *, swap_rule: bool = False) -> States:
    """`[count]` games at the standard start."""
    states = np.zeros(count, state_type(board))
    cells = np.full(board.grid_size, WALL, board.word_type)
    cells[board.tables["position"]] = 0
    states["cells"] = cells
    states["hand"][:, :players] = board.rings
    states["players"] = players
    states["player"] = 1
    states["swap"] = SWAP_OPEN if swap_rule and players == 2 else SWAP_OFF
    return states


@compiled
def height_of(word: int) -> int:
    """Rings in a stack's word."""
    return (word >> HEIGHT_SHIFT) & HEIGHT_MASK


@compiled
def ring_at(word: int, depth: int) -> int:
    """Colour (1–4) of the ring `depth` below the top."""
    return ((word >> (RING_SHIFT + 2 * depth)) & 3) + 1


@compiled
def cap_height(word: int) -> int:
    """Length of the run of rings of the controlling colour from the top down (§2)."""
    height = height_of(word)
    owner = word & OWNER
    cap = 1
    while cap < height and ring_at(word, cap) == owner:
        cap += 1
    return cap


@compiled
def stack_word(rings: int, height: int) -> int:
    """The word of a stack from its packed rings; 0, an empty cell, at height 0."""
    if height == 0:
        return 0
    return (rings << RING_SHIFT) | (height << HEIGHT_SHIFT) | STACK | ((rings & 3) + 1)


@compiled
def pushed_on_top(word: int, player: int, count: int) -> int:
    """The word with `count` rings of the player added on top; an empty cell becomes a stack."""
    rings = word >> RING_SHIFT
    for _ in range(count):
        rings = (rings << 2) | (player - 1)
    return stack_word(rings, height_of(word) + count)


@compiled
def pushed_under(word: int, player: int) -> int:
    """The word with one ring of the player added at the bottom."""
    height = height_of(word)
    return stack_word((word >> RING_SHIFT) | ((player - 1) << (2 * height)), height + 1)


@compiled
def popped(word: int) -> int:
    """The word without its top ring."""
    return stack_word(word >> (RING_SHIFT + 2), height_of(word) - 1)


@compiled
def lowest_depth(word: int, player: int) -> int:
    """Depth below the top of the player's lowest ring; −1 if the stack holds none."""
    for depth in range(height_of(word) - 1, -1, -1):
        if ring_at(word, depth) == player:
            return depth
    return -1


@compiled
def without_ring(word: int, depth: int) -> int:
    """The word without the ring `depth` below the top."""
    rings = word >> RING_SHIFT
    above = rings & ((1 << (2 * depth)) - 1)
    return stack_word(((rings >> (2 * depth + 2)) << (2 * depth)) | above, height_of(word) - 1)


@compiled
def has_buried_ring(word: int, player: int) -> bool:
    """Whether a ring of the player lies below the top ring, whichever player controls the stack (§2)."""
    return lowest_depth(word, player) > 0


@compiled
def put_word(state: State, position: int, word: int) -> None:
    """Replace what stands at a position that holds no marker and is not collapsed, keeping the count of stacks."""
    old = state.cells[position]
    if old & KIND == STACK:
        state.controlled[(old & OWNER) - 1] -= 1
    if word & KIND == STACK:
        state.controlled[(word & OWNER) - 1] += 1
    state.cells[position] = word


@compiled
def put_marker(state: State, position: int, player: int) -> None:
    """Set a marker on an empty cell."""
    state.cells[position] = player
    state.markers[player - 1] += 1


@compiled
def remove_marker(state: State, position: int) -> None:
    """Take the marker off a cell."""
    state.markers[state.cells[position] - 1] -= 1
    state.cells[position] = 0


@compiled
def collapse(state: State, position: int, player: int) -> None:
    """Turn an empty cell or a marker into the player's territory."""
    if state.cells[position] != 0:
        state.markers[state.cells[position] - 1] -= 1
    state.cells[position] = COLLAPSED | player
    state.territory[player - 1] += 1


@compiled
def eliminate_top(state: State, position: int, player: int) -> None:
    """Remove the top ring of a stack and credit it to the player."""
    word = state.cells[position]
    state.on_board[(word & OWNER) - 1] -= 1
    state.credited[player - 1] += 1
    put_word(state, position, popped(word))


@compiled
def leave_trail(state: State, position: int) -> None:
    """Remember where an action happened."""
    for i in range(TRAIL - 1, 0, -1):
        state.trail[i] = state.trail[i - 1]
    state.trail[0] = position


@compiled
def has_material(state: State, player: int) -> bool:
    """Whether the player has a ring anywhere: in hand, on top or buried."""
    return bool(state.hand[player - 1] + state.on_board[player - 1] > 0)


@compiled
def stacks_on_board(state: State) -> int:
    """Number of stacks of all players."""
    total = 0
    for seat in range(MAX_PLAYERS):
        total += state.controlled[seat]
    return total


@compiled
def may_recover(state: State, player: int) -> bool:
    """Whether recovery is possible (R110): no stack controlled, a marker on the board, and a buried ring."""
    seat = player - 1
    return bool(state.controlled[seat] == 0 and state.markers[seat] > 0 and state.on_board[seat] > 0)


@compiled
def state_hash(state: State) -> np.uint64:
    """64-bit hash of all that decides what may be played and how the game goes on.

    The counters and the trail of last actions are left out, and so is how a capture chain came about: equal positions
    have equal hashes.
    """
    total = np.uint64(0)
    for position in range(len(state.cells)):
        word = state.cells[position]
        if word != 0 and word != WALL:
            total ^= mix64(np.uint64(word) + np.uint64(position) * np.uint64(0xD6E8_FEB8_6659_FD93))
    head = np.uint64(2 * state.players + (state.swap == SWAP_OPEN))
    for value in (
        state.player,
        state.phase,
        state.owed,
        state.changed,
        state.recovered,
        state.winner,
        state.lps_first,
        state.lps_seen,
        state.lps_able,
        state.lps_exclusive,
        state.lps_player,
    ):
        head = head * np.uint64(17) + np.uint64(value)
    total ^= mix64(head)
    tail = np.uint64(state.must_move)
    for position in (state.capturer, state.slide_to, state.lps_count):
        tail = (tail << np.uint64(12)) ^ np.uint64(position)
    total ^= mix64(~tail)
    for seat in range(MAX_PLAYERS):
        counts = (np.uint64(state.hand[seat]) << np.uint64(16)) ^ np.uint64(state.credited[seat])
        total ^= mix64((counts << np.uint64(8)) ^ np.uint64(0x9E00_0000_0000_0000) ^ np.uint64(seat))
    return mix64(total)
