"""What a process has played in a run: progress while it plays, and at the end a table for people, JSON for programs."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ringrift.selfplay.record import GameRecord

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.table import Table

STOPPED: Final = "move limit"


@dataclass(frozen=True)
class EngineResult:
    """What became of one player."""

    spec: str
    seats: int
    """That it has had, in all games."""
    won: int


@dataclass(frozen=True)
class SelfPlayReport:
    """What a process has played; the counts are of its own games."""

    config: str
    run: str
    folder: str
    """Where the games are."""
    games: int
    games_before: int
    """Games of the run that were there already."""
    complete: bool
    """Whether all games that were asked for are there."""
    moves: int
    """In all games, also those that were given up at the end."""
    seconds: float
    network_seconds: float
    mean_actions: float
    """Of a game."""
    endings: dict[str, int]
    wins_by_seat: tuple[int, ...]
    engines: tuple[EngineResult, ...]
    resigned: int
    """Games in which somebody would have given up."""
    resigned_won: int
    """… and won after all."""
    reloads: int
    """How often new models were taken in."""

    @property
    def games_per_second(self) -> float:
        """Over all the time, also that in which no game had ended yet."""
        return self.games / self.seconds if self.seconds else 0.0

    @property
    def moves_per_second(self) -> float:
        """Of all games side by side."""
        return self.moves / self.seconds if self.seconds else 0.0

    @property
    def network_share(self) -> float:
        """Of the time, in networks."""
        return self.network_seconds / self.seconds if self.seconds else 0.0

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        rates = ("games_per_second", "moves_per_second", "network_share")
        return asdict(self) | {name: getattr(self, name) for name in rates}

    def table(self) -> Table:
        """The players and what they have won."""
        from rich.markup import escape  # a spec is not written in rich's mark-up
        from rich.table import Table

        table = Table("player")
        for heading in ("seats", "won", "share"):
            table.add_column(heading, justify="right")
        for engine in self.engines:
            table.add_row(escape(engine.spec), f"{engine.seats}", f"{engine.won}", f"{engine.won / engine.seats:.1%}")
        return table

    def lines(self) -> Iterator[str]:
        """What is said in words under the table."""
        ends = ", ".join(f"{reason.replace('_', ' ')} {count}" for reason, count in self.endings.items())
        seats = " : ".join(map(str, self.wins_by_seat))
        yield f"ended by {ends}; {self.mean_actions:.0f} actions a game; won by seat {seats}"
        if self.resigned:
            share = self.resigned_won / self.resigned
            yield f"in {self.resigned} games somebody would have resigned; of those, {share:.1%} won after all"
        if self.reloads:
            yield f"new models were taken in {self.reloads} times"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        done = f"{self.games} games" + (f" after {self.games_before}" if self.games_before else "")
        unfinished = "" if self.complete else ", not all that were asked for"
        yield f"{self.config}, run {self.run}: {done} in {self.seconds:.1f} s{unfinished}"
        if self.games:
            yield f"{self.games_per_second:.2f} games/s, {self.moves_per_second:,.0f} moves/s," + (
                f" {self.network_share:.0%} of the time in the network"
            )
            yield self.table()
            yield from self.lines()
        yield f"games are in {self.folder}"


@dataclass
class Tally:
    """What has been played so far."""

    games_before: int
    games_wanted: int | None
    """In all, with those before; None for as many as there is time for."""
    games: int = 0
    moves: int = 0
    network_seconds: float = 0.0
    started: float = field(default_factory=time.monotonic)
    actions: int = 0
    resigned: int = 0
    resigned_won: int = 0
    endings: Counter[str] = field(default_factory=Counter)
    winners: Counter[int] = field(default_factory=Counter)
    seats: Counter[str] = field(default_factory=Counter)
    wins: Counter[str] = field(default_factory=Counter)

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self.started

    @property
    def speed(self) -> str:
        """How fast it goes, and how much of that is the network."""
        return f"{self.moves / self.seconds:,.0f} moves/s, {self.network_seconds / self.seconds:.0%} in the network"

    def add(self, record: GameRecord) -> None:
        """Count a game."""
        self.games += 1
        self.actions += len(record.actions)
        self.endings[record.reason or STOPPED] += 1
        self.seats.update(record.engines)
        if record.winner is not None:
            self.winners[record.winner] += 1
            self.wins[record.engines[record.winner - 1]] += 1
        if record.resigned is not None:
            self.resigned += 1
            self.resigned_won += record.winner == record.resigned[0]

    def report(self, *, config: str, run: str, players: int, folder: str, reloads: int) -> SelfPlayReport:
        """What it has come to."""
        return SelfPlayReport(
            config=config,
            run=run,
            folder=folder,
            games=self.games,
            games_before=self.games_before,
            complete=self.games_wanted is None or self.games_before + self.games >= self.games_wanted,
            moves=self.moves,
            seconds=self.seconds,
            network_seconds=self.network_seconds,
            mean_actions=self.actions / self.games if self.games else 0.0,
            endings=dict(self.endings.most_common()),
            wins_by_seat=tuple(self.winners[seat] for seat in range(1, players + 1)),
            engines=tuple(EngineResult(spec, seats, self.wins[spec]) for spec, seats in sorted(self.seats.items())),
            resigned=self.resigned,
            resigned_won=self.resigned_won,
            reloads=reloads,
        )
