"""The four boards: cells, directions, axes, symmetries, and the numbers that the rules attach to them (R001–R003).

Every board lies on one padded grid, so that a ray is walked by adding a step until a wall is met:

- a *position* is an index into that grid; its row is the x coordinate, its column the y coordinate;
- column 0 of every row, one row above and one below are walls, and so are the corners that a hexagon lacks;
- a *cell* is a dense index 0 … cells−1 over the real cells, in the order of (x, y, z), which is also the order of
  the positions. Actions and network heads use cells, the rules use positions.

Hexes keep (x, y) of their cube coordinates; z = −x − y follows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ringrift.game.errors import UnknownConfig
from ringrift.game.types import BoardTables

Coordinate = tuple[int, ...]
IntArray = npt.NDArray[np.int32]

SQUARE_DIRECTIONS: Final = ((1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1))
HEX_DIRECTIONS: Final = ((1, 0), (1, -1), (0, -1), (-1, 0), (-1, 1), (0, 1))
SQUARE_AXES: Final = ((1, 0), (1, 1), (0, 1), (1, -1))
HEX_AXES: Final = ((1, 0), (1, -1), (0, -1))

PLAYER_COUNTS: Final = (2, 3, 4)
MAX_PLAYERS: Final = 4
LPS_ROUNDS: Final = 3
"""Rounds in a row that one player alone must be able to act, to win as the last player standing (R172)."""


@dataclass(frozen=True, eq=False)
class Board:
    """One board: its geometry and the constants of its rules.

    `size` is the number of rows of the bounding square (8, 19, or twice the radius plus one), `rings` the supply of
    each player, `king_borders` whether the border of a claimed region grows by king's steps (§7).
    """

    name: str
    hexagonal: bool
    size: int
    rings: int
    king_borders: bool
    word_type: type[np.signedinteger[Any]]

    @cached_property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """Coordinates of every cell, by cell index; (x, y) on squares, (x, y, z) on hexes."""
        if not self.hexagonal:
            return tuple((x, y) for x in range(self.size) for y in range(self.size))
        radius = self.radius
        span = range(-radius, radius + 1)
        return tuple((x, y, -x - y) for x in span for y in span if abs(x + y) <= radius)

    @property
    def radius(self) -> int:
        """Distance from the centre to a corner of a hexagon; 0 on squares, whose coordinates start at 0."""
        return self.size // 2 if self.hexagonal else 0

    @property
    def cells(self) -> int:
        """Number of cells."""
        return len(self.coordinates)

    @property
    def directions(self) -> tuple[Coordinate, ...]:
        """Movement directions as (dx, dy), in the order of the policy planes."""
        return HEX_DIRECTIONS if self.hexagonal else SQUARE_DIRECTIONS

    @property
    def axes(self) -> tuple[Coordinate, ...]:
        """Line axes as (dx, dy)."""
        return HEX_AXES if self.hexagonal else SQUARE_AXES

    @property
    def max_distance(self) -> int:
        """The longest possible move, in cells."""
        return self.size - 1

    @property
    def max_height(self) -> int:
        """The tallest stack that play can produce: only a stack that can still move captures one ring more."""
        return self.max_distance + 1

    @property
    def stride(self) -> int:
        """Grid positions from one row to the next; the wall column serves both of its sides."""
        return self.size + 1

    @property
    def grid_size(self) -> int:
        """Number of grid positions, walls included."""
        return (self.size + 2) * self.stride + 1

    @cached_property
    def cell_of(self) -> dict[Coordinate, int]:
        """Cell index by coordinates."""
        return {coordinate: cell for cell, coordinate in enumerate(self.coordinates)}

    def position(self, coordinate: Coordinate) -> int:
        """The grid position of a coordinate."""
        return (coordinate[0] + self.radius + 1) * self.stride + coordinate[1] + self.radius + 1

    def step(self, delta: Coordinate) -> int:
        """The difference of grid positions that a (dx, dy) makes."""
        return delta[0] * self.stride + delta[1]

    def line_length(self, players: int) -> int:
        """Shortest run of markers that is a line (R120)."""
        return 4 if players == 2 or self.size > 9 else 3

    def elimination_goal(self, players: int) -> int:
        """Credited rings that win the game (R061): rings × (2/3 + (players − 1)/3), rounded."""
        return round(self.rings * (players + 1) / 3)

    def territory_goal(self, players: int) -> int:
        """Least territory that can win the game (R062)."""
        return self.cells // players + 1

    @cached_property
    def max_actions(self) -> int:
        """An upper bound of legal actions in any position: the size that a buffer for them must have."""
        rays = [
            sum(self._ray_length(coordinate, direction) for direction in self.directions)
            for coordinate in self.coordinates
        ]
        placements = 3 * self.cells + 2
        movements = sum(sorted(rays)[-self.rings :])
        lines = 2 * len(self.axes) * self.cells
        regions = (MAX_PLAYERS + 1) * self.cells // 2 + 1
        return max(placements, movements, lines, regions)

    def _ray_length(self, coordinate: Coordinate, direction: Coordinate) -> int:
        x, y = coordinate[0], coordinate[1]
        length = 0
        while self._full((x + direction[0], y + direction[1])) in self.cell_of:
            x, y = x + direction[0], y + direction[1]
            length += 1
        return length

    def _full(self, xy: Coordinate) -> Coordinate:
        return (xy[0], xy[1], -xy[0] - xy[1]) if self.hexagonal else (xy[0], xy[1])

    @cached_property
    def tables_type(self) -> np.dtype[np.void]:
        """The structured dtype of `tables`."""
        axes, directions = len(self.axes), len(self.directions)
        return np.dtype(
            [
                ("step", np.int16, (directions,)),  # grid step of every movement direction
                ("axis_step", np.int16, (axes,)),  # grid step of every line axis
                ("position", np.int16, (self.cells,)),  # grid position of every cell
                ("cell", np.int16, (self.grid_size,)),  # cell of every grid position, −1 for a wall
                ("row_mask", np.int32, (self.size,)),  # real cells of every row, bit = column
                ("line_length", np.int16, (MAX_PLAYERS + 1,)),  # the next three: by number of players
                ("elimination_goal", np.int16, (MAX_PLAYERS + 1,)),
                ("territory_goal", np.int16, (MAX_PLAYERS + 1,)),
                ("rings", np.int16),
                ("king_borders", np.uint8),
            ],
            align=True,
        )

    @cached_property
    def tables(self) -> BoardTables:
        """The board as one record that the kernels read."""
        array = np.zeros(1, self.tables_type)
        row: BoardTables = array[0]
        row["step"] = [self.step(direction) for direction in self.directions]
        row["axis_step"] = [self.step(axis) for axis in self.axes]
        row["position"] = [self.position(coordinate) for coordinate in self.coordinates]
        row["cell"] = -1
        row["cell"][row["position"]] = np.arange(self.cells)
        for x, y, *_ in self.coordinates:
            row["row_mask"][x + self.radius] |= 1 << (y + self.radius)
        for players in PLAYER_COUNTS:
            row["line_length"][players] = self.line_length(players)
            row["elimination_goal"][players] = self.elimination_goal(players)
            row["territory_goal"][players] = self.territory_goal(players)
        row["rings"] = self.rings
        row["king_borders"] = self.king_borders
        return row

    @cached_property
    def symmetries(self) -> tuple[IntArray, ...]:
        """Every symmetry of the board as `[cells]`: the image of each cell. The identity comes first.

        Squares have 8 (rotations and reflections), hexes 12.
        """
        return tuple(
            np.array([self.cell_of[image(coordinate)] for coordinate in self.coordinates], np.int32)
            for image in (self._square_images() if not self.hexagonal else _hex_images())
        )

    def _square_images(self) -> list[Any]:
        last = self.size - 1
        return [
            lambda c: (c[0], c[1]),
            lambda c: (c[1], last - c[0]),
            lambda c: (last - c[0], last - c[1]),
            lambda c: (last - c[1], c[0]),
            lambda c: (c[1], c[0]),
            lambda c: (last - c[0], c[1]),
            lambda c: (last - c[1], last - c[0]),
            lambda c: (c[0], last - c[1]),
        ]


def _hex_images() -> list[Any]:
    """The 12 symmetries of a hexagon: permutations of the cube coordinates, each with and without a change of sign."""
    orders = [(0, 1, 2), (1, 2, 0), (2, 0, 1), (1, 0, 2), (0, 2, 1), (2, 1, 0)]

    def image(order: tuple[int, int, int], sign: int) -> Any:
        return lambda c: tuple(sign * c[i] for i in order)

    return [image(order, sign) for sign in (1, -1) for order in orders]


BOARDS: Final[dict[str, Board]] = {
    board.name: board
    for board in (
        Board("square8", False, 8, 18, True, np.int32),
        Board("square19", False, 19, 72, True, np.int64),
        Board("hex8", True, 9, 18, True, np.int32),
        Board("hexagonal", True, 25, 96, False, np.int64),
    )
}


@cache
def configs() -> tuple[tuple[str, int], ...]:
    """All twelve configs as (board name, players)."""
    return tuple((name, players) for name in BOARDS for players in PLAYER_COUNTS)


def get_board(name: str) -> Board:
    """The board of that name, or `UnknownConfig` with the names that exist."""
    if not isinstance(name, str) or name not in BOARDS:
        raise UnknownConfig(f"unknown board {name!r}: choose one of {', '.join(BOARDS)}")
    return BOARDS[name]


def parse_config(config: str) -> tuple[Board, int]:
    """Board and number of players of a config name such as `hex8_3p`."""
    name, _, suffix = config.rpartition("_")
    if name not in BOARDS or suffix not in {f"{players}p" for players in PLAYER_COUNTS}:
        known = ", ".join(f"{board}_{players}p" for board, players in configs())
        raise UnknownConfig(f"unknown config {config!r}: choose one of {known}")
    return BOARDS[name], int(suffix[0])
