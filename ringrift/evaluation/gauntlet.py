"""The gauntlet: a model against random, heuristic and champion, in two stages.

With three and four players the model sits alone among copies of its opponent, and what counts is the share of them that
it comes in ahead of (½ where they are level): 50 % is equal with any number of players, so that the same limits hold,
while a fair share of wins would be a half, a third, a quarter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import log10
from typing import Any, Final, Literal

from ringrift.evaluation.elo import Difference
from ringrift.evaluation.match_runner import MatchRunner
from ringrift.evaluation.participants import Participant, participant
from ringrift.evaluation.results import GameResult, distinct
from ringrift.evaluation.settings import GauntletSettings
from ringrift.evaluation.store import store_evaluation
from ringrift.game import parse_config
from ringrift.statistics import score_interval

GAUNTLET: Final = "gauntlet"
DISTINCT: Final = 0.95
"""The share of different games below which the report warns."""

Role = Literal["random", "heuristic", "champion"]
Verdict = Literal["passed", "failed", "cut off", "not finished"]
"""`cut off`: hopeless in the first stage; `not finished`: another opponent has cut the model off."""


@dataclass(frozen=True)
class OpponentResult:
    """The result of the model against one opponent."""

    role: Role
    opponent: str
    games: int
    distinct: int
    """The games that differ in some action."""
    wins: int
    losses: int
    draws: int
    """The games that were stopped and have no winner; with three and four players a loss is any game not won."""
    score: float
    """The mean over the games of the share of opponents that the model came in ahead of."""
    low: float
    high: float
    """The upper end of its 95 % Wilson interval; a repeated game makes it no narrower."""
    limit: float
    """The score that is needed."""
    above: float
    """The value that the interval has to lie above."""
    verdict: Verdict

    @property
    def wins_share(self) -> float:
        """The share of games won."""
        return self.wins / self.games

    @property
    def elo(self) -> Difference | None:
        """The difference in Elo from these games alone; None if the interval reaches to 0 or 1."""
        if not 0 < self.low <= self.score <= self.high < 1:
            return None
        return Difference(*(400 * log10(share / (1 - share)) for share in (self.score, self.low, self.high)))


@dataclass(frozen=True)
class GauntletReport:
    """The result of a gauntlet."""

    config: str
    model: str
    opponents: tuple[OpponentResult, ...]
    passed: bool
    notes: tuple[str, ...]

    @property
    def games(self) -> int:
        """The games that were played."""
        return sum(opponent.games for opponent in self.opponents)

    def __getitem__(self, role: Role) -> OpponentResult:
        """Return the result against an opponent; `KeyError` if it was not played against."""
        for opponent in self.opponents:
            if opponent.role == role:
                return opponent
        raise KeyError(role)

    def to_json(self) -> dict[str, Any]:
        """Return the report in JSON's types."""
        shares = [{"wins_share": one.wins_share, "elo": one.elo and asdict(one.elo)} for one in self.opponents]
        opponents = [asdict(one) | more for one, more in zip(self.opponents, shares, strict=True)]
        return asdict(self) | {"games": self.games, "opponents": opponents}


def gauntlet(config: str, model: Participant, champion: Participant | None, runner: MatchRunner) -> GauntletReport:
    """Let a model run the gauntlet; the report is stored.

    The same model gets the same games and the same verdict; an interrupted gauntlet goes on with the games that are
    missing. Raises `Interrupted`, and what is wrong with the model's or the champion's file before any game is played.
    """
    settings = runner.settings.gauntlet
    notes = []
    opponents: dict[Role, Participant] = {"random": participant("random"), "heuristic": participant("heuristic")}
    if champion is None:
        notes.append("there is no champion yet: nobody to be stronger than")
    elif champion.name == model.name:
        notes.append("the model is the champion, and does not play against itself")
    else:
        opponents["champion"] = champion
    first = {
        role: runner.plan(config, (model, opponent), games=settings.first_games, kind="gate", part="first", alone=True)
        for role, opponent in opponents.items()
    }
    agents = {role: runner.agents(plan, (model, opponents[role])) for role, plan in first.items()}
    played = {role: runner.play("gate", plan, agents.pop(role)) for role, plan in first.items()}
    finished = all(mean_score(games, model.name) >= settings.cut_off for games in played.values())
    if finished:
        for role, opponent in opponents.items():
            pair = (model, opponent)
            plan = runner.plan(config, pair, games=settings.second_games, kind="gate", part="second", alone=True)
            played[role] += runner.play("gate", plan, runner.agents(plan, pair))
    results = tuple(
        judge_games(role, model.name, opponents[role].name, games, settings, finished=finished)
        for role, games in played.items()
    )
    notes += [
        f"only {one.distinct} of {one.games} games against {one.role} are different: a repeated game tells nothing new"
        for one in results
        if one.distinct < DISTINCT * one.games
    ]
    if parse_config(config)[1] > 2:
        notes.append("score: the share of opponents that the model, alone among copies of one, came in ahead of")
    report = GauntletReport(config, model.name, results, all(one.verdict == "passed" for one in results), tuple(notes))
    store_evaluation(runner.database, GAUNTLET, config, report.to_json(), candidate=model.name, passed=report.passed)
    return report


def judge_games(
    role: Role, model: str, opponent: str, games: Sequence[GameResult], settings: GauntletSettings, *, finished: bool
) -> OpponentResult:
    """Judge the games against an opponent by the limits of its role; `finished` after both stages."""
    score = round(mean_score(games, model), 9)
    different = len(distinct(games))
    low, high = score_interval(score, different)
    limit = float(getattr(settings.limits, role))
    wins = sum(game.winner() == model for game in games)
    draws = sum(game.winner() is None for game in games)
    verdict: Verdict
    if finished:
        verdict = "passed" if score >= limit and low > settings.above else "failed"
    else:
        verdict = "cut off" if score < settings.cut_off else "not finished"
    return OpponentResult(
        role=role,
        opponent=opponent,
        games=len(games),
        distinct=different,
        wins=wins,
        losses=len(games) - wins - draws,
        draws=draws,
        score=score,
        low=low,
        high=high,
        limit=limit,
        above=settings.above,
        verdict=verdict,
    )


def mean_score(games: Sequence[GameResult], player: str) -> float:
    """Return a player's mean score; ½ without games."""
    return sum(game.score(player) for game in games) / len(games) if games else 0.5
