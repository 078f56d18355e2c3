"""The modes of playing by name, and the player that a one-line spec names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from ringrift.agents.agent import Agent
from ringrift.agents.heuristic import HeuristicAgent
from ringrift.agents.random import RandomAgent
from ringrift.agents.searching import SearchAgent
from ringrift.agents.spec import BadSpec, Spec
from ringrift.encoding import feature_version
from ringrift.game.boards import Board
from ringrift.heuristic import HeuristicEvaluator, load_weights
from ringrift.search import (
    BUDGETS,
    CachedEvaluator,
    Evaluator,
    GumbelSearch,
    NetworkEvaluator,
    PlayoutCap,
    PuctSearch,
    UniformEvaluator,
)

Maker = Callable[[Board, int, Spec, int], Agent]
"""Makes a player of one mode from board, players, spec and seed."""


class Mind(NamedTuple):
    """What a search thinks with."""

    evaluator: Evaluator
    groups: int
    """Of games, see `Forest`: two where the evaluator works beside the cores."""


def _mind(board: Board, players: int, spec: Spec) -> Mind:
    """The network that the spec names, the heuristic, or no knowledge at all."""
    if spec.model is None:
        return Mind(UniformEvaluator(players), groups=1)
    if spec.model == "heuristic":
        return Mind(HeuristicEvaluator(board, players, load_weights(f"{board.name}_{players}p")), groups=1)
    from ringrift.networks import Evaluator as Inference  # late: torch is slow to import, and random needs none
    from ringrift.networks import inference_device, load_model

    network = load_model(Path(spec.model), board=board.name, players=players)
    device = inference_device()
    call = Inference(network, device=device).evaluate
    version = feature_version(network.config.features)
    evaluator = NetworkEvaluator(board, players, version, call, turned=spec.number("symmetry", 0) > 0)
    return Mind(CachedEvaluator(evaluator, players), groups=1 if device == "cpu" else 2)


def _random(board: Board, players: int, spec: Spec, seed: int) -> Agent:
    spec.allow()
    return RandomAgent(board, players, seed)


def _heuristic(board: Board, players: int, spec: Spec, seed: int) -> Agent:
    spec.allow(options=("temperature",))
    weights = load_weights(f"{board.name}_{players}p")
    return HeuristicAgent(board, players, weights, temperature=spec.number("temperature", 0), seed=seed)


def _policy(board: Board, players: int, spec: Spec, seed: int) -> Agent:
    spec.allow(options=("temperature", "symmetry"), model=True)
    mind = _mind(board, players, spec)
    search = GumbelSearch(board, players, mind.evaluator, simulations=0, noise=False, seed=seed)
    return SearchAgent(search, temperature=spec.number("temperature", 1), seed=seed)


def _cap(spec: Spec) -> PlayoutCap | None:
    """`full=0.25&fast=16`: a quarter of the decisions get a full search, the others 16 simulations."""
    if not {"full", "fast"} & spec.options.keys():
        return None
    share, fast, simulations = spec.number("full", 0.25), spec.number("fast", 16), _simulations(spec)
    if not (0 < share <= 1 and 1 <= fast <= simulations and fast == int(fast)):
        raise BadSpec(
            f"player {spec.text!r}: full must be above 0 and at most 1, fast a whole number from 1 to {simulations}"
        )
    return PlayoutCap(share, int(fast))


def _simulations(spec: Spec) -> int:
    return spec.simulations or BUDGETS["standard"]


def _gumbel(board: Board, players: int, spec: Spec, seed: int) -> Agent:
    spec.allow(options=("temperature", "symmetry", "noise", "full", "fast"), model=True, simulations=True)
    mind = _mind(board, players, spec)
    search = GumbelSearch(
        board,
        players,
        mind.evaluator,
        simulations=_simulations(spec),
        noise=spec.number("noise", 0) > 0,
        cap=_cap(spec),
        seed=seed,
        groups=mind.groups,
    )
    return SearchAgent(search, temperature=spec.number("temperature", 0), seed=seed)


def _puct(board: Board, players: int, spec: Spec, seed: int) -> Agent:
    spec.allow(options=("temperature", "symmetry", "noise", "full", "fast", "reuse"), model=True, simulations=True)
    mind = _mind(board, players, spec)
    search = PuctSearch(
        board,
        players,
        mind.evaluator,
        simulations=_simulations(spec),
        noise=spec.number("noise", 0) > 0,
        cap=_cap(spec),
        reuse=spec.number("reuse", 0) > 0,
        seed=seed,
        groups=mind.groups,
    )
    return SearchAgent(search, temperature=spec.number("temperature", 0), seed=seed)


MODES: Final[Mapping[str, Maker]] = MappingProxyType(
    {"random": _random, "heuristic": _heuristic, "policy": _policy, "puct": _puct, "gumbel": _gumbel}
)
"""Every mode of playing, by the name that a spec begins with."""


def make_agent(text: str, board: Board, players: int, *, seed: int = 0) -> Agent:
    """The player that a spec names; `seed` names the run."""
    spec = Spec.parse(text)
    if spec.mode not in MODES:
        raise BadSpec(f"player {text!r}: unknown mode {spec.mode!r}; choose one of {', '.join(MODES)}")
    return MODES[spec.mode](board, players, spec, seed)
