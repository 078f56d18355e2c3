"""What is to be played in a run: the same plan, played by the same models, gives the same games."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import orjson

from ringrift.errors import RingRiftError
from ringrift.selfplay.settings import SelfPlaySettings

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class BadPlan(RingRiftError):
    """Self-play that cannot be done as asked for."""


@dataclass(frozen=True)
class SelfPlayPlan:
    """How the games of a run are played; with the number of a game it decides all chance in it."""

    config: str
    run: str
    players: str | None
    """A spec, in which `{best}` stands for the promoted model; None for those of the settings."""
    seed: int
    max_moves: int
    progress: float
    """Of training, 0 … 1; only the schedule `curriculum` asks."""
    resigns: bool
    settings: SelfPlaySettings

    def seed_of(self, purpose: str) -> int:
        """The seed for one kind of chance, 64 bits; kinds must not share one, or their numbers would go together."""
        return digest((self.run, self.seed, purpose))

    @property
    def fingerprint(self) -> str:
        """8 hexadecimal digits of everything but the run's name."""
        settings = self.settings.model_dump(
            exclude={"batch", "network_threads", "files", "targets"}
        )  # these change no game
        whole = (self.config, self.players, self.seed, self.max_moves, self.progress, self.resigns, settings)
        return f"{digest(whole):016x}"[:8]


def digest(content: object) -> int:
    """64 bits of the hash of anything that JSON can hold."""
    return int.from_bytes(blake2b(orjson.dumps(content, option=orjson.OPT_SORT_KEYS), digest_size=8).digest(), "big")


def checked_name(what: str, name: str) -> str:
    """A name that can be that of a file; `BadPlan` if it cannot."""
    if NAME.fullmatch(name) is None:
        raise BadPlan(f"{what} {name!r}: a name consists of letters, digits, dots, dashes and underscores")
    return name
