"""The requests and answers of the service, in the names that game servers know."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from ringrift.web.service.game_state import GameState, Move

Difficulty = Annotated[int, Field(ge=1, le=10)]
PlayerNumber = Annotated[int, Field(ge=1, le=4)]


class Problem(BaseModel):
    """The fault of a request."""

    detail: str
    """The fault in one line, with the field."""


class MoveRequest(BaseModel):
    """A position in which a player has to move."""

    model_config = ConfigDict(extra="ignore", strict=True)

    game_state: GameState
    player_number: PlayerNumber
    difficulty: Difficulty = 5
    ai_type: Annotated[str, Field(max_length=40)] | None = None
    """A mode of playing, in place of the player of that level."""
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None


class MoveAnswer(BaseModel):
    """A move."""

    move: Move | None
    """The move in canonical form; null when the game is over."""
    evaluation: float
    """The value of the position for that player, −1 … 1."""
    thinking_time_ms: int
    ai_type: str
    difficulty: int
    use_neural_net: bool
    nn_model_id: str | None
    nn_checkpoint: str | None
    nnue_checkpoint: str | None
    heuristic_profile_id: str | None
    assumptions: list[str] = []
    """The assumptions about the position that neither board nor fields nor history settle."""


class EvaluateRequest(BaseModel):
    """A position to be judged for a player."""

    model_config = ConfigDict(extra="ignore", strict=True)

    game_state: GameState
    player_number: PlayerNumber
    difficulty: Difficulty = 5


class Evaluation(BaseModel):
    """The value of a position for a player, by the heuristic."""

    score: float
    """The sum of the breakdown."""
    breakdown: dict[str, float]
    """The player's own term less the mean of the others', for every feature."""


class PositionRequest(BaseModel):
    """A position."""

    model_config = ConfigDict(extra="ignore", strict=True)

    game_state: GameState


class PlayerEvaluation(BaseModel):
    """The value of a position for one player."""

    player_number: int
    value: float
    """The heuristic's value, −1 … 1."""
    features: dict[str, float]
    """The terms of the heuristic."""
    network_value: float | None
    """The champion's value, −1 … 1; null where there is none."""


class PositionEvaluation(BaseModel):
    """The value of a position for every player."""

    players: list[PlayerEvaluation]
    nn_model_id: str | None
    assumptions: list[str] = []


class RulesRequest(BaseModel):
    """A move in a position."""

    model_config = ConfigDict(extra="ignore", strict=True)

    game_state: GameState
    move: Move


class RulesAnswer(BaseModel):
    """The legality of a move, and the position after it."""

    valid: bool
    reason: str | None
    next_state: dict[str, Any] | None
    state_hash: str | None
    """The hash of the next state, 16 hexadecimal digits."""
    assumptions: list[str] = []
