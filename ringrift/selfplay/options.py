"""The options of a run of self-play: the same options, played by the same models, give the same games."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import orjson

from ringrift.errors import RingRiftError
from ringrift.selfplay.hard_positions import HardPositions, positions_file, read_positions_file
from ringrift.selfplay.settings import SelfPlaySettings

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_log = logging.getLogger(__name__)


class BadOptions(RingRiftError):
    """Self-play that cannot be done as asked for."""


@dataclass(frozen=True)
class SelfPlayOptions:
    """The options by which the games of a run are played; with the number of a game they decide all chance in it."""

    config: str
    run: str
    players: str | None
    """A spec, in which `{best}` stands for the champion; None for the players of the settings."""
    seed: int
    max_moves: int
    progress: float
    """The progress of training, 0 … 1, which the schedule of temperature `curriculum`, later players and the difficulty
    of the settings follow."""
    resigns: bool
    settings: SelfPlaySettings
    positions: HardPositions | None = None
    """The hard positions that the share `opening.hard` of the games begins in."""
    from_zero: bool = False
    """Whether the champion of the package is left out: without a promoted model, the bootstrap mixture plays."""

    def seed_of(self, purpose: str) -> int:
        """Return the seed of one use of random numbers, 64 bits; two uses with one seed would draw the same numbers."""
        return digest((self.run, self.seed, purpose))

    @property
    def fingerprint(self) -> str:
        """Return 8 hexadecimal digits of a hash of everything but the run's name."""
        settings = self.settings.model_dump(
            exclude={"batch", "gpu_batch", "network_threads", "files", "targets"}
        )  # these change no game
        positions = self.positions.id if self.positions else None
        whole = (self.config, self.players, self.seed, self.max_moves, self.progress, self.resigns, settings, positions)
        return f"{digest((*whole, 'from zero') if self.from_zero else whole):016x}"[:8]


def wanted_positions(config: str, settings: SelfPlaySettings) -> HardPositions | None:
    """Return the hard positions that the settings ask for; None if for none, or, with a warning, if there are none yet.

    `BadPositions` if their file is damaged, or made by other rules.
    """
    path = positions_file(config)
    if not settings.opening.hard:
        return None
    if not path.exists():
        _log.warning("%s: not there yet, no game begins in a hard position; `ringrift hard-positions` makes it", path)
        return None
    return read_positions_file(path, config)


def digest(content: object) -> int:
    """Return 64 bits of the hash of anything that JSON can hold."""
    return int.from_bytes(blake2b(orjson.dumps(content, option=orjson.OPT_SORT_KEYS), digest_size=8).digest(), "big")


def checked_name(what: str, name: str) -> str:
    """Return a name if it can be the name of a file; raise `BadOptions` if it cannot."""
    if NAME.fullmatch(name) is None:
        raise BadOptions(f"{what} {name!r}: a name consists of letters, digits, dots, dashes and underscores")
    return name
