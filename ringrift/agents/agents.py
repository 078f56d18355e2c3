"""The players, one small class per mode: positions of many games in, an action for each out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from ringrift.agents.heuristic import HeuristicAgent
from ringrift.agents.sampling import sample
from ringrift.agents.spec import BadSpec, Spec
from ringrift.encoding import feature_version
from ringrift.game.boards import Board
from ringrift.game.compiled import compiled
from ringrift.game.rng import random_below
from ringrift.game.state import new_workspace
from ringrift.heuristic import HeuristicEvaluator, load_weights
from ringrift.search import BUDGETS, Evaluator, Found, GumbelSearch, NetworkEvaluator, PuctSearch, UniformEvaluator
from ringrift.search.chance import decision_key
from ringrift.search.found import empty_found
from ringrift.search.legal import list_legal

States = np.ndarray[Any, np.dtype[np.void]]
Actions = npt.NDArray[np.int32]
GameNumbers = npt.NDArray[np.int64]


class Agent(Protocol):
    """A player. What it plays depends on its seed, the game's number and the position alone."""

    def find(self, states: States, games: GameNumbers) -> Found:
        """What to play, and why, in positions `[games]` in which somebody has to act.

        `games` are the numbers of the games in the run.
        """


Maker = Callable[[Board, int, Spec, int], Agent]
"""Makes a player of one mode from board, players, spec and seed."""


class RandomAgent:
    """Plays any legal action, each as likely as the others."""

    def __init__(self, board: Board, players: int, seed: int) -> None:
        self.board = board
        self.players = players
        self.seed = np.uint64(seed)
        self.work = new_workspace(board)

    def find(self, states: States, games: GameNumbers) -> Found:
        """A random legal action for each position."""
        found = empty_found(*list_legal(states, self.board.tables, self.work), self.players)
        draw_actions(found.actions, found.offsets, states, games, self.seed, found.chosen, found.policy)
        return found


class SearchAgent:
    """Plays what a search finds: its choice at temperature 0, else a sample of its policy ** (1 / temperature)."""

    def __init__(self, search: GumbelSearch | PuctSearch, *, temperature: float, seed: int) -> None:
        self.search = search
        self.temperature = temperature
        self.seed = np.uint64(seed)

    def find(self, states: States, games: GameNumbers) -> Found:
        """Search all positions side by side."""
        found = self.search.run(states, games)
        if self.temperature == 0:
            return found
        return replace(found, chosen=sample(found, states, games, self.temperature, self.seed))


@compiled
def draw_actions(legal: Any, offsets: Any, states: Any, games: Any, seed: np.uint64, chosen: Any, policy: Any) -> None:
    """Draw an action of every ragged row, each as likely as the others."""
    for row in range(len(states)):
        first, last = offsets[row], offsets[row + 1]
        key = decision_key(seed, games[row], states[row])
        chosen[row] = legal[first + random_below(key, 0, 0, last - first)]
        policy[first:last] = 1 / (last - first)


def _evaluator(board: Board, players: int, spec: Spec) -> Evaluator:
    """The network that the spec names, the heuristic, or no knowledge at all."""
    if spec.model is None:
        return UniformEvaluator(players)
    if spec.model == "heuristic":
        return HeuristicEvaluator(board, players, load_weights(f"{board.name}_{players}p"))
    from ringrift.networks import Evaluator as Inference  # late: torch is slow to import, and random needs none
    from ringrift.networks import load_model

    network = load_model(Path(spec.model), board=board.name, players=players)
    turned = spec.number("symmetry", 0) > 0
    version = feature_version(network.config.features)
    return NetworkEvaluator(board, players, version, Inference(network).evaluate, turned=turned)


def _random(board: Board, players: int, spec: Spec, seed: int) -> Agent:
    spec.allow()
    return RandomAgent(board, players, seed)


def _heuristic(board: Board, players: int, spec: Spec, seed: int) -> Agent:
    spec.allow(options=("temperature",))
    weights = load_weights(f"{board.name}_{players}p")
    return HeuristicAgent(board, players, weights, temperature=spec.number("temperature", 0), seed=seed)


def _policy(board: Board, players: int, spec: Spec, seed: int) -> Agent:
    spec.allow(options=("temperature", "symmetry"), model=True)
    search = GumbelSearch(board, players, _evaluator(board, players, spec), simulations=0, noise=False, seed=seed)
    return SearchAgent(search, temperature=spec.number("temperature", 1), seed=seed)


def _searching(kind: type[GumbelSearch] | type[PuctSearch]) -> Maker:
    """The modes that search."""

    def make(board: Board, players: int, spec: Spec, seed: int) -> Agent:
        spec.allow(options=("temperature", "symmetry", "noise"), model=True, simulations=True)
        search = kind(
            board,
            players,
            _evaluator(board, players, spec),
            simulations=spec.simulations or BUDGETS["standard"],
            noise=spec.number("noise", 0) > 0,
            seed=seed,
        )
        return SearchAgent(search, temperature=spec.number("temperature", 0), seed=seed)

    return make


MODES: Final[Mapping[str, Maker]] = MappingProxyType(
    {
        "random": _random,
        "heuristic": _heuristic,
        "policy": _policy,
        "puct": _searching(PuctSearch),
        "gumbel": _searching(GumbelSearch),
    }
)
"""Every mode of playing, by the name that a spec begins with."""


def make_agent(text: str, board: Board, players: int, *, seed: int = 0) -> Agent:
    """The player that a spec names; `seed` names the run."""
    spec = Spec.parse(text)
    if spec.mode not in MODES:
        raise BadSpec(f"player {text!r}: unknown mode {spec.mode!r}; choose one of {', '.join(MODES)}")
    return MODES[spec.mode](board, players, spec, seed)
