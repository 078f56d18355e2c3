"""What the planes and the globals of a feature version are, in order: the one place that says so.

The kernels take their indices from here, and `docs/encoding.md` its tables. A *seat* suffix 0 … 3 counts from the
player to act; seats beyond the number of players stay zero, so that a network for two players has the shape of one for
four.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ringrift.game.boards import MAX_PLAYERS, PLAYER_COUNTS, Board
from ringrift.game.state import GAME_OVER, OWES_EXTRACTION, PHASE_NAMES, TRAIL

SEATS: Final = tuple(str(seat) for seat in range(MAX_PLAYERS))

SCALES: Final[dict[str, Callable[[Board], int]]] = {
    "one": lambda board: 1,
    "tallest stack": lambda board: board.max_height,
    "line of four": lambda board: 4,
    "directions": lambda board: len(board.directions),
    "landings from the centre": lambda board: len(board.directions) * (board.size // 2),
}
"""What the numbers of a plane are divided by to lie in about 0 … 1, by name."""


@dataclass(frozen=True)
class Feature:
    """One feature: as many planes, or globals, as it has suffixes; a single one if it has none."""

    name: str
    meaning: str
    scale: str = "one"
    """Of a plane: a key of `SCALES`. Of a global: what it has been divided by, in words."""
    suffixes: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The name of every plane or global."""
        return tuple(f"{self.name}_{suffix}" for suffix in self.suffixes) or (self.name,)


V1_PLANES: Final = (
    Feature("stack", "1 where the seat controls a stack", suffixes=SEATS),
    Feature("height", "height of the stack that the seat controls", "tallest stack", SEATS),
    Feature("cap", "cap height of the stack that the seat controls", "tallest stack", SEATS),
    Feature("marker", "1 where a marker of the seat lies", suffixes=SEATS),
    Feature("territory", "1 on the collapsed cells of the seat", suffixes=SEATS),
    Feature("board", "1 on every cell of the board"),
    Feature("must_move", "1 at the stack that has to act after a placement"),
    Feature("capturer", "1 at the stack that may or must go on capturing"),
    Feature("slide_to", "1 at the recovery marker whose line choice is owed"),
    Feature(
        "trail",
        "1 where the last actions on the board happened, 1 the newest; a move leaves its landing, then its departure",
        suffixes=tuple(str(place + 1) for place in range(TRAIL)),
    ),
)

V2_PLANES: Final = (
    *V1_PLANES,
    Feature("buried", "rings of the seat below the cap, whoever controls the stack", "tallest stack", SEATS),
    Feature(
        "next_run",
        "length of the run of rings right below the cap, if it is the seat's: who controls the stack without its cap",
        "tallest stack",
        SEATS,
    ),
    Feature(
        "influence",
        "stacks of the seat that could land here now with a slide or a capture, were it to move",
        "directions",
        SEATS,
    ),
    Feature("capturable", "stacks of the seat that could capture the stack that stands here", "directions", SEATS),
    Feature(
        "run",
        "longest run of markers of the seat, on any axis, through its marker here, or through one that a move would "
        "leave here next to its markers",
        "line of four",
        SEATS,
    ),
    Feature("mobility", "landings that the stack here has with a slide or a capture", "landings from the centre"),
    Feature("claimable", "regions around this cell that the player to act could claim as the board stands"),
)

V1_GLOBALS: Final = (
    Feature("phase", "1 for the phase of the turn; all zero once the game is over", suffixes=PHASE_NAMES[:GAME_OVER]),
    Feature(
        "owed",
        "1 for what the player to act owes before anything else",
        suffixes=("line_ring", "region_price", "recovery_line", "extraction")[:OWES_EXTRACTION],
    ),
    Feature("players", "1 for the number of players", suffixes=tuple(map(str, PLAYER_COUNTS))),
    Feature("hand", "rings in hand", "rings per player", SEATS),
    Feature("credited", "rings credited as eliminated", "elimination goal", SEATS),
    Feature("territory", "collapsed cells owned", "territory goal", SEATS),
    Feature("markers", "markers on the board", "half of the cells", SEATS),
    Feature("on_board", "rings of the seat's colour in stacks, buried ones too", "rings per player", SEATS),
    Feature("controlled", "stacks controlled", "rings per player", SEATS),
    Feature("alive", "1 if the seat has a ring anywhere", suffixes=SEATS),
    Feature("changed", "1 if this turn has changed the board: no forced elimination will follow"),
    Feature("recovered", "1 if this turn contains a recovery slide"),
    Feature("placed", "1 if a ring was placed this turn and its stack has to act"),
    Feature("swap_open", "1 while the pie rule may still be used"),
    Feature("ply", "moves played so far, at most 500", "500"),
    Feature("lps_count", "last player standing: exclusive rounds in a row, at most 3", "3"),
    Feature("lps_player", "1 for the seat that these rounds count for", suffixes=SEATS),
    Feature("lps_first", "1 for the seat that opened the running round", suffixes=SEATS),
    Feature("lps_seen", "1 if the seat has begun a turn in the running round", suffixes=SEATS),
    Feature("lps_able", "… and had a real action then", suffixes=SEATS),
)

V2_GLOBALS: Final = (
    *V1_GLOBALS,
    Feature("can_move", "1 if any stack of the seat has a slide or a capture", suffixes=SEATS),
    Feature("movable", "stacks of the seat that have a slide or a capture", "rings per player", SEATS),
)


def names_of(features: tuple[Feature, ...]) -> tuple[str, ...]:
    """The names of all planes or globals, in order."""
    return tuple(name for feature in features for name in feature.names)


def first_indices(features: tuple[Feature, ...]) -> dict[str, int]:
    """The index of the first plane or global of every feature."""
    names = names_of(features)
    return {feature.name: names.index(feature.names[0]) for feature in features}
