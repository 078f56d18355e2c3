"""The players of a run: mixtures are drawn for every game, and new models are taken in while games go on."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ringrift import energy, nnue
from ringrift.agents import Agent, Spec, cheaper, make_agent, promoted_model, shipped_model, with_difficulty
from ringrift.agents.champion import (
    CHAMPION,
    FORMER_CHAMPION,
    NEWEST,
    find_champion,
    find_promoted,
    former_wanted,
    placed_newest,
    with_shipped,
)
from ringrift.agents.mixed import draw_members
from ringrift.agents.network_evaluators import NetworkEvaluators
from ringrift.agents.spec import SHIPPED_CHAMPION, parse_members
from ringrift.errors import RingRiftError
from ringrift.game import parse_config
from ringrift.selfplay.options import SelfPlayOptions

_log = logging.getLogger(__name__)

Stamp = tuple[tuple[int, int, int] | None, ...]
"""Time, size and inode of each file, None if it is not there: they tell whether files are still the same."""


@dataclass(frozen=True, eq=False)
class Player:
    """One player of the pool, ready to play."""

    spec: str
    model: str | None
    """The id of its model; None if it has none."""
    agent: Agent
    keeps_temperature: bool
    """Whether its spec names a temperature, which no schedule changes."""
    cheaper: Agent | None
    """The same player with fewer simulations, for lost games; None if it cannot have fewer, or never gives up."""


class PlayerPool:
    """The players of a run; a game keeps the players that it begins with."""

    def __init__(self, options: SelfPlayOptions, models: Path, networks: NetworkEvaluators | None = None) -> None:
        """Make the players that the options name; `models` is the folder of the promoted model.

        Their `networks` are by default on the best device.
        """
        self.options = options
        self.networks = networks or NetworkEvaluators()
        self.board, self.seat_count = parse_config(options.config)
        self.models = models
        self.promoted = promoted_model(models, options.config)
        self.newest = placed_newest(models, options.config)
        self.names_newest = False
        self.agent_seed = options.seed_of("players")
        self.draw_seed = np.uint64(options.seed_of("lineup"))
        self.reloads = 0
        """The number of times that new models have been taken in."""
        self.former = 0
        """The number of former champions, from the newest back, that the players name."""
        self.members: list[Player] = []
        self.stamps: dict[Path, Stamp] = {}
        self._load(self._wanted_spec())

    @property
    def uses_gpu(self) -> bool:
        """Whether a player has a network that is computed beside the cores."""
        on_cores = energy.SUFFIX, nnue.SUFFIX
        paths = [self._model_path(player.spec) for player in self.members]
        has_network = any(path is not None and path.suffix not in on_cores for path in paths)
        return has_network and self.networks.device != "cpu"

    def refresh(self) -> None:
        """Take in models that have changed, for the games that begin from now on, and log it.

        A model that cannot be used is left, with a warning, until its files change again: it may be half written.
        """
        stamps = self._stamps()
        if stamps == self.stamps:
            return
        before = self.text, [player.model for player in self.members]
        try:
            self._load(self._wanted_spec())
        except RingRiftError as error:
            self.stamps = stamps  # taken before the files were read, so that later changes are looked at again
            _log.warning("new games are played as before: %s", error)
            return
        models = [player.model for player in self.members]
        if (self.text, models) != before:
            self.reloads += 1
            named = ", ".join(sorted({model for model in models if model}))
            _log.info("new games are played by %s%s", self.text, f", model {named}" if named else "")

    def seats(self, game: int) -> tuple[Player, ...]:
        """Draw the players of a game, `[players]` by seat."""
        seats = np.arange(1, self.seat_count + 1)
        if self.options.settings.draw == "game":
            seats[:] = 0
        drawn = draw_members(self.weights, np.full(self.seat_count, game, np.int64), seats, self.draw_seed)
        return tuple(self.members[member] for member in drawn.tolist())

    def _wanted_spec(self) -> str:
        """Return the spec that the newest games are to be played by."""
        champion, players = self._champion(), self.options.settings.players
        text = self.options.players or (players.bootstrap if champion is None else self._trained())
        best = champion or str(self.promoted)  # without any, the error names the file that is missing
        self.former = former_wanted(text)
        self.names_newest = NEWEST in text
        text = text.replace(NEWEST, str(self.newest) if self.newest.exists() else best)
        text = FORMER_CHAMPION.sub(lambda match: self._former_champion(int(match[1]), best), text)
        return text.replace(CHAMPION, best)

    def _champion(self) -> str | None:
        """Return what a spec calls the champion: the file of the promoted model, else `{shipped}`; None without either.

        The file of the package lies elsewhere on every host, and the spec is a part of a game's identity.
        """
        find = find_promoted if self.options.from_zero else find_champion
        path = find(self.models, self.options.config)
        if path is None:
            return None
        return SHIPPED_CHAMPION if path == shipped_model(self.options.config) else str(path)

    def _trained(self) -> str:
        """Return the players of the settings at the present progress, with the share of simulations that is due."""
        settings, progress = self.options.settings, self.options.progress
        text = settings.players.trained_at(progress)
        share = settings.difficulty.at(progress * settings.temperature.trainings)
        return text if share == 1 else with_difficulty(text, share)

    def _former_paths(self) -> list[Path]:
        """Return where the former champions lie that the players name, the newest first."""
        return [promoted_model(self.models, f"{self.options.config}~{back + 1}") for back in range(self.former)]

    def _former_champion(self, back: int, best: str) -> str:
        """Return the file of the champion so far back, or of the first where there have been fewer; else `best`."""
        return next((str(path) for path in reversed(self._former_paths()[:back]) if path.exists()), best)

    def _load(self, text: str) -> None:
        """Make the players that a spec names; if that fails, nothing changes."""
        parts = parse_members(text) if text.startswith("mixed:") else [(1.0, text)]
        watched = {path for _, spec in parts if (path := self._model_path(spec))}
        watched |= {self.promoted, *self._former_paths()}
        watched |= {self.newest} if self.names_newest else set()
        stamps = {path: stamp_of(path) for path in watched}  # before the files are read, so that no change is missed
        made: dict[str, Player] = {}
        for _, spec in parts:
            made.setdefault(spec, self._player(spec))
        self.text = text
        self.stamps = stamps
        self.weights = [weight for weight, _ in parts]
        self.members = [made[spec] for _, spec in parts]

    def _player(self, spec: str) -> Player:
        """Return the player of a spec: the present one if its model is the same, else a new one."""
        while True:
            model = self._model_id(spec)
            for player in self.members:
                if (player.spec, player.model) == (spec, model):
                    return player
            if model is not None:
                use_threads(self.options.settings.network_threads)
            agent = self._agent(spec)
            share = self.options.settings.resignation.simulations
            less = cheaper(spec, share) if self.options.resigns else None
            player = Player(
                spec=spec,
                model=model,
                agent=agent,
                keeps_temperature="temperature" in Spec.parse(spec).options,
                cheaper=self._agent(less) if less else None,
            )
            if self._model_id(spec) == model:
                return player
            # The file was replaced meanwhile, and which one was read is not known.

    def _model_path(self, spec: str) -> Path | None:
        return model_path(with_shipped(spec, self.options.config))

    def _model_id(self, spec: str) -> str | None:
        return model_id(with_shipped(spec, self.options.config))

    def _agent(self, spec: str) -> Agent:
        return make_agent(spec, self.board, self.seat_count, seed=self.agent_seed, networks=self.networks)

    def _stamps(self) -> dict[Path, Stamp]:
        return {path: stamp_of(path) for path in self.stamps}


def model_path(spec: str) -> Path | None:
    """Return the file of the model that a spec names; None if it names none, as `nnue`, which leaves the choice."""
    network = Spec.parse(spec).network
    return None if network is None else Path(network)


def model_id(spec: str) -> str | None:
    """Return the id of the model that a spec names; None if it names none."""
    path = model_path(spec)
    if path is None:
        return None
    if path.suffix == nnue.SUFFIX:
        return nnue.read_nnue_id(path)
    if path.suffix == energy.SUFFIX:
        return energy.read_energy_id(path)
    from ringrift.networks import read_id  # late: torch is slow to import, and players without a network need none

    return read_id(path)


def use_threads(count: int) -> None:
    """Limit the threads of this process that networks on the CPU use."""
    import torch

    torch.set_num_threads(count)


def stamp_of(path: Path) -> Stamp:
    """Return the stamp of a model's two files, its weights and the description beside them."""
    stamps: list[tuple[int, int, int] | None] = []
    for file in (path, path.with_suffix(".json")):
        try:
            status = file.stat()
        except OSError:
            stamps.append(None)
        else:
            stamps.append((status.st_mtime_ns, status.st_size, status.st_ino))
    return tuple(stamps)
