"""The modes of play by name, and the agent that a one-line spec names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypedDict

from ringrift.agents.agent import Agent
from ringrift.agents.champion import CHAMPION, champion_file, with_shipped
from ringrift.agents.energy import EnergyAgent
from ringrift.agents.heuristic import HeuristicAgent
from ringrift.agents.mixed import MixedAgent
from ringrift.agents.network_evaluators import NetworkEvaluators
from ringrift.agents.online_energy import OnlineEnergyAgent
from ringrift.agents.random import RandomAgent
from ringrift.agents.search_agent import SearchAgent
from ringrift.agents.spec import FROZEN_HEURISTIC, MODES, NNUE, SHIPPED_NNUE, BadSpec, Spec, known_spec, parse_members
from ringrift.energy import SUFFIX as ENERGY_SUFFIX
from ringrift.energy import read_energy_network
from ringrift.game.boards import Board
from ringrift.heuristic import FROZEN, HeuristicEvaluator, Weights, load_weights, named_weights
from ringrift.nnue import Network, NnueEvaluator, find_network, read_network, shipped_network
from ringrift.search import (
    BUDGETS,
    BestReplySearch,
    CachedEvaluator,
    DescentSearch,
    Evaluator,
    GumbelSearch,
    MaxnSearch,
    MinimaxSearch,
    NetworkEvaluator,
    ParanoidSearch,
    PlayoutCap,
    PuctSearch,
    SearchLimits,
    UniformEvaluator,
)
from ringrift.search.descent import EXPANSIONS
from ringrift.search.iterative_deepening import IterativeDeepeningSearch
from ringrift.search.search_stack import MAX_DEPTH

MODELS: Final = Path("models")
"""The folder of models, in which the champion and `nnue` are looked for."""
DEPTH: Final = 3
"""The depth of iterative deepening where a spec sets no limit."""
RESTARTS: Final = 5
"""Descents on the energy of an action where a spec names no number."""
STEPS: Final = 50
"""Steps of a descent where a spec names no number."""

Maker = Callable[[Board, int, Spec, int, NetworkEvaluators], Agent]
"""A function that makes an agent of one mode from board, players, spec, seed, and the evaluators of networks."""


class Descents(TypedDict):
    """The options of an agent that goes down the energy of actions."""

    restarts: int
    steps: int
    seed: int


class EvaluatorSetup(NamedTuple):
    """The evaluator of a search, and how to call it."""

    evaluator: Evaluator
    groups: int = 1
    """The groups of games of `BatchedSearch`: several where the evaluator works beside the cores."""
    network: NetworkEvaluator | None = None


def _weights(board: Board, players: int, spec: Spec) -> Weights:
    """Return the weights of the heuristic that the spec names."""
    return load_weights(f"{board.name}_{players}p") if spec.weights is None else named_weights(spec.weights)


def _evaluator_setup(board: Board, players: int, spec: Spec, networks: NetworkEvaluators) -> EvaluatorSetup:
    """Return the evaluator that the spec names: a network, the heuristic, or none."""
    if spec.weights is not None and spec.model != "heuristic":
        raise BadSpec(f"player {spec.text!r}: weights are the heuristic's; write {spec.mode}:heuristic")
    if spec.model is None:
        return EvaluatorSetup(UniformEvaluator(players))
    if spec.model == "heuristic":
        heuristic = HeuristicEvaluator(board, players, _weights(board, players, spec))
        return EvaluatorSetup(CachedEvaluator(heuristic, players))
    if spec.names_nnue:
        return EvaluatorSetup(NnueEvaluator(board, players, _nnue_network(board, players, spec)))
    config = f"{board.name}_{players}p"
    path = champion_file(MODELS, config) if spec.model == CHAMPION else Path(with_shipped(spec.model, config))
    cached = networks.evaluator(path, board, players, random_symmetry=spec.number("symmetry", 0) > 0)
    return EvaluatorSetup(cached, networks.groups, cached.evaluator)


def nnue_file(spec: Spec, config: str) -> Path:
    """Return the file of the integer network that a spec names; `BadNnue` if the name stands for none."""
    if spec.model == SHIPPED_NNUE:
        return shipped_network(config)
    return find_network(config, MODELS) if spec.model in (None, NNUE) else Path(spec.model)


def _nnue_network(board: Board, players: int, spec: Spec) -> Network:
    """Return the integer network that a spec names: of a file, or by a name that of the config."""
    config = f"{board.name}_{players}p"
    return read_network(nnue_file(spec, config), config).network


def _random(board: Board, players: int, spec: Spec, seed: int, networks: NetworkEvaluators) -> Agent:
    spec.allow()
    return RandomAgent(board, players, seed)


def _heuristic(board: Board, players: int, spec: Spec, seed: int, networks: NetworkEvaluators) -> Agent:
    spec.allow(options=("temperature",), model=True)
    weights = _weights(board, players, spec)
    return HeuristicAgent(board, players, weights, temperature=spec.number("temperature", 0), seed=seed)


def _policy(board: Board, players: int, spec: Spec, seed: int, networks: NetworkEvaluators) -> Agent:
    spec.allow(options=("temperature", "symmetry", "weights"), model=True)
    setup = _evaluator_setup(board, players, spec, networks)
    search = GumbelSearch(board, players, setup.evaluator, simulations=0, noise=False, seed=seed)
    return SearchAgent(search, temperature=spec.number("temperature", 1), seed=seed, network=setup.network)


def _cap(spec: Spec) -> PlayoutCap | None:
    """Return the cap of a spec: by `full=0.25&fast=16`, 3 of 4 decisions have 16 simulations."""
    if not {"full", "fast"} & spec.options.keys():
        return None
    share, fast, simulations = spec.number("full", 0.25), spec.number("fast", 16), _simulations(spec)
    if not (0 < share <= 1 and 1 <= fast <= simulations and fast == int(fast)):
        raise BadSpec(
            f"player {spec.text!r}: full must be above 0 and at most 1, fast a whole number from 1 to {simulations}"
        )
    return PlayoutCap(share, int(fast))


def _simulations(spec: Spec) -> int:
    return spec.budget or BUDGETS["standard"]


def _tree_search(
    kind: type[GumbelSearch] | type[PuctSearch],
    board: Board,
    players: int,
    spec: Spec,
    seed: int,
    networks: NetworkEvaluators,
    **own: Any,
) -> Agent:
    """Return an agent with that search; `own` are settings that the other search does not have."""
    setup = _evaluator_setup(board, players, spec, networks)
    search = kind(
        board,
        players,
        setup.evaluator,
        simulations=_simulations(spec),
        noise=spec.number("noise", 0) > 0,
        cap=_cap(spec),
        seed=seed,
        groups=setup.groups,
        **own,
    )
    return SearchAgent(search, temperature=spec.number("temperature", 0), seed=seed, network=setup.network)


def _gumbel(board: Board, players: int, spec: Spec, seed: int, networks: NetworkEvaluators) -> Agent:
    spec.allow(options=("temperature", "symmetry", "noise", "full", "fast", "weights"), model=True, budget=True)
    return _tree_search(GumbelSearch, board, players, spec, seed, networks)


def _puct(board: Board, players: int, spec: Spec, seed: int, networks: NetworkEvaluators) -> Agent:
    options = ("temperature", "symmetry", "noise", "full", "fast", "reuse", "weights")
    spec.allow(options=options, model=True, budget=True)
    return _tree_search(PuctSearch, board, players, spec, seed, networks, reuse=spec.number("reuse", 0) > 0)


def _descent(board: Board, players: int, spec: Spec, seed: int, networks: NetworkEvaluators) -> Agent:
    spec.allow(options=("temperature", "symmetry", "weights"), model=True, budget=True)
    setup = _evaluator_setup(board, players, spec, networks)
    search = DescentSearch(board, players, setup.evaluator, expansions=spec.budget or EXPANSIONS)
    return SearchAgent(search, temperature=spec.number("temperature", 0), seed=seed, network=setup.network)


def _deepening_weights(board: Board, players: int, spec: Spec) -> Weights | Network:
    """Return what a search with iterative deepening evaluates with: the heuristic's weights, or an integer network."""
    if not spec.names_nnue:
        if spec.model not in (None, "heuristic"):
            raise BadSpec(f"player {spec.text!r}: {spec.mode} evaluates with heuristic, nnue or a file *.nnue")
        return _weights(board, players, spec)
    if spec.weights is not None:
        raise BadSpec(f"player {spec.text!r}: weights are the heuristic's, and the model is an integer network")
    return _nnue_network(board, players, spec)


def _deepening(kind: type[IterativeDeepeningSearch], seats: range) -> Maker:
    """Return the maker of a mode with iterative deepening; `temperature` is of a softmax over the actions' values."""

    def make(board: Board, players: int, spec: Spec, seed: int, networks: NetworkEvaluators) -> Agent:
        spec.allow(options=("temperature", "nodes", "seconds", "weights"), model=True, budget=True)
        if players not in seats:
            other = "minimax" if players == 2 else "maxn, paranoid or brs"
            raise BadSpec(f"player {spec.text!r}: {spec.mode} is not for {players} players; choose {other}")
        if spec.budget is not None and spec.budget > MAX_DEPTH:
            raise BadSpec(f"player {spec.text!r}: {spec.mode} takes a depth of at most {MAX_DEPTH}")
        nodes, seconds = spec.number("nodes", 0), spec.number("seconds", 0)
        limited = nodes > 0 or seconds > 0
        limits = SearchLimits(
            depth=spec.budget or (MAX_DEPTH if limited else DEPTH),
            nodes=int(nodes) or None,
            seconds=seconds or None,
        )
        temperature = spec.number("temperature", 0)
        search = kind(board, players, _deepening_weights(board, players, spec), limits, temperature=temperature)
        return SearchAgent(search, temperature=1 if temperature > 0 else 0, seed=seed)

    return make


def _nnue(board: Board, players: int, spec: Spec, seed: int, networks: NetworkEvaluators) -> Agent:
    """Return the search that is worth most for its time, with the integer network of a file or of the config."""
    named = replace(spec, model=spec.model or NNUE)
    if not named.names_nnue:
        raise BadSpec(f"player {spec.text!r}: nnue takes a file *.nnue")
    make = _deepening(MinimaxSearch, range(2, 3)) if players == 2 else _deepening(MaxnSearch, range(3, 5))
    return make(board, players, named, seed, networks)


def _ebmo(board: Board, players: int, spec: Spec, seed: int, networks: NetworkEvaluators) -> Agent:
    """Return the player that goes down the energy of actions."""
    spec.allow(options=("restarts", "steps", "online"), model=True)
    if spec.model is None:
        raise BadSpec(f"player {spec.text!r}: write ebmo:FILE.ebmo; `ringrift train-ebmo` makes a file")
    restarts, steps = spec.number("restarts", RESTARTS), spec.number("steps", STEPS)
    if restarts < 1 or restarts != int(restarts) or steps != int(steps):
        raise BadSpec(f"player {spec.text!r}: restarts are a whole number above 0, steps a whole number")
    network = read_energy_network(Path(spec.model), f"{board.name}_{players}p")
    descents: Descents = {"restarts": int(restarts), "steps": int(steps), "seed": seed}
    if "online" not in spec.options:
        return EnergyAgent(board, players, network.weights, **descents)
    learned = Path(spec.options["online"])
    if learned.suffix != ENERGY_SUFFIX or learned == Path(spec.model):
        raise BadSpec(f"player {spec.text!r}: online takes a file *{ENERGY_SUFFIX} of its own, for what is learned")
    return OnlineEnergyAgent(board, players, network, learned=learned, **descents)


def _mixed(board: Board, players: int, spec: Spec, seed: int, networks: NetworkEvaluators) -> Agent:
    members = [
        (weight, make_agent(text, board, players, seed=seed, networks=networks, may_learn=True))
        for weight, text in parse_members(spec.text)
    ]
    return MixedAgent(members, players, seed)


_MAKERS: Final[Mapping[str, Maker]] = MappingProxyType(
    {
        "random": _random,
        "heuristic": _heuristic,
        "minimax": _deepening(MinimaxSearch, range(2, 3)),
        "maxn": _deepening(MaxnSearch, range(3, 5)),
        "paranoid": _deepening(ParanoidSearch, range(3, 5)),
        "brs": _deepening(BestReplySearch, range(3, 5)),
        "descent": _descent,
        "policy": _policy,
        "puct": _puct,
        "gumbel": _gumbel,
        "nnue": _nnue,
        "ebmo": _ebmo,
        "mixed": _mixed,
    }
)
assert tuple(_MAKERS) == MODES  # what can be read can be made
assert f"heuristic:{FROZEN}" == FROZEN_HEURISTIC  # a spec is read without numba, which the weights' room takes


def make_agent(
    text: str,
    board: Board,
    players: int,
    *,
    seed: int = 0,
    networks: NetworkEvaluators | None = None,
    may_learn: bool = False,
) -> Agent:
    """Make the agent that a spec names; `seed` names the run.

    One that learns from its games is a `BadSpec` but where it `may_learn`: everywhere else results can be repeated.

    Agents that are given the same `networks` share them and what these have evaluated; by default an agent has its own,
    on the best device.
    """
    spec = known_spec(text)
    if spec.learns and not may_learn:
        raise BadSpec(
            f"player {text!r}: learns from its games, so that no result of it could be repeated; `ringrift match` and "
            "`ringrift play` take it, all else takes the file that it has learned"
        )
    return _MAKERS[spec.mode](board, players, spec, seed, networks or NetworkEvaluators())


def cheaper(text: str, share: float) -> str | None:
    """Return the spec of the same agent with that share of its simulations, all decisions alike and without noise.

    None if it does not count simulations, or has too few to spare any.
    """
    spec = Spec.parse(text)
    if spec.mode not in ("gumbel", "puct"):
        return None
    simulations = _simulations(spec)
    fewer = max(1, int(share * simulations))
    if fewer >= simulations:
        return None
    model = f":{spec.model}" if spec.model else ""
    kept = [f"{name}={value}" for name, value in spec.options.items() if name not in ("noise", "full", "fast")]
    return f"{spec.mode}{model}@{fewer}" + ("?" + "&".join(kept) if kept else "")


def with_difficulty(text: str, share: float) -> str:
    """Return the spec of the same agent, or mixture, with that share of its simulations, those of fast searches too.

    What counts no simulations stays as it is.
    """
    if text.startswith("mixed:"):
        members = (f"{weight:g}x{with_difficulty(member, share)}" for weight, member in parse_members(text))
        return f"mixed:{','.join(members)}"
    spec = Spec.parse(text)
    if spec.mode not in ("gumbel", "puct"):
        return text
    simulations = max(1, round(share * _simulations(spec)))
    options = dict(spec.options)
    if "fast" in options:
        options["fast"] = str(max(1, round(share * spec.number("fast", 0))))
    model = f":{spec.model}" if spec.model else ""
    kept = "&".join(f"{name}={value}" for name, value in options.items())
    return f"{spec.mode}{model}@{simulations}" + (f"?{kept}" if kept else "")
