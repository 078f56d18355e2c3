"""The players, one small class per mode: positions of many games in, an action for each out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from ringrift.agents.mixed import MixedAgent, parse_members
from ringrift.agents.spec import BadSpec, Spec
from ringrift.encoding import feature_version
from ringrift.game.boards import Board
from ringrift.game.compiled import compiled
from ringrift.game.rng import random_below
from ringrift.game.state import new_workspace
from ringrift.search import BUDGETS, Evaluator, Found, GumbelSearch, NetworkEvaluator, PuctSearch, UniformEvaluator
from ringrift.search.chance import decision_key, uniform
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


def sample(found: Found, states: States, games: GameNumbers, temperature: float, seed: np.uint64) -> Actions:
    """An action for each position, drawn from the found policy ** (1 / temperature)."""
    actions = np.empty(len(states), np.int32)
    draw_from_policies(found.policy, found.actions, found.offsets, states, games, seed, 1 / temperature, actions)
    return actions


@compiled
def draw_actions(legal: Any, offsets: Any, states: Any, games: Any, seed: np.uint64, chosen: Any, policy: Any) -> None:
    """Draw an action of every ragged row, each as likely as the others."""
    for row in range(len(states)):
        first, last = offsets[row], offsets[row + 1]
        key = decision_key(seed, games[row], states[row])
        chosen[row] = legal[first + random_below(key, 0, 0, last - first)]
        policy[first:last] = 1 / (last - first)


@compiled
def draw_from_policies(
    policy: Any, legal: Any, offsets: Any, states: Any, games: Any, seed: np.uint64, power: float, actions: Any
) -> None:
    """Draw an action of every ragged row with probability policy ** power."""
    for row in range(len(states)):
        first, last = offsets[row], offsets[row + 1]
        highest = 0.0
        for i in range(first, last):
            highest = max(highest, policy[i])
        total = 0.0
        for i in range(first, last):
            total += (policy[i] / highest) ** power
        # The searches use the numbers of the same key from 0 on; this one is drawn from a place of its own.
        left = uniform(decision_key(~seed, games[row], states[row]), 0) * total
        actions[row] = legal[first]
        for i in range(first, last):
            share = (policy[i] / highest) ** power
            if share > 0:
                actions[row] = legal[i]
            left -= share
            if left < 0:
                break


def _evaluator(board: Board, players: int, spec: Spec) -> Evaluator:
    """The network that the spec names, or no knowledge at all."""
    if spec.model is None:
        return UniformEvaluator(players)
    from ringrift.networks import Evaluator as Inference  # late: torch is slow to import, and random needs none
    from ringrift.networks import load_model

    network = load_model(Path(spec.model), board=board.name, players=players)
    turned = spec.number("symmetry", 0) > 0
    version = feature_version(network.config.features)
    return NetworkEvaluator(board, players, version, Inference(network).evaluate, turned=turned)


def _random(board: Board, players: int, spec: Spec, seed: int) -> Agent:
    spec.allow()
    return RandomAgent(board, players, seed)


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


def _mixed(board: Board, players: int, spec: Spec, seed: int) -> Agent:
    members = parse_members(spec.text)
    return MixedAgent(
        [(weight, make_agent(text, board, players, seed=seed)) for weight, text in members], players, seed
    )


MODES: Final[Mapping[str, Maker]] = MappingProxyType(
    {
        "random": _random,
        "policy": _policy,
        "puct": _searching(PuctSearch),
        "gumbel": _searching(GumbelSearch),
        "mixed": _mixed,
    }
)
"""Every mode of playing, by the name that a spec begins with."""


def make_agent(text: str, board: Board, players: int, *, seed: int = 0) -> Agent:
    """The player that a spec names; `seed` names the run."""
    spec = Spec.parse(text)
    if spec.mode not in MODES:
        raise BadSpec(f"player {text!r}: unknown mode {spec.mode!r}; choose one of {', '.join(MODES)}")
    return MODES[spec.mode](board, players, spec, seed)
