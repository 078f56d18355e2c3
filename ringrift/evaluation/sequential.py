"""A sequential test: one player against another until it is clear which is the stronger, or enough has been played."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from ringrift.evaluation.match_runner import MatchRunner
from ringrift.evaluation.participants import Participant
from ringrift.evaluation.results import GameResult, block_scores, distinct
from ringrift.evaluation.schedule import seatings
from ringrift.evaluation.sprt import SprtSettings, SprtVerdict, judge
from ringrift.evaluation.store import store_evaluation
from ringrift.game import parse_config

SEQUENTIAL: Final = "sequential"


@dataclass(frozen=True)
class SequentialReport:
    """The result of a sequential test."""

    config: str
    player: str
    opponent: str
    games: int
    distinct: int
    settings: SprtSettings
    verdict: SprtVerdict

    @property
    def passed(self) -> bool:
        """Whether the player is clearly the stronger."""
        return self.verdict.stronger is True

    def to_json(self) -> dict[str, Any]:
        """Return the report in JSON's types."""
        return asdict(self) | {"settings": self.settings.model_dump(), "passed": self.passed}


def sequential_test(config: str, player: Participant, opponent: Participant, runner: MatchRunner) -> SequentialReport:
    """Test by blocks of games, all seatings of an opening, whether a player is stronger than another; stored.

    The same players get the same games, and an interrupted test goes on. Raises `Interrupted`.
    """
    settings = runner.settings.sprt
    games: list[GameResult] = []
    verdict = judge([], settings)
    seats = parse_config(config)[1]
    part = 0
    while not verdict.finished:
        wanted = min(settings.least, settings.most - verdict.blocks)
        plan = runner.plan(
            config,
            (player, opponent),
            games=wanted * len(seatings(2, seats)),
            kind="gate",
            part=f"{SEQUENTIAL} {part}",
        )
        games += runner.play("gate", plan, runner.agents(plan, (player, opponent)))
        verdict = judge(block_scores(games, player.name), settings)
        part += 1
    report = SequentialReport(config, player.name, opponent.name, len(games), len(distinct(games)), settings, verdict)
    store_evaluation(
        runner.database,
        SEQUENTIAL,
        config,
        report.to_json(),
        candidate=player.name,
        passed=verdict.stronger,
    )
    return report
