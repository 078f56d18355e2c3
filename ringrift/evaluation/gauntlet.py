"""The gauntlet: a model against random, heuristic and champion, in two stages.

The first stage is short, and ends what is hopeless. The second plays each opponent until the sequential test
(`sprt.py`) is clear about the limit, or the most games have been played. Blocks, one opening in all seatings, are what
it counts: games of one opening are not independent. Which limits, margins and risks leave the champion strongest was
simulated (docs/gate.md).

With three and four players the model sits alone among copies of its opponent, and what counts is the share of them that
it comes in ahead of (½ where they are level): 50 % is equal with any number of players, so that the same limits hold,
while a fair share of wins would be a half, a third, a quarter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import count
from typing import Any, Final, Literal

from ringrift.evaluation.elo import Difference
from ringrift.evaluation.fixtures import Fixture
from ringrift.evaluation.fixtures import GauntletRole as Role
from ringrift.evaluation.match_runner import MatchRunner
from ringrift.evaluation.participants import Participant, participant
from ringrift.evaluation.results import GameResult, block_scores, distinct, interval
from ringrift.evaluation.schedule import seatings
from ringrift.evaluation.settings import GauntletSettings
from ringrift.evaluation.sprt import SprtSettings, elo_of, judge
from ringrift.evaluation.store import store_evaluation
from ringrift.game import parse_config

GAUNTLET: Final = "gauntlet"
DISTINCT: Final = 0.95
"""The share of different games below which the report warns."""
EXTREME: Final = 0.01
"""Hypotheses of the test are no nearer to a score of 0 or 1, which no number of Elo stands for."""

Verdict = Literal["passed", "failed", "cut off", "not finished"]
"""`cut off`: hopeless in the first stage; `not finished`: another opponent ended it before the answer was clear."""


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
    """The upper end of its 95 % Wilson interval, by blocks; a repeated game makes it no narrower."""
    limit: float
    """The score that is needed, against the champion exceeded."""
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
        return Difference(*map(elo_of, (self.score, self.low, self.high)))

    @property
    def wanted(self) -> str:
        """The limit in words."""
        return f"{'>' if self.role == 'champion' else '≥'} {self.limit:.0%}"

    def __str__(self) -> str:
        """Such as «10.0 % of 10 games against heuristic, wanted ≥ 60 %, cut off»."""
        return f"{self.score:.1%} of {self.games} games against {self.role}, wanted {self.wanted}, {self.verdict}"


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

    @property
    def why(self) -> str | None:
        """The reason why the model does not pass, the opponent that decided it; None if it has passed."""
        decided = (result for result in self.opponents if result.verdict in ("cut off", "failed"))
        return next(map(str, decided), None)

    def __getitem__(self, role: Role) -> OpponentResult:
        """Return the result against an opponent; `KeyError` if it was not played against."""
        for opponent in self.opponents:
            if opponent.role == role:
                return opponent
        raise KeyError(role)

    def to_json(self) -> dict[str, Any]:
        """Return the report in JSON's types."""
        opponents = [
            asdict(result)
            | {"wins_share": result.wins_share, "elo": result.elo and asdict(result.elo), "wanted": result.wanted}
            for result in self.opponents
        ]
        return asdict(self) | {"games": self.games, "opponents": opponents, "why": self.why}


def gauntlet(config: str, model: Participant, champion: Participant | None, runner: MatchRunner) -> GauntletReport:
    """Let a model run the gauntlet, and store the report.

    The same model gets the same games and the same verdict; an interrupted gauntlet goes on with the games that are
    missing. Raises `Interrupted`, and what is wrong with the model's or the champion's file before any game is played.
    """
    notes = []
    if champion is None:
        notes.append("there is no champion yet that the model could be stronger than")
    elif champion.name == model.name:
        notes.append("the model is the champion, and does not play against itself")
    results = _play(gauntlet_fixtures(config, model, champion, runner.settings.gauntlet), runner)
    notes += [
        f"only {result.distinct} of {result.games} games against {result.role} are different: "
        "a repeated game tells nothing new"
        for result in results
        if result.distinct < DISTINCT * result.games
    ]
    if parse_config(config)[1] > 2:
        notes.append("score: the share of opponents that the model, alone among copies of one, came in ahead of")
    report = GauntletReport(
        config, model.name, results, all(result.verdict == "passed" for result in results), tuple(notes)
    )
    store_evaluation(runner.database, GAUNTLET, config, report.to_json(), candidate=model.name, passed=report.passed)
    return report


def gauntlet_fixtures(
    config: str, model: Participant, champion: Participant | None, settings: GauntletSettings
) -> list[Fixture]:
    """Return the first stage against each opponent; `GauntletMatch` decides what follows."""
    opponents: dict[Role, Participant] = {
        "random": participant("random", config),
        "heuristic": participant(settings.heuristic, config),
    }
    if champion is not None and champion.name != model.name:
        opponents["champion"] = champion
    return [
        Fixture(config, "gate", "first", settings.first_games, (model, opponent), alone=True, against=role)
        for role, opponent in opponents.items()
    ]


class GauntletMatch:
    """The games of a model against one opponent of the gauntlet."""

    def __init__(self, fixture: Fixture, runner: MatchRunner) -> None:
        """Make both players ready; a file that is not sound raises its error before any game."""
        assert fixture.against is not None
        self.role: Role = fixture.against
        self.parts = [fixture]
        """The parts that have been requested."""
        self._fixture = fixture
        self._runner = runner
        self._ready = runner.ready(fixture)
        self._games: list[GameResult] = []

    def play_first(self) -> OpponentResult:
        """Play the first stage."""
        self._games = self._runner.play_ready(self._ready)
        return self.result()

    def play_on(self) -> OpponentResult:
        """Play the second stage, until the verdict is clear."""
        settings = self._runner.settings.gauntlet
        looks = count()
        while (result := self.result()).verdict == "not finished":
            part = self._fixture.of_part(f"second {next(looks)}", settings.look_games)
            self.parts.append(part)
            self._games += self._runner.play_ready(self._runner.ready(part))
        return result

    def result(self) -> OpponentResult:
        """Judge the games so far."""
        model, opponent = (player.name for player in self._fixture.players)
        return judge_games(self.role, model, opponent, self._games, self._runner.settings.gauntlet)


def _play(fixtures: Sequence[Fixture], runner: MatchRunner) -> tuple[OpponentResult, ...]:
    """Play both stages: the first against all, the second against one after the other until one is lost."""
    settings = runner.settings.gauntlet
    matches = [GauntletMatch(fixture, runner) for fixture in fixtures]
    results = {match.role: match.play_first() for match in matches}
    hopeless = [role for role, result in results.items() if result.score < settings.cut_off]
    if hopeless:
        return tuple(
            replace(result, verdict="cut off" if role in hopeless else "not finished")
            for role, result in results.items()
        )
    for match in matches:
        results[match.role] = match.play_on()
        if results[match.role].verdict == "failed":
            break
    return tuple(results.values())


def judge_games(
    role: Role, model: str, opponent: str, games: Sequence[GameResult], settings: GauntletSettings
) -> OpponentResult:
    """Judge the games against an opponent, whole blocks of them, by the sequential test around the limit of its role.

    `not finished` asks for more games. Where the test is not clear when the most have been played, the score decides;
    only more than half of the points make a new champion.
    """
    limit = float(getattr(settings.limits, role))
    blocks = block_scores(games, model)
    score = round(mean_score(games, model), 9)
    most = settings.first_games + settings.second_games
    test = sequential_settings(limit, len(seatings(2, len(games[0].players), alone=True)), settings)
    answer = judge(blocks, test).stronger
    verdict: Verdict = "not finished"
    if limit == 0 or answer is True:
        verdict = "passed"
    elif answer is False:
        verdict = "failed"
    elif len(games) >= most:
        verdict = "passed" if score > limit or (score == limit and role != "champion") else "failed"
    wins = sum(game.winner() == model for game in games)
    draws = sum(game.winner() is None for game in games)
    low, high = interval(games, model)
    return OpponentResult(
        role=role,
        opponent=opponent,
        games=len(games),
        distinct=len(distinct(games)),
        wins=wins,
        losses=len(games) - wins - draws,
        draws=draws,
        score=score,
        low=low,
        high=high,
        limit=limit,
        verdict=verdict,
    )


def sequential_settings(limit: float, games_of_block: int, settings: GauntletSettings) -> SprtSettings:
    """Return the test of scores that lie the margin below and above a limit, by blocks of `games_of_block` games."""
    below, above = max(limit - settings.margin, EXTREME), min(limit + settings.margin, 1 - EXTREME)
    return SprtSettings(
        weaker=elo_of(below),
        stronger=elo_of(above),
        alpha=settings.risk,
        beta=settings.risk,
        least=-(-settings.first_games // games_of_block),
        most=-(-(settings.first_games + settings.second_games) // games_of_block),
    )


def mean_score(games: Sequence[GameResult], player: str) -> float:
    """Return a player's mean score; ½ without games."""
    return sum(game.score(player) for game in games) / len(games) if games else 0.5
