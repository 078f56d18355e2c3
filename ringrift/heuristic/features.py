"""The features of a position, for all players in one pass over the board.

The pass runs in two steps: the pieces are listed without a branch per cell, then every stack looks along its rays and
every marker along its lines. That takes about a microsecond on the small boards.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final, Protocol

import numpy as np

from ringrift.game.actions import PLANE_REGION, cell_count
from ringrift.game.boards import LPS_ROUNDS, MAX_PLAYERS, Board
from ringrift.game.state import (
    COLLAPSED,
    KIND,
    OWES_NOTHING,
    OWNER,
    RING_SHIFT,
    STACK,
    TERRITORY_PROCESSING,
    has_material,
    height_of,
    may_recover,
    workspace_type,
)
from ringrift.game.territory import add_regions, find_region
from ringrift.game.types import BoardTables, State, Words, Workspace
from ringrift.heuristic.layout import FEATURE_NAMES
from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import F32, I8, I16

FEATURE_COUNT: Final = len(FEATURE_NAMES)

_INDEX: Final = {name: index for index, name in enumerate(FEATURE_NAMES)}
_CREDITED: Final = _INDEX["credited"]
_TERRITORY: Final = _INDEX["territory"]
_CLOSENESS: Final = _INDEX["closeness"]
_LEADER: Final = _INDEX["leader"]
_EXCLUSIVE: Final = _INDEX["exclusive"]
_HAND: Final = _INDEX["hand"]
_STACKS: Final = _INDEX["stacks"]
_CAPS: Final = _INDEX["caps"]
_CAPTIVES: Final = _INDEX["captives"]
_BURIED: Final = _INDEX["buried"]
_CENTRE: Final = _INDEX["centre"]
_MOBILITY: Final = _INDEX["mobility"]
_DEAD: Final = _INDEX["dead"]
_STUCK: Final = _INDEX["stuck"]
_SOLE: Final = _INDEX["sole"]
_RECOVERY: Final = _INDEX["recovery"]
_TARGETS: Final = _INDEX["targets"]
_OVERTAKES: Final = _INDEX["overtakes"]
_THREATENED: Final = _INDEX["threatened"]
_HANGING: Final = _INDEX["hanging"]
_MARKERS: Final = _INDEX["markers"]
_TWO_SHORT: Final = _INDEX["two_short"]
_ONE_SHORT: Final = _INDEX["one_short"]
_LINES: Final = _INDEX["lines"]
_LINKS: Final = _INDEX["links"]
_CLAIM_CELLS: Final = _INDEX["claim_cells"]
_CLAIM_RINGS: Final = _INDEX["claim_rings"]
_TO_ACT: Final = _INDEX["to_act"]
_OWES: Final = _INDEX["owes"]


class Scratch(Workspace, Protocol):
    """Scratch memory of a thread; an element of `scratch_type`."""

    stack_at: I16
    marker_at: I16
    cap: I8
    centrality: F32
    features: F32


@cache
def scratch_type(board: Board) -> np.dtype[np.void]:
    """Scratch memory of one thread: the lists of one pass, and, for claims, the fields of a workspace of the rules."""
    workspace = workspace_type(board)
    fields: list[Any] = [
        ("stack_at", np.int16, (board.cells,)),  # positions of all stacks
        ("marker_at", np.int16, (board.cells,)),  # … and markers
        ("cap", np.int8, (board.grid_size,)),  # cap height of the stack at a position
        ("centrality", np.float32, (board.grid_size,)),  # 1 in the centre, 0 at the edge
        ("features", np.float32, (MAX_PLAYERS, FEATURE_COUNT)),
    ]
    # Last: a record that began with all of a workspace's fields would pass for a subtype, which numba warns of.
    fields += [(name, workspace[name].base, workspace[name].shape) for name in workspace.names or ()]
    return np.dtype(fields, align=True)


@cache
def centrality(board: Board) -> F32:
    """Return how central every grid position is, `[grid_size]`: 1 in the centre, 0 at the edge."""
    result = np.zeros(board.grid_size, np.float32)
    for coordinate in board.coordinates:
        if board.hexagonal:
            distance = max(map(abs, coordinate)) / board.radius
        else:
            distance = max(abs(2 * c - board.size + 1) for c in coordinate) / (board.size - 1)
        result[board.position(coordinate)] = 1 - distance
    return result


def new_scratch(board: Board) -> Scratch:
    """Return a scratch record for the kernels; every thread needs its own."""
    scratch: Scratch = np.zeros(1, scratch_type(board))[0]
    scratch["centrality"] = centrality(board)
    return scratch


@compiled
def write_features(state: State, board: BoardTables, scratch: Scratch, features: F32) -> None:
    """Write the features of a position that is not over into `features` `[players, F]` (float32), by seat."""
    features[:] = 0
    cells = state.cells
    stacks = 0
    markers = 0
    for position in board.position:
        word = cells[position]
        kind = word & KIND
        scratch.stack_at[stacks] = position
        stacks += kind == STACK
        scratch.marker_at[markers] = position
        markers += (kind == 0) & (word != 0)
    for i in range(stacks):
        write_rings(cells, scratch, scratch.stack_at[i], features)
    for i in range(stacks):
        write_moves(state, board, scratch, scratch.stack_at[i], features)
    line_length = board.line_length[state.players]
    for i in range(markers):
        write_rows(cells, board, scratch.marker_at[i], line_length, features)
    if state.phase == TERRITORY_PROCESSING and state.owed == OWES_NOTHING:
        write_claims(state, board, scratch, features)
    write_scaled(state, board, features)
    write_standing(state, features)


@compiled
def write_rings(cells: Words, scratch: Scratch, position: int, features: F32) -> None:
    """Count the rings of a stack; `buried` collects own rings under own control until `write_scaled` turns it round."""
    word = cells[position]
    owner = word & OWNER
    seat = owner - 1
    height = height_of(word)
    rings = word >> RING_SHIFT
    cap = 1
    while cap < height and (rings >> 2 * cap & 3) == seat:
        cap += 1
    own = cap
    for depth in range(cap + 1, height):
        own += (rings >> 2 * depth & 3) == seat
    scratch.cap[position] = cap
    features[seat, _CAPS] += cap
    features[seat, _CAPTIVES] += height - own
    features[seat, _BURIED] += own
    features[seat, _CENTRE] += scratch.centrality[position]


@compiled
def write_moves(state: State, board: BoardTables, scratch: Scratch, position: int, features: F32) -> None:
    """Count what a stack could do, were its player to move."""
    cells = state.cells
    word = cells[position]
    seat = (word & OWNER) - 1
    height = height_of(word)
    cap = scratch.cap[position]
    moves = 0
    for d in range(len(board.step)):
        step = board.step[d]
        at = position + step
        run = 0
        while cells[at] & KIND == 0:
            run += 1
            at += step
        moves += max(0, run - height + 1)
        target = cells[at]
        if target & KIND != STACK or scratch.cap[at] > cap:
            continue
        reach = run + 1
        behind = at + step
        while cells[behind] & KIND == 0 and reach < height:
            reach += 1
            behind += step
        if (behind == at + step and cells[behind] & KIND != 0) or reach < height:
            continue
        moves += 1
        victim = (target & OWNER) - 1
        if victim != seat:
            features[seat, _TARGETS] += 1
            features[seat, _OVERTAKES] += scratch.cap[at] == 1
            features[victim, _THREATENED] += 1
            features[victim, _HANGING] += seat + 1 == state.player
    features[seat, _MOBILITY] += moves
    features[seat, _DEAD] += moves == 0


@compiled
def write_rows(cells: Words, board: BoardTables, position: int, line_length: int, features: F32) -> None:
    """Count the rows of markers, gaps allowed, that begin with a marker; from both ends, so that each counts half."""
    player = cells[position]
    # Counted in registers and without branches: this loop takes the most time of all.
    links = lines = one_short = two_short = 0
    for d in range(len(board.step)):
        step = board.step[d]
        at = position + step
        word = cells[at]
        links += (word == player) | (word & COLLAPSED != 0)  # a wall is one, too
        count = 1
        going = 1  # 0 from a collapsed cell or a wall on
        for _ in range(line_length - 1):
            word = cells[at]
            going &= word & COLLAPSED == 0
            count += going & (word == player)
            at += step * going
        lacking = line_length - count
        lines += lacking == 0
        one_short += lacking == 1
        two_short += (lacking == 2) & (count > 1)
    own = features[player - 1]
    own[_LINKS] += links
    own[_LINES] += 0.5 * lines
    own[_ONE_SHORT] += 0.5 * one_short
    own[_TWO_SHORT] += 0.5 * two_short


@compiled
def write_claims(state: State, board: BoardTables, scratch: Scratch, features: F32) -> None:
    """Write the best region that the player to act may claim now, by cells and rings as parts of the goals."""
    seat = state.player - 1
    claims = add_regions(state, board, scratch, scratch.actions, 0)
    rows = len(board.row_mask)
    best = 0.0
    for i in range(claims):
        plane = scratch.actions[i] // cell_count(board)
        cell = scratch.actions[i] - plane * cell_count(board)
        find_region(state, board, scratch, plane - PLANE_REGION, board.position[cell])
        inside = 0
        rings = 0
        for row in range(rows):
            for column in range(rows):
                if scratch.region[row] >> column & 1:
                    inside += 1
                    word = state.cells[(row + 1) * (rows + 1) + column + 1]
                    if word & KIND == STACK:
                        rings += height_of(word)
        gain = inside / board.territory_goal[state.players] + rings / board.elimination_goal[state.players]
        if gain > best:
            best = gain
            features[seat, _CLAIM_CELLS] = inside
            features[seat, _CLAIM_RINGS] = rings


@compiled
def write_scaled(state: State, board: BoardTables, features: F32) -> None:
    """Add the counts that the state keeps, and turn all counts into fractions."""
    players = state.players
    line_length = board.line_length[players]
    per_ring = np.float32(1) / np.float32(board.rings)
    per_cell = np.float32(1) / np.float32(cell_count(board))
    per_credit = np.float32(1) / np.float32(board.elimination_goal[players])
    per_territory = np.float32(1) / np.float32(board.territory_goal[players])
    for seat in range(players):
        own = features[seat]
        own[_CREDITED] = state.credited[seat] * per_credit
        own[_TERRITORY] = state.territory[seat] * per_territory
        own[_HAND] = state.hand[seat] * per_ring
        own[_STACKS] = state.controlled[seat] * per_ring
        own[_CAPS] *= per_ring
        own[_CAPTIVES] *= per_ring
        own[_BURIED] = (state.on_board[seat] - own[_BURIED]) * per_ring
        own[_CENTRE] *= per_ring
        own[_MOBILITY] *= per_cell
        own[_STUCK] = state.hand[seat] == 0 and own[_DEAD] == state.controlled[seat]
        own[_DEAD] *= per_ring
        own[_RECOVERY] = may_recover(state, seat + 1)
        own[_TARGETS] *= per_ring
        own[_OVERTAKES] *= per_ring
        own[_THREATENED] *= per_ring
        own[_HANGING] *= per_ring
        own[_MARKERS] = state.markers[seat] * per_territory
        own[_TWO_SHORT] *= per_territory * line_length
        own[_ONE_SHORT] *= per_territory * line_length
        own[_LINES] *= per_territory * line_length
        own[_LINKS] *= per_territory
        own[_CLAIM_CELLS] *= per_territory
        own[_CLAIM_RINGS] *= per_credit
    mover = state.player - 1
    features[mover, _TO_ACT] = 1
    features[mover, _OWES] = state.owed != OWES_NOTHING


@compiled
def write_standing(state: State, features: F32) -> None:
    """Write how near each player is to a victory, and how the others stand."""
    players = state.players
    if state.lps_player != 0:
        features[state.lps_player - 1, _EXCLUSIVE] = min(state.lps_count, LPS_ROUNDS) / LPS_ROUNDS
    total = np.float32(0)
    for seat in range(players):
        own = features[seat]
        nearest = max(own[_CREDITED], own[_TERRITORY], own[_EXCLUSIVE])
        own[_CLOSENESS] = nearest * nearest
        total += own[_CLOSENESS]
    for seat in range(players):
        own = features[seat]
        best = np.float32(0)
        rivals = 0
        stuck = 0
        for other in range(players):
            if other != seat:
                best = max(best, features[other, _CLOSENESS])
                if has_material(state, other + 1):
                    rivals += 1
                    stuck += features[other, _STUCK] != 0
        own[_LEADER] = best - (total - own[_CLOSENESS]) / (players - 1)
        if rivals > 0 and own[_STUCK] == 0:
            own[_SOLE] = stuck / rivals
