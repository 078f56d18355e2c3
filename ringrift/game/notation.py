"""The canonical moves of records and the short keys of the reference games ↔ actions (RULES §12).

A recovery is one move but up to three actions: slide, line choice, paying stack. Each action has a move object of its
own here, with the fields that it decides; `merged` puts them together, and reading takes them apart again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np

from ringrift.game import actions as a
from ringrift.game.boards import Board, Coordinate
from ringrift.game.errors import BadRecord
from ringrift.game.recovery import longest_run_through
from ringrift.game.state import (
    CHAIN_CAPTURE,
    KIND,
    MOVEMENT,
    OWES_RECOVERY_LINE,
    STACK,
)
from ringrift.game.territory import find_region
from ringrift.game.turn import legal_actions
from ringrift.game.types import State, Workspace

Json = dict[str, Any]

SHORT_SCALARS: Final = ("SP", "NP", "NM", "SC", "SR", "NL", "ST", "NT", "SW")
ELIMINATION_CONTEXTS: Final = {
    a.PLANE_PAY_LINE: "line",
    a.PLANE_PAY_REGION: "territory",
    a.PLANE_EXTRACT: "recovery",
}


class Parts(NamedTuple):
    """The parts of an action: kind of plane and cell, with the number that its kind needs."""

    kind: str  # place, eliminate, forced, region, slide, exact, whole, window, move, scalar
    cell: int = -1
    number: int = 0  # rings, plane, border, direction, axis or scalar, by kind
    distance: int = 0


@cache
def parts(board: Board, action: int) -> Parts:
    """Take an action apart."""
    plane, cell = divmod(action, board.cells)
    first = a.first_planes(board)
    if plane >= first.end:
        return Parts("scalar", number=action - first.end * board.cells)
    if plane < a.PLANE_PAY_LINE:
        return Parts("place", cell, plane + 1)
    if plane == a.PLANE_FORCED:
        return Parts("forced", cell)
    if plane < a.PLANE_REGION:
        return Parts("eliminate", cell, plane)
    if plane < a.PLANE_RECOVERY:
        return Parts("region", cell, plane - a.PLANE_REGION)
    if plane < first.line:
        return Parts("slide", cell, plane - a.PLANE_RECOVERY)
    if plane < first.move:
        kind, axis = divmod(plane - first.line, len(board.axes))
        return Parts(("exact", "whole", "window")[kind], cell, axis)
    direction, distance = divmod(plane - first.move, board.max_distance)
    return Parts("move", cell, direction, distance + 1)


@cache
def cell_key(board: Board, cell: int) -> str:
    """The key of a cell: `x,y` or `x,y,z`."""
    return ",".join(map(str, board.coordinates[cell]))


def cell_json(board: Board, cell: int) -> Json:
    """A cell as a position object."""
    return dict(zip("xyz", board.coordinates[cell], strict=False))


def merged(moves: Iterable[Json]) -> Json:
    """One move out of the partial ones of a recovery."""
    whole: Json = {}
    for move in moves:
        whole.update(move)
    return whole


class Notation:
    """The notation of one position: what its legal actions are called. Made anew for every position."""

    def __init__(self, board: Board, state: State, work: Workspace) -> None:
        self.board = board
        self.state = state
        self.work = work
        self.cells: list[int] = state["cells"].tolist()
        self.player = int(state["player"])
        self.phase = int(state["phase"])
        self.line_length = board.line_length(int(state["players"]))

    # Writing

    def key(self, action: int) -> str:
        """The short key of an action, as in the reference games; `EX cell` for an extraction owed for a slide."""
        part = parts(self.board, action)
        name = "" if part.cell < 0 else cell_key(self.board, part.cell)
        if part.kind == "move":
            target, landing = self._ray(part)
            if target < 0:
                return f"MS {name}>{cell_key(self.board, landing)}"
            short = "CC" if self.phase == CHAIN_CAPTURE else "OC"
            return f"{short} {name}*{cell_key(self.board, target)}>{cell_key(self.board, landing)}"
        if part.kind == "place":
            on_stack = self._word(part.cell) & KIND == STACK
            return f"PR {name} {part.number}{'s' if on_stack else ''}"
        if part.kind == "scalar":
            return SHORT_SCALARS[part.number]
        if part.kind == "forced":
            return f"FE {name}"
        if part.kind == "eliminate":
            return f"EX {name}" if self.phase == MOVEMENT else f"EL {name} {ELIMINATION_CONTEXTS[part.number]}"
        if part.kind == "region":
            return "TR " + self._keys(self.region(part))
        if part.kind == "slide":
            landing, mode = self._slide(part)
            return f"RS {name}>{cell_key(self.board, landing)} {mode}"
        line = self.line(part)
        if part.kind == "exact":
            return "PL " + self._keys(line)
        return f"LO {self._keys(line)}=" + ("all" if part.kind == "whole" else self._keys(self.collapsed(part)))

    def move(self, action: int) -> Json:  # noqa: C901 - a branch per kind of move
        """The canonical move of an action; for the actions of a recovery only the fields that it decides."""
        part = parts(self.board, action)
        move: Json = {"type": "", "player": self.player}
        if part.kind == "scalar":
            move["type"] = a.SCALAR_NAMES[part.number]
        elif part.kind == "place":
            on_stack = self._word(part.cell) & KIND == STACK
            move |= {"type": "place_ring", "to": self._json(part.cell)}
            move |= {"placementCount": part.number, "placedOnStack": on_stack}
        elif part.kind == "move":
            target, landing = self._ray(part)
            move |= {"type": "move_stack", "from": self._json(part.cell), "to": self._json(landing)}
            if target >= 0:
                chain = self.phase == CHAIN_CAPTURE
                move["type"] = "continue_capture_segment" if chain else "overtaking_capture"
                move["captureTarget"] = self._json(target)
        elif part.kind == "forced":
            move |= {"type": "forced_elimination", "to": self._json(part.cell)}
        elif part.kind == "eliminate":
            if self.phase == MOVEMENT:
                return move | {
                    "type": "recovery_slide",
                    "extractionStacks": [cell_key(self.board, part.cell)],
                }
            move |= {"type": "eliminate_rings_from_stack", "to": self._json(part.cell)}
            move["eliminationContext"] = ELIMINATION_CONTEXTS[part.number]
            if part.number == a.PLANE_PAY_LINE:
                move["eliminatedRings"] = [{"player": self.player, "count": 1}]
        elif part.kind == "region":
            spaces = self._jsons(self.region(part))
            move |= {
                "type": "choose_territory_option",
                "to": spaces[0],
                "disconnectedRegions": [{"spaces": spaces}],
            }
        elif part.kind == "slide":
            landing, mode = self._slide(part)
            move |= {"type": "recovery_slide", "from": self._json(part.cell), "to": self._json(landing)}
            move["recoveryMode"] = mode
        elif self.phase == MOVEMENT:
            return move | self._recovery_line(part)
        else:
            positions = self._jsons(self.line(part))
            line = {"positions": positions, "player": self.player, "length": len(positions)}
            axis = self.board.axes[part.number]
            line["direction"] = dict(zip("xyz", (*axis, -sum(axis)) if self.board.hexagonal else axis, strict=False))
            move |= {"type": "process_line", "to": positions[0], "formedLines": [line]}
            if part.kind != "exact":
                move |= {"type": "choose_line_option", "collapsedMarkers": self._jsons(self.collapsed(part))}
        return move

    def region(self, part: Parts) -> list[int]:
        """The cells of a region, in order."""
        board = self.board
        find_region(self.state, board.tables, self.work, part.number, int(board.tables["position"][part.cell]))
        columns = np.arange(board.size)
        rows, cols = np.nonzero(self.work["region"][:, None] >> columns & 1)
        cells: list[int] = board.tables["cell"][(rows + 1) * board.stride + cols + 1].tolist()
        return cells

    def line(self, part: Parts) -> list[int]:
        """The cells of the whole line that a line action belongs to, from its first position."""
        step = self.board.step(self.board.axes[part.number])
        position = int(self.board.tables["position"][part.cell])
        while self.cells[position - step] == self.player:
            position -= step
        line = []
        while self.cells[position] == self.player:
            line.append(int(self.board.tables["cell"][position]))
            position += step
        return line

    def collapsed(self, part: Parts) -> list[int]:
        """The cells that a line action collapses."""
        line = self.line(part)
        if part.kind != "window":
            return line
        start = line.index(part.cell)
        return line[start : start + self.line_length]

    def _recovery_line(self, part: Parts) -> Json:
        move: Json = {"type": "recovery_slide", "recoveryOption": 2 if part.kind == "window" else 1}
        # Records of other programs leave the run of option 1 open; ours name it where several would fit.
        runs = {p.number for p in map(self._parts, self.legal()) if p.kind in ("exact", "whole")}
        if part.kind == "window" or len(runs) > 1:
            move["collapsePositions"] = self._jsons(self.collapsed(part))
        if part.kind == "window":
            move["extractionStacks"] = []
        return move

    def legal(self) -> list[int]:
        """The legal actions of the position."""
        out = np.empty(self.board.max_actions, np.int32)
        count = legal_actions(self.state, self.board.tables, self.work, out)
        legal: list[int] = out[:count].tolist()
        return legal

    def _parts(self, action: int) -> Parts:
        return parts(self.board, action)

    def _word(self, cell: int) -> int:
        return self.cells[int(self.board.tables["position"][cell])]

    def _ray(self, part: Parts) -> tuple[int, int]:
        """The captured cell of a move (−1 for a slide) and its landing cell."""
        tables = self.board.tables
        position = int(tables["position"][part.cell])
        step = self.board.step(self.board.directions[part.number])
        target = -1
        for distance in range(1, part.distance):
            if self.cells[position + distance * step] & KIND == STACK:
                target = int(tables["cell"][position + distance * step])
        return target, int(tables["cell"][position + part.distance * step])

    def _way(self, start: int, landing: int) -> tuple[Coordinate, int]:
        """The (dx, dy) of one step towards a landing cell, and the steps; no direction if it is on no ray."""
        x0, y0, *_ = self.board.coordinates[start]
        x1, y1, *_ = self.board.coordinates[landing]
        dx, dy = x1 - x0, y1 - y0
        distance = max(abs(dx), abs(dy), 1)
        return ((dx // distance, dy // distance), distance) if dx % distance == dy % distance == 0 else ((), 0)

    def _slide(self, part: Parts) -> tuple[int, str]:
        """Return the target of a recovery slide and its mode."""
        origin = int(self.board.tables["position"][part.cell])
        landing = origin + self.board.step(self.board.directions[part.number])
        cell = int(self.board.tables["cell"][landing])
        if self.cells[landing] & KIND == STACK:
            return cell, "stack_strike"
        run = longest_run_through(self.state, self.board.tables, landing, origin)
        return cell, "line" if run >= self.line_length else "fallback"

    def _keys(self, cells: list[int]) -> str:
        return ";".join(cell_key(self.board, cell) for cell in cells)

    def _json(self, cell: int) -> Json:
        return cell_json(self.board, cell)

    def _jsons(self, cells: list[int]) -> list[Json]:
        return [cell_json(self.board, cell) for cell in cells]

    # Reading

    def action(self, move: Mapping[str, Any]) -> int:  # noqa: C901 - a branch per kind of move
        """The next action that a canonical move stands for; −1 if no action of this position fits it.

        Accepts what other programs write: `process_line` for a longer line (all of it), `choose_line_option` for an
        exact one, the cells of a region in any order, further fields. Malformed fields raise `BadRecord`.
        """
        kind = move.get("type")
        if not isinstance(kind, str):
            raise BadRecord(f"a move needs a `type`, and this one has {kind!r}")
        if kind in a.SCALAR_NAMES:
            return a.first_planes(self.board).end * self.board.cells + a.SCALAR_NAMES.index(kind)
        if kind == "place_ring":
            count = move.get("placementCount", 1)
            if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= a.MAX_PLACED:
                raise BadRecord(f"`placementCount` must be 1, 2 or 3, not {count!r}")
            return (count - 1) * self.board.cells + self._cell(move, "to")
        if kind in ("move_stack", "overtaking_capture", "continue_capture_segment"):
            return self._read_movement(move)
        if kind == "forced_elimination":
            return a.PLANE_FORCED * self.board.cells + self._cell(move, "to")
        if kind == "eliminate_rings_from_stack":
            context = move.get("eliminationContext")
            for plane, name in ELIMINATION_CONTEXTS.items():
                if name == context:
                    return plane * self.board.cells + self._cell(move, "to")
            raise BadRecord(f"`eliminationContext` must be line, territory or recovery, not {context!r}")
        if kind == "choose_territory_option":
            return self._read_region(move)
        if kind in ("process_line", "choose_line_option"):
            return self._read_line(move)
        if kind == "recovery_slide":
            return self._read_recovery(move)
        raise BadRecord(f"unknown move type {kind!r}")

    def _read_movement(self, move: Mapping[str, Any]) -> int:
        start, landing = self._cell(move, "from"), self._cell(move, "to")
        captured = -1 if move["type"] == "move_stack" else self._cell(move, "captureTarget")
        direction, distance = self._way(start, landing)
        if direction not in self.board.directions:
            return -1
        ray = self.board.directions.index(direction) * self.board.max_distance + distance - 1
        action = (a.first_planes(self.board).move + ray) * self.board.cells + start
        target, _ = self._ray(parts(self.board, action))
        is_chain = self.phase == CHAIN_CAPTURE
        kind = "move_stack" if target < 0 else "continue_capture_segment" if is_chain else "overtaking_capture"
        return action if kind == move["type"] and target == captured else -1

    def _read_region(self, move: Mapping[str, Any]) -> int:
        regions = move.get("disconnectedRegions")
        if not isinstance(regions, list) or len(regions) != 1 or not isinstance(regions[0], Mapping):
            raise BadRecord("`disconnectedRegions` must be a list of one region")
        wanted = self._cells(regions[0], "spaces")
        for action in self.legal():
            part = parts(self.board, action)
            if part.kind == "region" and set(self.region(part)) == wanted:
                return action
        return -1

    def _read_line(self, move: Mapping[str, Any]) -> int:
        lines = move.get("formedLines")
        if not isinstance(lines, list) or not lines or not isinstance(lines[0], Mapping):
            raise BadRecord("`formedLines` must be a list of one line")
        line = self._cells(lines[0], "positions")
        chosen = self._cells(move, "collapsedMarkers") if "collapsedMarkers" in move else line
        for action in self.legal():
            part = parts(self.board, action)
            if (
                part.kind in ("exact", "whole", "window")
                and set(self.line(part)) == line
                and set(self.collapsed(part)) == chosen
            ):
                return action
        return -1

    def _read_recovery(self, move: Mapping[str, Any]) -> int:
        if self.phase == MOVEMENT and self.state["owed"]:
            return self._read_recovery_debt(move)
        start, landing = self._cell(move, "from"), self._cell(move, "to")
        direction, distance = self._way(start, landing)
        if direction not in self.board.directions or distance != 1:
            return -1
        plane = a.PLANE_RECOVERY + self.board.directions.index(direction)
        action = plane * self.board.cells + start
        mode = move.get("recoveryMode")
        return action if mode is None or mode == self._slide(parts(self.board, action))[1] else -1

    def _read_recovery_debt(self, move: Mapping[str, Any]) -> int:
        if self.state["owed"] != OWES_RECOVERY_LINE:
            stacks = move.get("extractionStacks")
            if not isinstance(stacks, list) or len(stacks) != 1:
                raise BadRecord("`extractionStacks` must name the one stack that pays for the recovery slide")
            for action in self.legal():
                if cell_key(self.board, parts(self.board, action).cell) == stacks[0]:
                    return action
            return -1
        option = move.get("recoveryOption")
        if option not in (1, 2):
            raise BadRecord(f"`recoveryOption` must be 1 or 2, not {option!r}")
        chosen = self._cells(move, "collapsePositions") if "collapsePositions" in move else None
        fitting = []
        for action in self.legal():
            part = parts(self.board, action)
            if (part.kind == "window") == (option == 2) and chosen in (None, set(self.collapsed(part))):
                fitting.append(action)
        if len(fitting) > 1:
            raise BadRecord("several lines fit this recovery slide: `collapsePositions` must say which one collapses")
        return fitting[0] if fitting else -1

    def _cell(self, move: Mapping[str, Any], field: str) -> int:
        return read_cell(self.board, move.get(field), field)

    def _cells(self, move: Mapping[str, Any], field: str) -> set[int]:
        positions = move.get(field)
        if not isinstance(positions, list):
            raise BadRecord(f"`{field}` must be a list of positions")
        return {read_cell(self.board, position, field) for position in positions}


def read_cell(board: Board, position: object, field: str) -> int:
    """The cell of a position object; `BadRecord` if there is no such cell."""
    if isinstance(position, Mapping):
        names = "xyz" if board.hexagonal else "xy"
        values = [position.get(name) for name in names]
        coordinate = tuple(value for value in values if isinstance(value, int) and not isinstance(value, bool))
        if coordinate in board.cell_of:
            return board.cell_of[coordinate]
    raise BadRecord(f"`{field}` is {position!r}, which is no cell of {board.name}")
