"""One player against another until it is clear who is the stronger, or enough has been played."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from ringrift.evaluation.match_runner import MatchRunner
from ringrift.evaluation.participants import Participant
from ringrift.evaluation.results import GameResult, block_scores, distinct
from ringrift.evaluation.schedule import seatings
from ringrift.evaluation.sprt import SprtSettings, SprtVerdict, judge
from ringrift.evaluation.store import store_evaluation
from ringrift.game import parse_config

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

SEQUENTIAL: Final = "sequential"


@dataclass(frozen=True)
class SequentialReport:
    """What has come of a sequential test. Prints as lines on a rich console."""

    config: str
    player: str
    opponent: str
    games: int
    distinct: int
    settings: SprtSettings
    verdict: SprtVerdict

    @property
    def passed(self) -> bool:
        """Whether the player is the stronger."""
        return self.verdict.stronger is True

    def to_json(self) -> dict[str, Any]:
        """All of it, for machines."""
        return asdict(self) | {"settings": self.settings.model_dump(), "passed": self.passed}

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        from rich.markup import escape

        found = self.verdict
        tested, against = escape(self.player), escape(self.opponent)
        yield f"{self.config}: {tested} against {against}, {self.games} games, {self.distinct} of them different"
        yield (
            f"scores {found.score:.1%} in {found.blocks} blocks; the log-likelihood ratio of "
            f"{self.settings.stronger:+g} to {self.settings.weaker:+g} Elo is {found.ratio:+.2f}, clear outside "
            f"{found.lower:.2f} … {found.upper:.2f}"
        )
        if found.stronger is None:
            yield f"not clear after {found.blocks} blocks, the most there are"
        else:
            yield f"{tested} is {'' if found.stronger else 'not '}the stronger"


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
