"""The settings of evaluation (`evaluation.yaml`)."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from ringrift.evaluation.sprt import SprtSettings
from ringrift.settings import Settings, read_config

PLAYERS: Final = (2, 3, 4)

Share = Annotated[float, Field(ge=0, le=1)]


class LimitSettings(Settings):
    """The scores that a model has to reach."""

    random: Share
    heuristic: Share
    champion: Share


class GauntletSettings(Settings):
    """The settings of the gauntlet: two stages against each opponent."""

    as_: Annotated[str, Field(alias="as")]
    """The spec of a model's player, without the model."""
    first_games: PositiveInt
    cut_off: Share
    second_games: PositiveInt
    limits: LimitSettings
    above: Share
    """The value that the interval of the score has to lie above."""


class RatingSettings(Settings):
    """The settings of ratings."""

    anchors: dict[int, list[str]]
    """Specs by number of players."""
    anchor_games: PositiveInt
    games: PositiveInt
    trend: Annotated[int, Field(ge=3)]


class TournamentSettings(Settings):
    """The settings of tournaments."""

    games: PositiveInt
    players: dict[int, list[str]]
    """Specs by number of players."""


class ShadowSettings(Settings):
    """The settings of the shadow evaluation."""

    games: PositiveInt


class AlarmSettings(Settings):
    """The settings of alarms."""

    score: Share
    elo_drop: PositiveFloat | PositiveInt


class EvaluationSettings(Settings):
    """The settings of the file."""

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
