"""Who plays which seat of which game: mixtures are drawn, and new models are taken in while games go on."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ringrift.agents import Agent, Spec, cheaper, make_agent
from ringrift.agents.mixed import draw_members
from ringrift.agents.spec import parse_members
from ringrift.errors import RingRiftError
from ringrift.game import parse_config
from ringrift.selfplay.plan import SelfPlayPlan

_log = logging.getLogger(__name__)

PROMOTED: Final = "{best}"
"""Stands for the promoted model's file in the specs of players."""

Stamp = tuple[tuple[int, int, int] | None, ...]
"""What tells whether files are still the same: time, size and inode of each, None if it is not there."""


@dataclass(frozen=True, eq=False)
class Player:
    """One player, ready to play."""

    spec: str
    model: str | None
    """Id of its model."""
    agent: Agent
    keeps_temperature: bool
    """Its spec names a temperature, which no schedule changes."""
    cheaper: Agent | None
    """The same player with fewer simulations, for lost games; None if it cannot have fewer, or never gives up."""


def promoted_model(folder: Path, config: str) -> Path:
    """Where the promoted model of a config lies in the folder of models."""
    return folder / f"ringrift_best_{config}.pth"


class Lineup:
    """The players of a run; a game keeps those that it begins with."""

    def __init__(self, plan: SelfPlayPlan, models: Path) -> None:
        """`models` is the folder of the promoted model."""
        self.plan = plan
        self.board, self.seat_count = parse_config(plan.config)
        self.best = promoted_model(models, plan.config)
        self.agent_seed = plan.seed_of("players")
        self.draw_seed = np.uint64(plan.seed_of("lineup"))
        self.reloads = 0
        """How often new models have been taken in."""
        self.members: list[Player] = []
        self.stamps: dict[Path, Stamp] = {}
        self._take_in(self._asked())

    def refresh(self) -> None:
        """Take in models that have changed, for the games that begin from now on, and log it.

        A model that cannot be used is left, with a warning, until its files change again: it may be half written.
        """
        stamps = self._stamps()
        if stamps == self.stamps:
            return
        before = self.text, [player.model for player in self.members]
        try:
            self._take_in(self._asked())
        except RingRiftError as error:
            self.stamps = stamps  # those of before the files were read: what has changed since is looked at again
            _log.warning("new games are played as before: %s", error)
            return
        models = [player.model for player in self.members]
        if (self.text, models) != before:
            self.reloads += 1
            named = ", ".join(sorted({model for model in models if model}))
            _log.info("new games are played by %s%s", self.text, f", model {named}" if named else "")

    def seats(self, game: int) -> tuple[Player, ...]:
        """Who plays the seats of a game, `[players]`."""
        seats = np.arange(1, self.seat_count + 1)
        if self.plan.settings.draw == "game":
            seats[:] = 0
        drawn = draw_members(self.weights, np.full(self.seat_count, game, np.int64), seats, self.draw_seed)
        return tuple(self.members[member] for member in drawn.tolist())

    def _asked(self) -> str:
        """The spec that is to be played by now."""
        players = self.plan.settings.players
        # If one of the champion's two files is missing, reading it says so; nobody plays on without a word.
        promoted = self.best.exists() or self.best.with_suffix(".json").exists()
        text = self.plan.players or (players.trained if promoted else players.bootstrap)
        return text.replace(PROMOTED, str(self.best))

    def _take_in(self, text: str) -> None:
        """Make the players that a spec names; if that fails, nothing has changed."""
        parts = parse_members(text) if text.startswith("mixed:") else [(1.0, text)]
        watched = {path for _, spec in parts if (path := model_path(spec))}
        watched |= set() if self.plan.players else {self.best}
        stamps = {path: stamp_of(path) for path in watched}  # before the files are read, so that no change is missed
        made: dict[str, Player] = {}
        for _, spec in parts:
            made.setdefault(spec, self._player(spec))
        self.text = text
        self.stamps = stamps
        self.weights = [weight for weight, _ in parts]
        self.members = [made[spec] for _, spec in parts]

    def _player(self, spec: str) -> Player:
        """The player of a spec: the one there is, if its model is the same."""
        while True:
            model = model_id(spec)
            for player in self.members:
                if (player.spec, player.model) == (spec, model):
                    return player
            if model is not None:
                use_threads(self.plan.settings.network_threads)
            agent = self._agent(spec)
            share = self.plan.settings.resignation.simulations
            less = cheaper(spec, share) if self.plan.resigns else None
            player = Player(
                spec=spec,
                model=model,
                agent=agent,
                keeps_temperature="temperature" in Spec.parse(spec).options,
                cheaper=self._agent(less) if less else None,
            )
            if model_id(spec) == model:  # else the file was replaced in between, and nobody knows which one was read
                return player

    def _agent(self, spec: str) -> Agent:
        return make_agent(spec, self.board, self.seat_count, seed=self.agent_seed)

    def _stamps(self) -> dict[Path, Stamp]:
        return {path: stamp_of(path) for path in self.stamps}


def model_path(spec: str) -> Path | None:
    """The file of the model that a spec names."""
    model = Spec.parse(spec).model
    return None if model in (None, "heuristic") else Path(str(model))


def model_id(spec: str) -> str | None:
    """The id of the model that a spec names."""
    path = model_path(spec)
    if path is None:
        return None
    from ringrift.networks import read_id  # late: torch is slow to import, and players without a network need none

    return read_id(path)


def use_threads(count: int) -> None:
    """Let networks on the CPU use so many threads of this process."""
    import torch

    torch.set_num_threads(count)


def stamp_of(path: Path) -> Stamp:
    """The stamp of a model: of its weights and of the description beside them."""
    found: list[tuple[int, int, int] | None] = []
    for file in (path, path.with_suffix(".json")):
        try:
            status = file.stat()
        except OSError:
            found.append(None)
        else:
            found.append((status.st_mtime_ns, status.st_size, status.st_ino))
    return tuple(found)
