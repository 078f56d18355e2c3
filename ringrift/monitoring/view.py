"""The sources of metrics, opened for one look: settings, database, counters, and this machine's folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from ringrift.clock import TOLERANCE
from ringrift.errors import RingRiftError
from ringrift.fleet.fleet import known_hosts
from ringrift.fleet.hosts import Host
from ringrift.game import configs
from ringrift.game_database import GamesDatabase
from ringrift.game_database.counters import Counted, CounterName, read_counters
from ringrift.game_database.settings import database_in
from ringrift.monitoring.settings import MonitoringSettings, monitoring_settings
from ringrift.pipeline.settings import LoopPreset, loop_settings
from ringrift.printable import one_line
from ringrift.settings import home_folder

NAMES: Final = frozenset(f"{board}_{players}p" for board, players in configs())
LONGEST_LABEL: Final = 100
"""The most characters of the value of a label."""
PATIENCE_SECONDS: Final = 3
"""The longest wait for a server that does not answer."""

Sample = tuple[str, tuple[str, ...], float]
"""A metric's name, the values of its labels, and its value."""
Samples = Iterator[Sample]


@dataclass(frozen=True, eq=False)
class MonitoringInputs:
    """The loop whose metrics are computed."""

    home: Path = field(default_factory=home_folder)
    """The folder that holds `data/` and `models/`."""
    database: str | None = None
    """The URL or path of the games database; None for that of the settings."""
    clock: Callable[[], float] = time.time


class View:
    """One look at the loop: each source is read once, and one that cannot be read does not affect the others."""

    def __init__(self, inputs: MonitoringInputs) -> None:
        self.home = inputs.home
        self.now = inputs.clock()
        self._name = inputs.database or database_in(inputs.home, patience=PATIENCE_SECONDS)
        self._opened: GamesDatabase | RingRiftError | None = None

    @cached_property
    def settings(self) -> MonitoringSettings:
        """The settings of monitoring."""
        return monitoring_settings()

    @cached_property
    def preset(self) -> LoopPreset:
        """The preset of the loop."""
        return loop_settings().preset_named(None)

    @cached_property
    def hosts(self) -> Mapping[str, Host]:
        """The hosts of the settings, and those that are rented now."""
        return known_hosts(self._name)

    @property
    def database(self) -> GamesDatabase:
        """The games database; its error, if it cannot be opened, is raised at every access."""
        if self._opened is None:
            try:
                self._opened = GamesDatabase(self._name)
            except RingRiftError as error:
                self._opened = error
        if isinstance(self._opened, RingRiftError):
            raise self._opened
        return self._opened

    @cached_property
    def counters(self) -> Mapping[CounterName, Mapping[tuple[str, str], Counted]]:
        """All counters."""
        return read_counters(self.database)

    @cached_property
    def configs(self) -> tuple[str, ...]:
        """The configs of the preset, and those that have games or models, in order; an unreadable source adds none."""
        names: set[str] = set()
        with suppress(RingRiftError):
            names |= set(self.preset.configs)
        with suppress(RingRiftError):
            names |= {config for config, _ in (*self.counted("games"), *self.counted("trainings"))}
        return tuple(sorted(names & NAMES))

    def counted(self, name: CounterName) -> Mapping[tuple[str, str], Counted]:
        """Return the counters of a name, by config and label."""
        return self.counters.get(name, {})

    def age(self, moment: float | None) -> float | None:
        """Return how many seconds ago a moment was; None without one, or if it lies in the future by a wrong clock."""
        if not moment or moment - self.now > TOLERANCE:
            return None
        return max(0.0, self.now - moment)

    def close(self) -> None:
        """Close the database."""
        if isinstance(self._opened, GamesDatabase):
            self._opened.close()


@contextmanager
def opened(inputs: MonitoringInputs) -> Iterator[View]:
    """Open a view, and close it."""
    view = View(inputs)
    try:
        yield view
    finally:
        view.close()


def label(text: str) -> str:
    """Return a text of any origin as the value of a label: one line, printable and short."""
    return one_line(text[:LONGEST_LABEL])
