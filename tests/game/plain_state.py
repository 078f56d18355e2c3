"""Boards, pieces and positions of the plain reading of the rules (docs/RULES.md §1 and §2), and their JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

Json = dict[str, Any]
Cell = tuple[int, ...]

# §1 Boards and numbers


class Board:
    """The cells and directions of a board, and the numbers of its games."""

    cells: list[Cell]
    directions: list[Cell]
    """Movement directions."""
    axes: list[Cell]
    territory_steps: list[Cell]

    def __init__(self, name: str) -> None:
        self.name = name
        self.hexagonal = name in ("hex8", "hexagonal")
        if self.hexagonal:
            radius = {"hex8": 4, "hexagonal": 12}[name]
            span = range(-radius, radius + 1)
            self.cells = [(x, y, -x - y) for x in span for y in span if abs(x + y) <= radius]
            self.directions = [(1, 0, -1), (1, -1, 0), (0, -1, 1), (-1, 0, 1), (-1, 1, 0), (0, 1, -1)]
            self.axes = [(1, 0, -1), (1, -1, 0), (0, -1, 1)]
            self.territory_steps = self.directions
        else:
            span = range({"square8": 8, "square19": 19}[name])
            self.cells = [(x, y) for x in span for y in span]
            self.directions = [(dx, dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1) if (dx, dy) != (0, 0)]
            self.axes = [(1, 0), (1, 1), (0, 1), (1, -1)]
            self.territory_steps = [(1, 0), (-1, 0), (0, 1), (0, -1)]
        self.on_board = frozenset(self.cells)
        self.rings = {"square8": 18, "square19": 72, "hex8": 18, "hexagonal": 96}[name]

    def line_length(self, players: int) -> int:
        return 3 if self.name in ("square8", "hex8") and players > 2 else 4

    def elimination_goal(self, players: int) -> int:
        return round(self.rings * (2 / 3 + (players - 1) / 3))

    def territory_minimum(self, players: int) -> int:
        return len(self.cells) // players + 1

    @cache  # noqa: B019 – there are four boards, and they live as long as the tests
    def ray(self, start: Cell, direction: Cell) -> list[Cell]:
        """The cells from a start in a direction to the edge, without the start."""
        cells: list[Cell] = []
        cell = step(start, direction)
        while cell in self.on_board:
            cells.append(cell)
            cell = step(cell, direction)
        return cells

    @cache  # noqa: B019 – as above
    def around(self, cell: Cell) -> list[Cell]:
        """The territory neighbours of a cell."""
        near = [step(cell, direction) for direction in self.territory_steps]
        return [other for other in near if other in self.on_board]

    @cache  # noqa: B019 – as above
    def kings_steps(self, cell: Cell) -> list[Cell]:
        """The cells one king's step away in x and y; on hexes z follows."""
        steps = [(dx, dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1) if (dx, dy) != (0, 0)]
        moved = [(cell[0] + dx, cell[1] + dy) for dx, dy in steps]
        others = [(x, y, -x - y) for x, y in moved] if self.hexagonal else moved
        return [other for other in others if other in self.on_board]


plain_board = cache(Board)


def step(cell: Cell, direction: Cell) -> Cell:
    return tuple(a + b for a, b in zip(cell, direction, strict=True))


def opposite(direction: Cell) -> Cell:
    return tuple(-a for a in direction)


def key(cell: Cell) -> str:
    return ",".join(map(str, cell))


def keys(cells: Iterable[Cell]) -> str:
    return ";".join(map(key, cells))


# §2 Pieces and state


@dataclass
class Rounds:
    """The tracker of the last player standing over rounds (§10)."""

    number: int = 0
    first: int | None = None
    marks: dict[int, bool] = field(default_factory=dict)
    exclusive: int | None = None
    count: int = 0
    counted: int | None = None
    """The player whose exclusive rounds `count` counts."""


@dataclass
class Position:
    """All that decides how a game goes on. Stacks are strings of seat digits, bottom ring first."""

    board: Board
    players: int
    player: int
    phase: str
    hand: dict[int, int]
    credited: dict[int, int]
    stacks: dict[Cell, str]
    markers: dict[Cell, int]
    collapsed: dict[Cell, int]
    must_move: Cell | None = None
    capturer: Cell | None = None
    """The only stack that may capture, in the phases `capture` and `chain_capture`."""
    owed: str | None = None
    """`line` or `territory` elimination, or of a recovery `choice` of a line or `extraction`."""
    slid_to: Cell | None = None
    changed: bool = False
    recovered: bool = False
    rounds: Rounds = field(default_factory=Rounds)
    swap_open: bool = False
    winner: int | None = None
    reason: str | None = None
    turn: int = 1
    lost_at: dict[int, int] = field(default_factory=dict)
    """The turn in which a player lost the last ring."""

    @property
    def seats(self) -> range:
        return range(1, self.players + 1)

    @property
    def line_length(self) -> int:
        return self.board.line_length(self.players)

    def copy(self) -> Position:
        return replace(
            self,
            hand=dict(self.hand),
            credited=dict(self.credited),
            stacks=dict(self.stacks),
            markers=dict(self.markers),
            collapsed=dict(self.collapsed),
            lost_at=dict(self.lost_at),
            rounds=replace(self.rounds, marks=dict(self.rounds.marks)),
        )

    def is_empty(self, cell: Cell) -> bool:
        return cell not in self.stacks and cell not in self.markers and cell not in self.collapsed

    def controlled(self, player: int) -> list[Cell]:
        """The cells of the stacks that a player controls."""
        return [cell for cell, stack in self.stacks.items() if top(stack) == player]

    def has_material(self, player: int) -> bool:
        return self.hand[player] > 0 or any(str(player) in stack for stack in self.stacks.values())

    def territory(self, player: int) -> int:
        return list(self.collapsed.values()).count(player)

    def marker_count(self, player: int) -> int:
        return list(self.markers.values()).count(player)


def top(stack: str) -> int:
    return int(stack[-1])


def cap_height(stack: str) -> int:
    return len(stack) - len(stack.rstrip(stack[-1]))


def holds_buried(stack: str, player: int) -> bool:
    return str(player) in stack[:-1]


def set_stack(p: Position, cell: Cell, stack: str) -> None:
    """Put a stack on a cell; one without rings disappears."""
    if stack:
        p.stacks[cell] = stack
    else:
        del p.stacks[cell]


def eliminate(p: Position, cell: Cell, rings: int) -> None:
    """Remove rings from the top of a stack, credited to the player."""
    p.credited[p.player] += rings
    set_stack(p, cell, p.stacks[cell][:-rings])


def extract(p: Position, cell: Cell) -> None:
    """Remove the lowest ring of the player's colour from a stack, credited to the player (§8)."""
    p.credited[p.player] += 1
    set_stack(p, cell, p.stacks[cell].replace(str(p.player), "", 1))


def collapse(p: Position, cell: Cell) -> None:
    """Make a cell without a stack the player's territory."""
    p.markers.pop(cell, None)
    p.collapsed[cell] = p.player


# Positions as JSON (tests/traces/README.md)


def read(state: Json, board: str, players: int) -> Position:
    """The position of a JSON state."""

    def cell(text: str | None) -> Cell | None:
        return tuple(map(int, text.split(","))) if text else None

    def cells(name: str) -> dict[Cell, Any]:
        return {tuple(map(int, text.split(","))): value for text, value in state[name].items()}

    recovery = state.get("recovery", {})
    owed = {"line": "choice"}.get(recovery.get("owed"), recovery.get("owed"))
    lps = state["lps"]
    p = Position(
        board=plain_board(board),
        players=players,
        player=state["currentPlayer"],
        phase=state["phase"],
        hand=dict(enumerate(state["ringsInHand"], 1)),
        credited=dict(enumerate(state["eliminatedRings"], 1)),
        stacks=cells("stacks"),
        markers=cells("markers"),
        collapsed=cells("collapsed"),
        must_move=cell(state["mustMoveFrom"]),
        capturer=cell(state["chain"]["at"] if state["chain"] else state["captureFrom"]),
        owed="line" if state["pendingLineElim"] else "territory" if state["pendingTerritoryElim"] else owed,
        slid_to=cell(recovery.get("at")),
        changed=state["turnHadBoardChange"],
        recovered=state["turnHadRecoverySlide"],
        rounds=Rounds(
            number=lps["round"],
            first=lps["first"],
            marks={int(seat): able for seat, able in lps["mask"].items()},
            exclusive=lps["exclusive"],
            count=lps["consecutive"],
            counted=lps["consecutivePlayer"],
        ),
        swap_open=state.get("swapAvailable", False),
        winner=state["winner"],
    )
    p.lost_at = {seat: 0 for seat in p.seats if not p.has_material(seat)}
    return p


def write(p: Position) -> Json:
    """The JSON of a position, without the cells that a capture chain has left behind it."""

    def text(cell: Cell | None) -> str | None:
        return key(cell) if cell else None

    def texts(cells: dict[Cell, Any]) -> Json:
        return {key(cell): cells[cell] for cell in sorted(cells)}

    state: Json = {
        "currentPlayer": p.player,
        "phase": p.phase,
        "status": "completed" if p.winner else "active",
        "winner": p.winner,
        "stacks": texts(p.stacks),
        "markers": texts(p.markers),
        "collapsed": texts(p.collapsed),
        "ringsInHand": [p.hand[seat] for seat in p.seats],
        "eliminatedRings": [p.credited[seat] for seat in p.seats],
        "territorySpaces": [p.territory(seat) for seat in p.seats],
        "totalRingsEliminated": sum(p.credited.values()),
        "mustMoveFrom": text(p.must_move),
        "chain": {"at": text(p.capturer), "player": p.player} if p.phase == "chain_capture" else None,
        "captureFrom": text(p.capturer) if p.phase == "capture" else None,
        "pendingLineElim": p.owed == "line",
        "pendingTerritoryElim": p.owed == "territory",
        "turnHadBoardChange": p.changed,
        "turnHadRecoverySlide": p.recovered,
        "lps": {
            "round": p.rounds.number,
            "first": p.rounds.first,
            "mask": {str(seat): p.rounds.marks[seat] for seat in sorted(p.rounds.marks)},
            "exclusive": p.rounds.exclusive,
            "consecutive": p.rounds.count,
            "consecutivePlayer": p.rounds.counted,
        },
    }
    if p.owed in ("choice", "extraction"):
        state["recovery"] = {"owed": "line" if p.owed == "choice" else p.owed, "at": text(p.slid_to)}
    if p.swap_open:
        state["swapAvailable"] = True
    return state
