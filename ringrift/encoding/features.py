"""One state as network input: the kernels, and the registry of feature versions.

Everything is seen from the player to act. A kernel writes one state straight into one row of a batch: `planes`
`[C, A]` (uint8, exact small counts; A = H × W pixels) and `values` `[G]` (float32, in about 0 … 1). It overwrites the
whole row. `pixels` `[grid_size]` is a row of `symmetries.pixel_tables`: the state as it stands, or its image under a
symmetry. No plane depends on a direction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from ringrift.encoding.layout import (
    SCALES,
    V1_GLOBALS,
    V1_PLANES,
    V2_GLOBALS,
    V2_PLANES,
    FeatureGroup,
    first_indices,
    names_of,
)
from ringrift.errors import RingRiftError
from ringrift.game.actions import PLANE_REGION, cell_count
from ringrift.game.boards import BOARDS, LPS_ROUNDS, PLAYER_COUNTS, Board
from ringrift.game.lines import run_from
from ringrift.game.state import (
    COLLAPSED,
    GAME_OVER,
    KIND,
    OWES_NOTHING,
    OWNER,
    STACK,
    SWAP_OPEN,
    TRAIL,
    cap_height,
    has_material,
    height_of,
    ring_at,
)
from ringrift.game.territory import add_regions, find_region
from ringrift.game.types import BoardTables, State, States, Words, Workspace
from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import F32, I32, U8

PLY_HORIZON: Final = 500
"""Moves after which the clock among the globals stands still."""

# First plane of every feature. Version 2 only appends, so version 1 has the same indices.
_PLANE: Final = first_indices(V2_PLANES)
_STACK: Final = _PLANE["stack"]
_HEIGHT: Final = _PLANE["height"]
_CAP: Final = _PLANE["cap"]
_MARKER: Final = _PLANE["marker"]
_TERRITORY: Final = _PLANE["territory"]
_BOARD: Final = _PLANE["board"]
_MUST_MOVE: Final = _PLANE["must_move"]
_CAPTURER: Final = _PLANE["capturer"]
_SLIDE_TO: Final = _PLANE["slide_to"]
_TRAIL: Final = _PLANE["trail"]
_BURIED: Final = _PLANE["buried"]
_NEXT_RUN: Final = _PLANE["next_run"]
_INFLUENCE: Final = _PLANE["influence"]
_CAPTURABLE: Final = _PLANE["capturable"]
_RUN: Final = _PLANE["run"]
_MOBILITY: Final = _PLANE["mobility"]
_CLAIMABLE: Final = _PLANE["claimable"]

# First global of every feature.
_GLOBAL: Final = first_indices(V2_GLOBALS)
_G_PHASE: Final = _GLOBAL["phase"]
_G_OWED: Final = _GLOBAL["owed"]
_G_PLAYERS: Final = _GLOBAL["players"]
_G_HAND: Final = _GLOBAL["hand"]
_G_CREDITED: Final = _GLOBAL["credited"]
_G_TERRITORY: Final = _GLOBAL["territory"]
_G_MARKERS: Final = _GLOBAL["markers"]
_G_ON_BOARD: Final = _GLOBAL["on_board"]
_G_CONTROLLED: Final = _GLOBAL["controlled"]
_G_ALIVE: Final = _GLOBAL["alive"]
_G_CHANGED: Final = _GLOBAL["changed"]
_G_RECOVERED: Final = _GLOBAL["recovered"]
_G_PLACED: Final = _GLOBAL["placed"]
_G_SWAP_OPEN: Final = _GLOBAL["swap_open"]
_G_PLY: Final = _GLOBAL["ply"]
_G_LPS_COUNT: Final = _GLOBAL["lps_count"]
_G_LPS_PLAYER: Final = _GLOBAL["lps_player"]
_G_LPS_FIRST: Final = _GLOBAL["lps_first"]
_G_LPS_SEEN: Final = _GLOBAL["lps_seen"]
_G_LPS_ABLE: Final = _GLOBAL["lps_able"]
_G_CAN_MOVE: Final = _GLOBAL["can_move"]
_G_MOVABLE: Final = _GLOBAL["movable"]

_FEWEST_PLAYERS: Final = PLAYER_COUNTS[0]


@compiled
def relative_seat(state: State, player: int) -> int:
    """Return how many seats after the player to act a player sits: 0 … players−1."""
    seat = np.int64(player) - np.int64(state.player)  # seats are unsigned in the state, and would wrap around
    return int(seat if seat >= 0 else seat + np.int64(state.players))


@compiled
def encode_v1(state: State, board: BoardTables, work: Workspace, pixels: I32, planes: U8, values: F32) -> None:
    """Write one state in version `v1`. `work` is not used: all versions are called alike."""
    planes[:] = 0
    values[:] = 0
    for position in board.position:
        write_piece(state, state.cells[position], pixels[position], planes)
    write_places(state, pixels, planes)
    write_globals(state, board, values)


@compiled
def encode_v2(state: State, board: BoardTables, work: Workspace, pixels: I32, planes: U8, values: F32) -> None:
    """Write one state in version `v2`: `v1`, and what can be read off the board by looking ahead along its rays."""
    planes[:] = 0
    values[:] = 0
    for position in board.position:
        word = state.cells[position]
        write_piece(state, word, pixels[position], planes)
        if word & KIND == STACK:
            seat = relative_seat(state, word & OWNER)
            write_rings(state, word, pixels[position], planes)
            if write_reach(state.cells, board, position, seat, pixels, planes):
                values[_G_CAN_MOVE + seat] = 1
                values[_G_MOVABLE + seat] += np.float32(1) / np.float32(board.rings)
        elif word & KIND == 0 and word != 0:
            write_runs(state.cells, board, position, relative_seat(state, word), pixels, planes)
    write_places(state, pixels, planes)
    write_globals(state, board, values)
    write_regions(state, board, work, pixels, planes)


@compiled
def write_piece(state: State, word: int, pixel: int, planes: U8) -> None:
    """Write what stands on a cell. An empty one takes the way of a marker and writes 0, which saves a branch."""
    planes[_BOARD, pixel] = 1
    seat = relative_seat(state, word & OWNER)
    kind = word & KIND
    first = _MARKER if kind == 0 else (_TERRITORY if kind == COLLAPSED else _STACK)
    planes[first + seat, pixel] = word != 0
    if kind == STACK:
        planes[_HEIGHT + seat, pixel] = height_of(word)
        planes[_CAP + seat, pixel] = cap_height(word)


@compiled
def write_places(state: State, pixels: I32, planes: U8) -> None:
    """Write the cells that the turn is about, and those of the last actions."""
    if state.must_move:
        planes[_MUST_MOVE, pixels[state.must_move]] = 1
    if state.capturer:
        planes[_CAPTURER, pixels[state.capturer]] = 1
    if state.slide_to:
        planes[_SLIDE_TO, pixels[state.slide_to]] = 1
    for place in range(TRAIL):
        if state.trail[place]:
            planes[_TRAIL + place, pixels[state.trail[place]]] = 1


@compiled
def write_globals(state: State, board: BoardTables, values: F32) -> None:
    """Write turn, players and the last-player-standing tracker; `values` is zeroed."""
    players = state.players
    if state.phase != GAME_OVER:
        values[_G_PHASE + state.phase] = 1
    if state.owed != OWES_NOTHING:
        values[_G_OWED + state.owed - 1] = 1
    values[_G_PLAYERS + players - _FEWEST_PLAYERS] = 1
    per_ring = np.float32(1) / np.float32(board.rings)
    per_credit = np.float32(1) / np.float32(board.elimination_goal[players])
    per_territory = np.float32(1) / np.float32(board.territory_goal[players])
    per_marker = np.float32(2) / np.float32(cell_count(board))
    for index in range(players):
        seat = relative_seat(state, index + 1)
        values[_G_HAND + seat] = state.hand[index] * per_ring
        values[_G_CREDITED + seat] = state.credited[index] * per_credit
        values[_G_TERRITORY + seat] = state.territory[index] * per_territory
        values[_G_MARKERS + seat] = state.markers[index] * per_marker
        values[_G_ON_BOARD + seat] = state.on_board[index] * per_ring
        values[_G_CONTROLLED + seat] = state.controlled[index] * per_ring
        values[_G_ALIVE + seat] = 1 if has_material(state, index + 1) else 0
        values[_G_LPS_SEEN + seat] = state.lps_seen >> index & 1
        values[_G_LPS_ABLE + seat] = state.lps_able >> index & 1
    values[_G_CHANGED] = state.changed
    values[_G_RECOVERED] = state.recovered
    values[_G_PLACED] = 1 if state.must_move else 0
    values[_G_SWAP_OPEN] = 1 if state.swap == SWAP_OPEN else 0
    values[_G_PLY] = min(state.ply, PLY_HORIZON) / np.float32(PLY_HORIZON)
    values[_G_LPS_COUNT] = min(state.lps_count, LPS_ROUNDS) / np.float32(LPS_ROUNDS)
    if state.lps_player:
        values[_G_LPS_PLAYER + relative_seat(state, state.lps_player)] = 1
    if state.lps_first:
        values[_G_LPS_FIRST + relative_seat(state, state.lps_first)] = 1


@compiled
def write_rings(state: State, word: int, pixel: int, planes: U8) -> None:
    """Write the rings below the cap of a stack."""
    height = height_of(word)
    cap = cap_height(word)
    if cap == height:
        return
    next_owner = ring_at(word, cap)
    run = 0
    while cap + run < height and ring_at(word, cap + run) == next_owner:
        run += 1
    planes[_NEXT_RUN + relative_seat(state, next_owner), pixel] = run
    for depth in range(cap, height):
        planes[_BURIED + relative_seat(state, ring_at(word, depth)), pixel] += 1


@compiled
def write_reach(cells: Words, board: BoardTables, position: int, seat: int, pixels: I32, planes: U8) -> bool:
    """Write where a stack could land and what it could capture, were its seat to move; return whether it could move."""
    word = cells[position]
    height, cap = height_of(word), cap_height(word)
    landings = 0
    for d in range(len(board.step)):
        step = board.step[d]
        at = position + step
        distance = 1
        while cells[at] & KIND == 0:
            if distance >= height:
                planes[_INFLUENCE + seat, pixels[at]] += 1
                landings += 1
            at += step
            distance += 1
        if cells[at] & KIND != STACK or cap_height(cells[at]) > cap:
            continue
        target_at = at
        before = landings
        at += step
        distance += 1
        while cells[at] & KIND == 0:
            if distance >= height:
                planes[_INFLUENCE + seat, pixels[at]] += 1
                landings += 1
            at += step
            distance += 1
        if landings > before:
            planes[_CAPTURABLE + seat, pixels[target_at]] += 1
    planes[_MOBILITY, pixels[position]] = landings
    return landings > 0


@compiled
def write_runs(cells: Words, board: BoardTables, position: int, seat: int, pixels: I32, planes: U8) -> None:
    """The runs that begin with a marker, on its cells and on the cell at either end, as if that were marked as well."""
    player = cells[position]
    plane = planes[_RUN + seat]
    for axis in range(len(board.axis_step)):
        step = board.axis_step[axis]
        before = position - step
        if cells[before] == player:
            continue  # not the first marker of its run
        run = run_from(cells, position, step, player)
        after = position + run * step
        for offset in range(run):
            raise_to(plane, pixels[position + offset * step], run)
        if cells[before] & COLLAPSED == 0:  # neither collapsed nor a wall
            raise_to(plane, pixels[before], run + 1)  # a run beyond it counts this one when its own turn comes
        if cells[after] & COLLAPSED == 0:
            raise_to(plane, pixels[after], run + 1 + run_from(cells, after + step, step, player))


@compiled
def raise_to(plane: U8, pixel: int, least: int) -> None:
    """Make a pixel of one plane `[A]` at least that large."""
    plane[pixel] = max(plane[pixel], least)


@compiled
def write_regions(state: State, board: BoardTables, work: Workspace, pixels: I32, planes: U8) -> None:
    """The regions that the player to act could claim (R140–R142)."""
    if state.phase == GAME_OVER:
        return
    claims = add_regions(state, board, work, work.actions, 0)
    rows = len(board.row_mask)
    for i in range(claims):
        plane = work.actions[i] // cell_count(board)
        cell = work.actions[i] - plane * cell_count(board)
        find_region(state, board, work, plane - PLANE_REGION, board.position[cell])
        for row in range(rows):
            for column in range(rows):
                if work.region[row] >> column & 1:
                    planes[_CLAIMABLE, pixels[(row + 1) * (rows + 1) + column + 1]] += 1


@compiled
def encode_rows_v1(
    states: States,
    rows: I32,
    chosen: I32,
    first: int,
    last: int,
    board: BoardTables,
    work: Workspace,
    pixels: I32,
    features: U8,
    values: F32,
) -> None:
    """Write `states[rows[i]]`, under symmetry `chosen[i]`, into row i of a batch `[N, C, A]`, for first ≤ i < last."""
    for i in range(first, last):
        encode_v1(states[rows[i]], board, work, pixels[chosen[i]], features[i], values[i])


@compiled
def encode_rows_v2(
    states: States,
    rows: I32,
    chosen: I32,
    first: int,
    last: int,
    board: BoardTables,
    work: Workspace,
    pixels: I32,
    features: U8,
    values: F32,
) -> None:
    """The same in version `v2`. Two loops, because a compiled function that takes a function cannot be kept on disk."""
    for i in range(first, last):
        encode_v2(states[rows[i]], board, work, pixels[chosen[i]], features[i], values[i])


@dataclass(frozen=True, eq=False)
class FeatureVersion:
    """A way to encode states. Networks are bound to one by its name."""

    name: str
    planes: tuple[str, ...]
    """Names of the planes, in order."""
    globals: tuple[str, ...]
    """Names of the globals, in order."""
    scales: Mapping[str, F32]
    """The divisors of the planes by board name, `[C]`: divided by them, planes lie in about 0 … 1."""
    kernel: Callable[..., None]
    """Encodes rows of a batch: `encode_rows_v1` and its like."""

    def features_shape(self, board: Board) -> tuple[int, int, int]:
        """(C, H, W) on a board."""
        return len(self.planes), board.size, board.size


def _version(
    name: str, planes: tuple[FeatureGroup, ...], values: tuple[FeatureGroup, ...], kernel: Callable[..., None]
) -> FeatureVersion:
    scales = {}
    for board in BOARDS.values():
        scale = [SCALES[feature.scale](board) for feature in planes for _ in feature.names]
        scales[board.name] = np.array(scale, np.float32)
        scales[board.name].setflags(write=False)
    return FeatureVersion(name, names_of(planes), names_of(values), MappingProxyType(scales), kernel)


FEATURE_VERSIONS: Final[Mapping[str, FeatureVersion]] = MappingProxyType(
    {
        "v1": _version("v1", V1_PLANES, V1_GLOBALS, encode_rows_v1),
        "v2": _version("v2", V2_PLANES, V2_GLOBALS, encode_rows_v2),
    }
)


def feature_version(name: str) -> FeatureVersion:
    """The feature version of that name; `UnknownVersion` names those that exist."""
    if name not in FEATURE_VERSIONS:
        raise UnknownVersion(f"unknown feature version {name!r}: choose one of {', '.join(FEATURE_VERSIONS)}")
    return FEATURE_VERSIONS[name]


class UnknownVersion(RingRiftError):
    """The error that there is no feature version of that name."""
