"""A game as game servers send it: the fields that matter, with their bounds. Other fields pass unread."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Seat = Annotated[int, Field(ge=1, le=4)]
Count = Annotated[int, Field(ge=0, le=1000)]
Height = Annotated[int, Field(ge=1, le=25)]
Key = Annotated[str, Field(pattern=r"^-?[0-9]{1,2},-?[0-9]{1,2}(,-?[0-9]{1,2})?$", max_length=11)]
"""The key of a cell, `x,y` or `x,y,z`."""
Move = dict[str, Any]
BoardType = Literal["square8", "square19", "hex8", "hexagonal"]
PhaseName = Literal[
    "ring_placement",
    "movement",
    "capture",
    "chain_capture",
    "line_processing",
    "territory_processing",
    "forced_elimination",
    "game_over",
]
MOST_CELLS = 469
MOST_MOVES = 20_000


class Part(BaseModel):
    """A part of a game, whose names are written in camel case."""

    model_config = ConfigDict(alias_generator=to_camel, extra="allow", strict=True, allow_inf_nan=False)


class Cell(Part):
    """A cell; `z` may be left out."""

    x: Annotated[int, Field(ge=-99, le=99)]
    y: Annotated[int, Field(ge=-99, le=99)]
    z: Annotated[int, Field(ge=-99, le=99)] | None = None

    @property
    def key(self) -> str:
        """Its key."""
        return f"{self.x},{self.y}" if self.z is None else f"{self.x},{self.y},{self.z}"


class Stack(Part):
    """A stack; `controlling_player` and `cap_height` show which end of `rings` is its top."""

    rings: Annotated[list[Seat], Field(min_length=1, max_length=25)]
    cap_height: Height
    controlling_player: Seat
    stack_height: Height | None = None


class Marker(Part):
    """A marker."""

    player: Seat


class BoardState(Part):
    """The pieces on the board; its `size` is not read, as `boardType` determines it."""

    stacks: Annotated[dict[Key, Stack], Field(max_length=MOST_CELLS)]
    markers: Annotated[dict[Key, Marker], Field(max_length=MOST_CELLS)] = {}
    collapsed_spaces: Annotated[dict[Key, Seat], Field(max_length=MOST_CELLS)] = {}


class PlayerState(Part):
    """A player. The territory is counted on the board."""

    player_number: Seat
    rings_in_hand: Count
    eliminated_rings: Count


class ChainCapture(Part):
    """A chain of captures under way."""

    current_position: Cell | None = None


class RulesOptions(Part):
    """The options of the rules."""

    swap_rule_enabled: bool | None = None


class RoundsTracking(Part):
    """The last player standing, as some programs write it."""

    round_index: Count = 0
    consecutive_exclusive_rounds: Count = 0
    consecutive_exclusive_player: Seat | None = None


class GameState(Part):
    """A game in the form of the game's own programs."""

    board_type: BoardType
    board: BoardState
    players: Annotated[list[PlayerState], Field(min_length=2, max_length=4)]
    current_phase: PhaseName
    current_player: Seat
    move_history: Annotated[list[Move], Field(max_length=MOST_MOVES)] | None = None
    game_status: Annotated[str, Field(max_length=40)] | None = None
    winner: Seat | None = None
    max_players: Annotated[int, Field(ge=2, le=4)] | None = None
    total_rings_in_play: Count | None = None
    victory_threshold: Count | None = None
    territory_victory_threshold: Count | None = None
    territory_victory_minimum: Count | None = None
    chain_capture_state: ChainCapture | None = None
    chain_capture_position: Cell | None = None
    must_move_from_stack_key: Key | None = None
    pending_line_reward_elimination: bool | None = None
    lps_round_index: Count | None = None
    lps_current_round_actor_mask: Annotated[dict[Literal["1", "2", "3", "4"], bool], Field(max_length=4)] | None = None
    lps_current_round_first_player: Seat | None = None
    lps_exclusive_player_for_completed_round: Seat | None = None
    lps_consecutive_exclusive_rounds: Count | None = None
    lps_consecutive_exclusive_player: Seat | None = None
    lps_rounds_required: Count | None = None
    lps_tracking: RoundsTracking | None = None
    rules_options: RulesOptions | None = None

    @property
    def history(self) -> list[Move]:
        """The moves played so far, as far as they were sent."""
        return self.move_history or []

    @property
    def is_over(self) -> bool:
        """Whether the game is over, or was given up."""
        return self.current_phase == "game_over" or self.game_status in ("completed", "finished", "abandoned")
