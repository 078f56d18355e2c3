"""The report of a process of self-play: counts while it plays, and at the end a table for people, JSON for programs."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from ringrift.selfplay.record import GameRecord

STOPPED: Final = "move limit"


@dataclass(frozen=True)
class EngineResult:
    """The result of one player."""

    spec: str
    seats: int
    """The number of seats that it has had in all games."""
    won: int


@dataclass(frozen=True)
class SelfPlayReport:
    """The games of a process; the counts are of its own games."""

    config: str
    run: str
    folder: str
    """The folder of the games."""
    games: int
    games_before: int
    """The number of games of the run that were there already."""
    complete: bool
    """Whether all games that were asked for are there."""
    moves: int
    """The number of moves in all games, those included that were given up at the end."""
    seconds: float
    network_seconds: float
    mean_actions: float
    """The mean number of actions of a game."""
    endings: dict[str, int]
    wins_by_seat: tuple[int, ...]
    engines: tuple[EngineResult, ...]
    resigned: int
    """The number of games in which a player would have resigned."""
    resigned_won: int
    """The number of these that the player won after all."""
    reloads: int
    """The number of times that new models were taken in."""

    @property
    def games_per_second(self) -> float:
        """The games per second over all the time, also before the first game had ended."""
        return self.games / self.seconds if self.seconds else 0.0

    @property
    def moves_per_second(self) -> float:
        """The moves per second of all games side by side."""
        return self.moves / self.seconds if self.seconds else 0.0

    @property
    def network_share(self) -> float:
        """The share of the time that was spent in networks."""
        return self.network_seconds / self.seconds if self.seconds else 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the report for programs."""
        rates = ("games_per_second", "moves_per_second", "network_share")
        return asdict(self) | {name: getattr(self, name) for name in rates}

    def lines(self) -> Iterator[str]:
        """Yield the lines under the table."""
        ends = ", ".join(f"{reason.replace('_', ' ')} {count}" for reason, count in self.endings.items())
        seats = " : ".join(map(str, self.wins_by_seat))
        yield f"ended by {ends}; {self.mean_actions:.0f} actions a game; won by seat {seats}"
        if self.resigned:
            share = self.resigned_won / self.resigned
            yield f"in {self.resigned} games a player would have resigned; of those, {share:.1%} won after all"
        if self.reloads:
            yield f"new models were taken in {self.reloads} times"


@dataclass
class Tally:
    """The games that have been played so far."""

    games_before: int
    games_wanted: int | None
    """The number of games in all, with those before; None for as many as there is time for."""
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
        """The seconds since the start."""
        return time.monotonic() - self.started

    @property
    def speed(self) -> str:
        """Return the speed and the share of the network, in words."""
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
        """Return the report of these games."""
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
