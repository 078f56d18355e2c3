"""The planes and the globals of every feature version, in order.

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
"""The divisors by name: divided by them, the numbers of a plane lie in about 0 … 1."""


@dataclass(frozen=True)
class FeatureGroup:
    """One feature: as many planes, or globals, as it has suffixes; a single one if it has none."""

    name: str
    meaning: str
    scale: str = "one"
    """A key of `SCALES` for a plane; the divisor in words for a global."""
    suffixes: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The name of every plane or global."""
        return tuple(f"{self.name}_{suffix}" for suffix in self.suffixes) or (self.name,)


V1_PLANES: Final = (
    FeatureGroup("stack", "1 where the seat controls a stack", suffixes=SEATS),
    FeatureGroup("height", "height of the stack that the seat controls", "tallest stack", SEATS),
    FeatureGroup("cap", "cap height of the stack that the seat controls", "tallest stack", SEATS),
    FeatureGroup("marker", "1 where a marker of the seat lies", suffixes=SEATS),
    FeatureGroup("territory", "1 on the collapsed cells of the seat", suffixes=SEATS),
    FeatureGroup("board", "1 on every cell of the board"),
    FeatureGroup("must_move", "1 at the stack that has to act after a placement"),
    FeatureGroup("capturer", "1 at the stack that may or must go on capturing"),
    FeatureGroup("slide_to", "1 at the recovery marker whose line choice is owed"),
    FeatureGroup(
        "trail",
        "1 where the last actions on the board happened, 1 the newest; a move leaves its landing, then its departure",
        suffixes=tuple(str(place + 1) for place in range(TRAIL)),
    ),
)

V2_PLANES: Final = (
    *V1_PLANES,
    FeatureGroup("buried", "rings of the seat below the cap, whoever controls the stack", "tallest stack", SEATS),
    FeatureGroup(
        "next_run",
        "length of the run of rings right below the cap, if it is the seat's: who controls the stack without its cap",
        "tallest stack",
        SEATS,
    ),
    FeatureGroup(
        "influence",
        "stacks of the seat that could land here now with a slide or a capture, were it to move",
        "directions",
        SEATS,
    ),
    FeatureGroup("capturable", "stacks of the seat that could capture the stack that stands here", "directions", SEATS),
    FeatureGroup(
        "run",
        "longest run of markers of the seat, on any axis, through its marker here, or through one that a move would "
        "leave here next to its markers",
        "line of four",
        SEATS,
    ),
    FeatureGroup("mobility", "landings that the stack here has with a slide or a capture", "landings from the centre"),
    FeatureGroup("claimable", "regions around this cell that the player to act could claim as the board stands"),
)

V1_GLOBALS: Final = (
    FeatureGroup(
        "phase", "1 for the phase of the turn; all zero once the game is over", suffixes=PHASE_NAMES[:GAME_OVER]
    ),
    FeatureGroup(
        "owed",
        "1 for what the player to act owes before anything else",
        suffixes=("line_ring", "region_price", "recovery_line", "extraction")[:OWES_EXTRACTION],
    ),
    FeatureGroup("players", "1 for the number of players", suffixes=tuple(map(str, PLAYER_COUNTS))),
    FeatureGroup("hand", "rings in hand", "rings per player", SEATS),
    FeatureGroup("credited", "rings credited as eliminated", "elimination goal", SEATS),
    FeatureGroup("territory", "collapsed cells owned", "territory goal", SEATS),
    FeatureGroup("markers", "markers on the board", "half of the cells", SEATS),
    FeatureGroup("on_board", "rings of the seat's colour in stacks, buried ones too", "rings per player", SEATS),
    FeatureGroup("controlled", "stacks controlled", "rings per player", SEATS),
    FeatureGroup("alive", "1 if the seat has a ring anywhere", suffixes=SEATS),
    FeatureGroup("changed", "1 if this turn has changed the board: no forced elimination will follow"),
    FeatureGroup("recovered", "1 if this turn contains a recovery slide"),
    FeatureGroup("placed", "1 if a ring was placed this turn and its stack has to act"),
    FeatureGroup("swap_open", "1 while the pie rule may still be used"),
    FeatureGroup("ply", "moves played so far, at most 500", "500"),
    FeatureGroup("lps_count", "last player standing: exclusive rounds in a row, at most 3", "3"),
    FeatureGroup("lps_player", "1 for the seat that these rounds count for", suffixes=SEATS),
    FeatureGroup("lps_first", "1 for the seat that opened the running round", suffixes=SEATS),
    FeatureGroup("lps_seen", "1 if the seat has begun a turn in the running round", suffixes=SEATS),
    FeatureGroup("lps_able", "… and had a real action then", suffixes=SEATS),
)

V2_GLOBALS: Final = (
    *V1_GLOBALS,
    FeatureGroup("can_move", "1 if any stack of the seat has a slide or a capture", suffixes=SEATS),
    FeatureGroup("movable", "stacks of the seat that have a slide or a capture", "rings per player", SEATS),
)


def names_of(features: tuple[FeatureGroup, ...]) -> tuple[str, ...]:
    """The names of all planes or globals, in order."""
    return tuple(name for feature in features for name in feature.names)


def first_indices(features: tuple[FeatureGroup, ...]) -> dict[str, int]:
    """The index of the first plane or global of every feature."""
    names = names_of(features)
    return {feature.name: names.index(feature.names[0]) for feature in features}
