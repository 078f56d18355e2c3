"""The settings of evaluation (`evaluation.yaml`)."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from ringrift.evaluation.sprt import Risk, SprtSettings
from ringrift.settings import Settings, read_config

PLAYERS: Final = (2, 3, 4)

Share = Annotated[float, Field(ge=0, le=1)]


class LimitSettings(Settings):
    """The scores that a model has to reach; 0 asks for nothing."""

    random: Share
    heuristic: Share
    champion: Share


class GauntletSettings(Settings):
    """The settings of the gauntlet: two stages against each opponent, the second of them a sequential test."""

    heuristic: str
    """The spec of the opponent of that name."""
    as_: Annotated[str, Field(alias="as")]
    """The spec of a model's player, without the model."""
    first_games: PositiveInt
    cut_off: Share
    """A model that scores less in the first stage plays no second one."""
    second_games: PositiveInt
    """The most games of the second stage."""
    look_games: PositiveInt
    """The games between two looks at the test."""
    limits: LimitSettings
    margin: Annotated[float, Field(gt=0, lt=0.5)]
    """The hypotheses of the test are scores so far below and above the limit."""
    risk: Risk
    """The probability at which a model of either hypothesis may be taken for one of the other."""


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
    false_alarm: Risk
    """The probability at which equals may raise an alarm."""
    missed: Risk
    """The probability at which a model that is weaker by `elo_drop` may raise none."""
    look_blocks: PositiveInt
    """Blocks of every shadow evaluation, until the test is over."""
    most_blocks: PositiveInt


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
