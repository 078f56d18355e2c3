"""The settings of evaluation (`evaluation.yaml`)."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from ringrift.evaluation.sprt import SprtSettings
from ringrift.settings import Settings, read_config

PLAYERS: Final = (2, 3, 4)

Share = Annotated[float, Field(ge=0, le=1)]


class LimitSettings(Settings):
    """What a model has to score against whom."""

    random: Share
    heuristic: Share
    champion: Share


class GauntletSettings(Settings):
    """Two stages against each opponent."""

    as_: Annotated[str, Field(alias="as")]
    """The spec of a model's player, without the model."""
    first_games: PositiveInt
    cut_off: Share
    second_games: PositiveInt
    limits: LimitSettings
    above: Share
    """What the interval of the score has to lie above."""


class RatingSettings(Settings):
    """Where Elo comes from."""

    anchors: dict[int, list[str]]
    """By number of players."""
    anchor_games: PositiveInt
    games: PositiveInt
    trend: Annotated[int, Field(ge=3)]


class TournamentSettings(Settings):
    """Everybody against everybody."""

    games: PositiveInt
    players: dict[int, list[str]]
    """By number of players."""


class ShadowSettings(Settings):
    """A few games of the newest model now and then."""

    games: PositiveInt


class AlarmSettings(Settings):
    """When something has gone wrong."""

    score: Share
    elo_drop: PositiveFloat | PositiveInt


class EvaluationSettings(Settings):
    """All of the file."""

    seed: NonNegativeInt
    network_threads: PositiveInt
    gauntlet: GauntletSettings
    sprt: SprtSettings
    rating: RatingSettings
    tournament: TournamentSettings
    shadow: ShadowSettings
    alarm: AlarmSettings


def evaluation_settings() -> EvaluationSettings:
    """Read the settings; `BadSettings` says what is wrong in them."""
    return read_config("evaluation.yaml", EvaluationSettings)
