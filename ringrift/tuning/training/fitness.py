"""The fitness of a training: the loss on games held out, or Elo at equal computing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log2
from pathlib import Path
from typing import Final

from ringrift.evaluation.gauntlet import mean_score
from ringrift.evaluation.match_runner import MatchRunner
from ringrift.evaluation.matches import PLIES_OF_A_TURN, MatchPlan
from ringrift.evaluation.participants import Participant, model_participant, participant
from ringrift.evaluation.results import GameResult, distinct, interval
from ringrift.evaluation.schedule import seatings
from ringrift.evaluation.sprt import elo_of
from ringrift.game import parse_config
from ringrift.limits import move_limit
from ringrift.training.settings import LossSettings
from ringrift.tuning.training.errors import BadSearch
from ringrift.tuning.training.settings import FitnessSettings
from ringrift.tuning.training.space import FitnessKind

HIGHER_IS_BETTER: Final[Mapping[FitnessKind, bool]] = {"loss": False, "elo": True}


@dataclass(frozen=True)
class EloMeasure:
    """The strength of a player over another, from games with paired openings."""

    elo: float
    low: float
    high: float
    """The upper end of the 95 % interval."""
    games: int
    score: float

    def __str__(self) -> str:
        return f"{self.elo:+.0f} Elo ({self.low:+.0f} … {self.high:+.0f}), {self.games} games"


def reference_loss(figures: Mapping[str, float], weights: LossSettings) -> float:
    """Return the loss of what plays, policy and values, with the weights in use, whatever a trial has learned with.

    Auxiliary heads are no part of a model. In square8_2p (docs/results/hyperparameters.md) 40 % of what was gained in
    the whole loss was that of the opponent's policy.
    """
    return figures["policy"] + weights.value * figures["value"]


def check_games(games: int, settings: FitnessSettings) -> None:
    """Refuse to decide by fewer games than can decide anything; `BadSearch`."""
    if games < settings.least_games:
        raise BadSearch(
            f"{games} games are too few to distinguish settings: take {settings.least_games} or more "
            "(fitness.least_games of tuning.yaml)"
        )


def elo_over_opponent(config: str, model: Path, settings: FitnessSettings, runner: MatchRunner) -> EloMeasure:
    """Measure a model against the opponent of the settings, always in the same openings; games are stored."""
    players = (model_participant(model, settings.as_), participant(settings.opponent, config))
    return elo_measure(paired_games(config, players, settings.games, runner), players[0].name)


def paired_games(
    config: str, players: tuple[Participant, Participant], games: int, runner: MatchRunner, seed: int = 0
) -> list[GameResult]:
    """Play at least `games` games, in whole openings, the same for all players with the same `seed`."""
    seats = parse_config(config)[1]
    plan = MatchPlan(
        config=config,
        players=tuple(player.name for player in players),
        openings=-(-games // len(seatings(2, seats))),
        opening_plies=PLIES_OF_A_TURN * seats,
        max_moves=move_limit(config),
        seed=runner.settings.seed + seed,
    )
    return runner.play("tuning", plan, runner.agents(plan, players))


def elo_measure(games: Sequence[GameResult], player: str) -> EloMeasure:
    """Return the Elo of a player over the others of its games, an interval of blocks of games with one opening.

    A score of 0 or 1 counts as half a game less extreme.
    """
    least = 0.5 / len(games)

    def elo(score: float) -> float:
        return elo_of(min(max(score, least), 1 - least))

    score = mean_score(games, player)
    low, high = interval(games, player)
    return EloMeasure(elo(score), elo(low), elo(high), len(distinct(games)), score)


def at_equal_computing(elo: float, computing: float, reference: float, per_doubling: float) -> float:
    """Return the Elo less what the computing beyond the reference has to be worth, more what is saved below it."""
    return elo - per_doubling * log2(computing / reference)
