"""Regions: finding the ones that may be claimed, and claiming them (R140–R145).

Floods run on row masks, one integer per row with a bit per column: a whole row spreads in a few operations. On hexes
row x touches row x + 1 at columns y and y − 1, and row x − 1 at columns y and y + 1.
"""

from __future__ import annotations

from ringrift.game.actions import COLLAPSED_BORDER, PLANE_REGION, cell_count
from ringrift.game.boards import MAX_PLAYERS
from ringrift.game.state import (
    COLLAPSED,
    KIND,
    OWES_REGION_PRICE,
    OWNER,
    STACK,
    collapse,
    has_buried_ring,
    height_of,
    put_word,
    ring_at,
)
from ringrift.game.types import BoardTables, State, Workspace
from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import I32


@compiled
def spread(seeds: int, free: int) -> int:
    """All bits of `free` that are joined to a seed through set bits of the same row; rows have at most 32 columns."""
    up = (free & ~(free + seeds)) | seeds  # the carry of the sum runs through the free bits above every seed
    for shift in (1, 2, 4, 8, 16):
        up |= free & (up >> shift)
        free &= free >> shift
    return up


@compiled
def joined_rows(board: BoardTables, mask: I32, row: int) -> int:
    """The cells of a row that are in `mask` or touch, up or down, a cell of the neighbouring rows that is."""
    hexagonal = len(board.step) == 6
    joined = mask[row]
    if row > 0:
        joined |= mask[row - 1]
        if hexagonal:
            joined |= mask[row - 1] >> 1
    if row < len(board.row_mask) - 1:
        joined |= mask[row + 1]
        if hexagonal:
            joined |= mask[row + 1] << 1
    return int(joined)


@compiled
def grow_row(board: BoardTables, work: Workspace, row: int) -> bool:
    """Extend the flood in one row from itself and its neighbours; whether it grew."""
    free = work.free[row]
    seeds = joined_rows(board, work.region, row) & free
    if seeds == work.region[row]:
        return False
    work.region[row] = spread(seeds, free)
    return True


@compiled
def flood(board: BoardTables, work: Workspace, row: int, seed: int) -> None:
    """Fill `work.region` with the component of `work.free` that holds one seed cell, given as row and bit."""
    rows = len(board.row_mask)
    for r in range(rows):
        work.region[r] = 0
    work.region[row] = spread(seed, work.free[row])
    top = bottom = row
    grown = True
    while grown:
        grown = False
        r = max(top - 1, 0)
        while r < rows and r <= bottom + 1:
            if grow_row(board, work, r):
                grown = True
                top, bottom = min(top, r), max(bottom, r)
            r += 1
        r = min(bottom + 1, rows - 1)
        while r >= 0 and r >= top - 1:
            if grow_row(board, work, r):
                grown = True
                top, bottom = min(top, r), max(bottom, r)
            r -= 1


@compiled
def read_rows(state: State, board: BoardTables, work: Workspace) -> None:
    """Turn the position into row masks."""
    rows = len(board.row_mask)
    for r in range(rows):
        for seat in range(MAX_PLAYERS):
            work.markers[seat, r] = 0
            work.stacks[seat, r] = 0
        buried = 0
        closed = 0
        for column in range(rows):
            word = state.cells[(r + 1) * (rows + 1) + column + 1]
            if word == 0:
                continue
            bit = 1 << column
            kind = word & KIND
            seat = (word & OWNER) - 1
            if kind == 0:
                work.markers[seat, r] |= bit
            elif kind == STACK:
                work.stacks[seat, r] |= bit
                if state.recovered and has_buried_ring(word, state.player):
                    buried |= bit
            elif kind == COLLAPSED:
                closed |= bit
        work.buried[r] = buried
        work.open[r] = board.row_mask[r] & ~closed


@compiled
def border_owner(state: State, border: int) -> int:
    """Seat index of the player whose markers make a border of that kind (0–3, relative to the mover)."""
    return int((state.player - 1 + border) % state.players)


@compiled
def free_rows(state: State, board: BoardTables, work: Workspace, border: int) -> None:
    """Set `work.free` to the cells that a border of that kind leaves open (R141)."""
    for r in range(len(board.row_mask)):
        work.free[r] = work.open[r]
        if border != COLLAPSED_BORDER:
            work.free[r] &= ~work.markers[border_owner(state, border), r]


@compiled
def overlaps(mask: I32, region: I32) -> bool:
    """Whether two row masks share a cell."""
    for r in range(len(region)):
        if mask[r] & region[r]:
            return True
    return False


@compiled
def reaches_outside(mask: I32, region: I32) -> bool:
    """Whether a row mask has a cell outside the region."""
    for r in range(len(region)):
        if mask[r] & ~region[r]:
            return True
    return False


@compiled
def border_row(board: BoardTables, work: Workspace, row: int) -> int:
    """The markers of any colour in a row that are outside the region and territory neighbours of it."""
    inside = work.region[row]
    near = joined_rows(board, work.region, row) | (inside << 1) | (inside >> 1)
    return int(near & ~inside & marker_row(work, row))


@compiled
def marker_row(work: Workspace, row: int) -> int:
    """The markers of all players in a row."""
    markers = 0
    for seat in range(MAX_PLAYERS):
        markers |= work.markers[seat, row]
    return markers


@compiled
def is_found_before(state: State, board: BoardTables, work: Workspace, border: int) -> bool:
    """Whether the region, found with a border of that kind, is found with an earlier kind as well.

    A set of cells is a component for several borders exactly if no marker stands around it, and none of the colour in
    question inside.
    """
    around = False
    for r in range(len(board.row_mask)):
        if border_row(board, work, r):
            around = True
    if around:
        return False
    for earlier in range(min(border, int(state.players))):
        seat = border_owner(state, earlier)
        if state.markers[seat] > 0 and not overlaps(work.markers[seat], work.region):
            return True
    return False


@compiled
def is_eligible(state: State, board: BoardTables, work: Workspace, border: int) -> bool:
    """Whether the player to act may claim `work.region`, found with a border of that kind (R142)."""
    if state.recovered:
        can_pay = reaches_outside(work.buried, work.region)
    else:
        can_pay = reaches_outside(work.stacks[state.player - 1], work.region)
    if not can_pay:
        return False
    controlling = 0
    proper = False
    for seat in range(state.players):
        if overlaps(work.stacks[seat], work.region):
            controlling += 1
        elif state.on_board[seat] > 0:
            proper = True
    if not proper or (border == COLLAPSED_BORDER and controlling != 1):
        return False
    return not is_found_before(state, board, work, border)


@compiled
def lowest_column(mask: int) -> int:
    """Column of the lowest set bit."""
    column = 0
    while not mask >> column & 1:
        column += 1
    return column


@compiled
def add_regions(state: State, board: BoardTables, work: Workspace, out: I32, count: int) -> int:
    """Append a claim for every eligible region of the player to act; the new count.

    A region is named by its first cell in the order of positions and by the kind of border that it is found with first.
    """
    rows = len(board.row_mask)
    read_rows(state, board, work)
    for border in range(COLLAPSED_BORDER + 1):
        if border != COLLAPSED_BORDER and (border >= state.players or state.markers[border_owner(state, border)] == 0):
            continue
        free_rows(state, board, work, border)
        for r in range(rows):
            work.rest[r] = work.free[r]
        for r in range(rows):
            while work.rest[r]:
                seed = work.rest[r] & -work.rest[r]
                flood(board, work, r, seed)
                for other in range(r, rows):
                    work.rest[other] &= ~work.region[other]
                if is_eligible(state, board, work, border):
                    cell = board.cell[(r + 1) * (rows + 1) + lowest_column(seed) + 1]
                    out[count] = (PLANE_REGION + border) * cell_count(board) + cell
                    count += 1
    return count


@compiled
def has_region(state: State, board: BoardTables, work: Workspace) -> bool:
    """Whether the player to act may claim any region."""
    return add_regions(state, board, work, work.actions, 0) > 0


@compiled
def find_region(state: State, board: BoardTables, work: Workspace, border: int, position: int) -> None:
    """Fill `work.region` with the region of that border kind around a position."""
    stride = len(board.row_mask) + 1
    read_rows(state, board, work)
    free_rows(state, board, work, border)
    flood(board, work, position // stride - 1, 1 << (position % stride - 1))


@compiled
def find_border(board: BoardTables, work: Workspace) -> None:
    """Fill `work.border` with the border markers of `work.region` (§7, effect 1)."""
    rows = len(board.row_mask)
    for r in range(rows):
        work.border[r] = border_row(board, work, r)
    grown = board.king_borders != 0
    while grown:
        grown = False
        for r in range(rows):
            near = work.border[r]
            if r > 0:
                near |= work.border[r - 1]
            if r < rows - 1:
                near |= work.border[r + 1]
            near |= (near << 1) | (near >> 1)
            near &= marker_row(work, r) & ~work.region[r]
            if near & ~work.border[r]:
                work.border[r] |= near
                grown = True


@compiled
def claim_region(state: State, board: BoardTables, work: Workspace, border: int, position: int) -> None:
    """Take a region and its border; the player to act then owes the price (R143–R145)."""
    find_region(state, board, work, border, position)
    find_border(board, work)
    player = state.player
    rows = len(board.row_mask)
    for r in range(rows):
        taken = work.region[r] | work.border[r]
        for column in range(rows):
            if not taken >> column & 1:
                continue
            here = (r + 1) * (rows + 1) + column + 1
            word = state.cells[here]
            if word & KIND == STACK:
                height = height_of(word)
                for depth in range(height):
                    state.on_board[ring_at(word, depth) - 1] -= 1
                state.credited[player - 1] += height
                put_word(state, here, 0)
            collapse(state, here, player)
    state.owed = OWES_REGION_PRICE
