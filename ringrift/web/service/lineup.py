"""The players: from the level or mode that a request names to the player's spec and its files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ringrift.agents import BadSpec, Spec, known_spec
from ringrift.agents.champion import CHAMPION, find_champion, with_shipped
from ringrift.agents.ladder import ladder_spec
from ringrift.errors import RingRiftError
from ringrift.networks import read_id
from ringrift.web.settings import ServiceSettings

WITHOUT: Final = "heuristic"
"""The stand-in for a champion where there is none yet."""
Stamp = tuple[int, int, int]


@dataclass(frozen=True)
class Player:
    """A player by name, and the file of its model as it is now."""

    config: str
    spec: str
    model: Path | None
    stamp: Stamp | None = field(compare=False)
    """Time, size and inode of the model's file, which change when it is replaced."""

    @property
    def parsed(self) -> Spec:
        """The spec, taken apart."""
        return Spec.parse(self.spec)

    @property
    def mode(self) -> str:
        """The mode of playing, which answers call `ai_type`."""
        return self.parsed.mode

    def model_id(self) -> str | None:
        """Return the id of the model; None without one, or if it cannot be read now."""
        if self.model is None:
            return None
        try:
            return read_id(self.model)
        except (RingRiftError, OSError):
            return None


class Lineup:
    """The players of all configs; models are those of a folder."""

    def __init__(self, settings: ServiceSettings, models: Path) -> None:
        """Choose among the ladder and the modes of the settings."""
        self.settings = settings
        self.models = models
        self._levels: dict[tuple[str, int], str] = {}

    def player(self, config: str, difficulty: int, mode: str | None) -> Player:
        """Return the player of a level, or of a mode; `BadSpec` if there is no such mode."""
        if mode is None:
            return self.named(config, self._level(config, difficulty))
        if mode not in self.settings.modes:
            raise BadSpec(f"ai_type: {mode[:40]!r} is unknown; known are {', '.join(self.settings.modes)}")
        return self.named(config, self.settings.modes[mode])

    def _level(self, config: str, difficulty: int) -> str:
        """Return the spec of a level, read from the ladder once."""
        key = config, difficulty
        if key not in self._levels:
            self._levels[key] = ladder_spec(config, difficulty)
        return self._levels[key]

    def named(self, config: str, spec: str) -> Player:
        """Return the player of a spec, in which `{best}` and `{shipped}` stand for champions."""
        if CHAMPION in spec:
            champion = find_champion(self.models, config)
            spec = spec.replace(CHAMPION, WITHOUT if champion is None else str(champion))
        spec = with_shipped(spec, config)
        model = known_spec(spec).network
        path = None if model is None else Path(model)
        return Player(config, spec, path, None if path is None else stamp_of(path))


def stamp_of(path: Path) -> Stamp | None:
    """Return a stamp that changes when a file is replaced; None if it is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
