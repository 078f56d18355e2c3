"""The features of a position, for all players in one pass over the board.

The pass runs in two steps: the pieces are listed without a branch per cell, then every stack looks along its rays and
every marker along its lines. That takes one to two microseconds on the small boards.

A search asks about many positions that differ in a few cells from one that it has asked about. For these
`write_changed_features` takes the counts of that one and counts anew only the pieces that see a cell which has changed.
The numbers are the same to the last bit: all that is added up so are whole numbers and halves, which float32 holds
exactly, and what is not (how central the stacks are) is added up anew, in the same order.
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
    cap_height,
    has_material,
    height_of,
    may_recover,
    workspace_type,
)
from ringrift.game.territory import add_regions, find_region
from ringrift.game.types import BoardTables, State, Words, Workspace
from ringrift.heuristic.layout import FEATURE_NAMES
from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import F32, I8, I16, I64

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
    counts: F32
    threats: F32
    changed_threats: F32
    changed_at: I16
    affected_at: I16
    marks: I64
    mark: int


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
        # Of the last position that was counted as a whole: what its pieces add up to, by seat …
        ("counts", np.float32, (MAX_PLAYERS, FEATURE_COUNT)),
        ("threats", np.float32, (MAX_PLAYERS, MAX_PLAYERS)),  # … and by seat how many stacks of each seat it may take
        ("changed_threats", np.float32, (MAX_PLAYERS, MAX_PLAYERS)),  # the same of a position that differs from it
        ("changed_at", np.int16, (board.cells,)),  # positions that differ
        ("affected_at", np.int16, (board.cells,)),  # … and those of pieces that have to be counted anew
        ("marks", np.int64, (board.grid_size,)),  # `mark` where a position is in that list
        ("mark", np.int64),
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
    count_pieces(state, board, scratch)
    copy_table(scratch.counts, features)
    complete_features(state, board, scratch, scratch.threats, features)


@compiled
def write_changed_features(before: State, state: State, board: BoardTables, scratch: Scratch, features: F32) -> None:
    """Write what `write_features` would, for a position that differs in some cells from `before`.

    `before` is the last position that `scratch` has counted as a whole.
    """
    threats = scratch.changed_threats
    copy_table(scratch.counts, features)
    copy_table(scratch.threats, threats)
    changed, stacks = list_changes(before.cells, state.cells, board, scratch)
    affected = list_affected(state, board, scratch, changed)
    add_affected(before, board, scratch, affected, -1, features, threats)
    for i in range(changed):
        position = scratch.changed_at[i]
        if before.cells[position] & KIND == STACK:
            add_rings(before.cells, scratch, position, -1, features)
        if state.cells[position] & KIND == STACK:
            add_rings(state.cells, scratch, position, 1, features)
    add_affected(state, board, scratch, affected, 1, features, threats)
    add_centrality(state.cells, scratch, stacks, features)
    for i in range(changed):
        position = scratch.changed_at[i]
        if before.cells[position] & KIND == STACK:
            scratch.cap[position] = cap_height(before.cells[position])
    complete_features(state, board, scratch, threats, features)


@compiled
def copy_table(table: F32, out: F32) -> None:
    """Copy as much of a table as `out` has room for."""
    for i in range(out.shape[0]):
        for k in range(out.shape[1]):
            out[i, k] = table[i, k]


@compiled
def count_pieces(state: State, board: BoardTables, scratch: Scratch) -> None:
    """Count all pieces of a position into `scratch.counts` and `scratch.threats`."""
    counts, threats = scratch.counts, scratch.threats
    counts[:] = 0
    threats[:] = 0
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
        add_rings(cells, scratch, scratch.stack_at[i], 1, counts)
    add_centrality(cells, scratch, stacks, counts)
    for i in range(stacks):
        add_moves(cells, board, scratch, scratch.stack_at[i], 1, counts, threats)
    line_length = board.line_length[state.players]
    for i in range(markers):
        add_rows(cells, board, scratch.marker_at[i], line_length, 1, counts)


@compiled
def complete_features(state: State, board: BoardTables, scratch: Scratch, threats: F32, features: F32) -> None:
    """Turn the counts of all pieces into features, and add those that have nothing to do with single pieces."""
    for seat in range(state.players):
        features[seat, _HANGING] = threats[state.player - 1, seat]
    if state.phase == TERRITORY_PROCESSING and state.owed == OWES_NOTHING:
        write_claims(state, board, scratch, features)
    write_scaled(state, board, features)
    write_standing(state, features)


@compiled
def list_changes(old: Words, new: Words, board: BoardTables, scratch: Scratch) -> tuple[int, int]:
    """List the positions that differ, and all stacks of the new position; return how many there are of each."""
    changed = 0
    stacks = 0
    for position in board.position:
        word = new[position]
        scratch.changed_at[changed] = position
        changed += word != old[position]
        scratch.stack_at[stacks] = position
        stacks += word & KIND == STACK
    return changed, stacks


@compiled
def list_affected(state: State, board: BoardTables, scratch: Scratch, changed: int) -> int:
    """List the positions of the changed cells and of all pieces that see one of them; return how many.

    A stack sees along a ray as far as the cell behind the first stack and the free cells after that; a marker sees as
    far as a line through it could reach. Both see no further than a collapsed cell. Of the changed cells on a ray a
    piece sees the nearest if any, and nothing has changed between the two: so `state` may be that before or after.
    """
    cells = state.cells
    line_length = board.line_length[state.players]
    scratch.mark += 1
    mark = scratch.mark
    affected = 0
    for i in range(changed):
        position = scratch.changed_at[i]
        if scratch.marks[position] != mark:
            scratch.marks[position] = mark
            scratch.affected_at[affected] = position
            affected += 1
        for d in range(len(board.step)):
            step = board.step[d]
            at = position + step
            distance = 1
            stacks = 0
            while cells[at] & COLLAPSED == 0 and (stacks < 2 or distance < line_length):
                word = cells[at]
                is_stack = word & KIND == STACK
                sees = stacks < 2 if is_stack else word != 0 and distance < line_length
                stacks += is_stack
                if sees and scratch.marks[at] != mark:
                    scratch.marks[at] = mark
                    scratch.affected_at[affected] = at
                    affected += 1
                at += step
                distance += 1
    return affected


@compiled
def add_affected(
    state: State, board: BoardTables, scratch: Scratch, affected: int, sign: int, features: F32, threats: F32
) -> None:
    """Add what the pieces in `scratch.affected_at` count, but for their rings; with `sign` −1 take it away."""
    cells = state.cells
    line_length = board.line_length[state.players]
    for i in range(affected):
        position = scratch.affected_at[i]
        word = cells[position]
        if word & KIND == STACK:
            add_moves(cells, board, scratch, position, sign, features, threats)
        elif word & KIND == 0 and word != 0:
            add_rows(cells, board, position, line_length, sign, features)


@compiled
def add_rings(cells: Words, scratch: Scratch, position: int, sign: int, features: F32) -> None:
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
    features[seat, _CAPS] += sign * cap
    features[seat, _CAPTIVES] += sign * (height - own)
    features[seat, _BURIED] += sign * own


@compiled
def add_centrality(cells: Words, scratch: Scratch, stacks: int, features: F32) -> None:
    """Add up how central the stacks in `scratch.stack_at` are, in that order."""
    for seat in range(features.shape[0]):
        features[seat, _CENTRE] = 0
    for i in range(stacks):
        position = scratch.stack_at[i]
        features[(cells[position] & OWNER) - 1, _CENTRE] += scratch.centrality[position]


@compiled
def add_moves(
    cells: Words, board: BoardTables, scratch: Scratch, position: int, sign: int, features: F32, threats: F32
) -> None:
    """Count what a stack could do, were its player to move."""
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
            features[seat, _TARGETS] += sign
            features[seat, _OVERTAKES] += sign * (scratch.cap[at] == 1)
            features[victim, _THREATENED] += sign
            threats[seat, victim] += sign
    features[seat, _MOBILITY] += sign * moves
    features[seat, _DEAD] += sign * (moves == 0)


@compiled
def add_rows(cells: Words, board: BoardTables, position: int, line_length: int, sign: int, features: F32) -> None:
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
    own[_LINKS] += sign * links
    own[_LINES] += 0.5 * sign * lines
    own[_ONE_SHORT] += 0.5 * sign * one_short
    own[_TWO_SHORT] += 0.5 * sign * two_short


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
