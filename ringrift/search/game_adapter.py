"""The adapter of a game to the searches: its kernels, chosen by the type of its states when a search is compiled.

RingRift is one such game; the benchmarks and tests bring small ones of their own, which other programs know too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numba import types
from numba.extending import overload

from ringrift.encoding.values import outcome_values
from ringrift.game import turn
from ringrift.game.boards import Board
from ringrift.game.state import state_type, thread_workspace
from ringrift.game.types import State
from ringrift.kernels.compiled import cache_folder, compiled
from ringrift.kernels.random import mix64
from ringrift.kernels.types import F32, I32, Record

Kernel = Callable[..., Any]
GameTables = Any
"""What the kernels of a game read as `board`: a record or an array, of a type that the game alone knows."""


class GameState(Record, Protocol):
    """A position of any game."""

    player: int
    """The seat that decides, from 1."""
    ply: int
    """The moves so far."""


class GameWorkspace(Record, Protocol):
    """The scratch memory of a thread for any game."""

    actions: I32


@dataclass(frozen=True)
class GameAdapter:
    """A game and what it needs for a tree."""

    name: str
    tables: GameTables
    """What goes to the kernels as `board`: an array or record, so that other processes can read the cached code."""
    state_type: np.dtype[np.void]
    """A structured dtype with the fields of `GameState` and that of `marker_field`."""
    max_actions: int
    edges_per_node: int
    """The mean number of edges per node that an arena is made for."""
    workspace: Callable[[], GameWorkspace]
    """A function that returns the calling thread's scratch memory, with `actions` `[max_actions]`."""


EXPECTED_EDGES: Final = {"square8": 150, "hex8": 150, "square19": 1100, "hexagonal": 1100}
"""Edges per node that 64 simulations from the empty board need, where placement is widest (143 on square8, 1,086 on
hexagonal; from the middle of a game 20–40 and 270–510). Memory that a tree does not touch is only reserved."""


def adapter_of(board: Board | GameAdapter) -> GameAdapter:
    """Return the adapter of RingRift on a board; another adapter as it is."""
    if isinstance(board, GameAdapter):
        return board
    return GameAdapter(
        name=board.name,
        tables=board.tables,
        state_type=state_type(board),
        max_actions=board.max_actions,
        edges_per_node=EXPECTED_EDGES[board.name],
        workspace=lambda: thread_workspace(board),
    )


def legal_actions(state: GameState, board: GameTables, work: GameWorkspace, out: I32) -> int:
    """Write the legal actions into `out`, and return their number, 0 when the game is over."""
    raise NotImplementedError("this is for compiled code")


def step(state: GameState, action: int, board: GameTables, work: GameWorkspace) -> None:
    """Play an action."""
    raise NotImplementedError("this is for compiled code")


def outcome(state: GameState, out: F32) -> None:
    """Write what a finished game is worth to every seat, −1 … 1."""
    raise NotImplementedError("this is for compiled code")


def decision(state: GameState) -> int:
    """Return a number that no two decisions of one game share."""
    raise NotImplementedError("this is for compiled code")


_kernels: dict[str, dict[str, Kernel]] = {}


def marker_field(name: str, file: str) -> str:
    """Return the name of the field that marks the states of a game; `file` is the source of its kernels.

    The name changes with the source, or else searches from the disk would play by the rules of yesterday.
    """
    return f"{name}_{Path(cache_folder(Path(file))).name}"


def register_game(field: str, *, legal_actions: Kernel, step: Kernel, outcome: Kernel, decision: Kernel) -> None:
    """Register the kernels of a game, whose states are marked by a field that no other game's states have."""
    _kernels[field] = {"legal_actions": legal_actions, "step": step, "outcome": outcome, "decision": decision}


# These see numba's types of the arguments. Not strict: annotations would have to agree with the lambdas.
def _kernel(state: types.Record, name: str) -> Kernel:
    return next(kernels[name] for field, kernels in _kernels.items() if field in state.fields)


@overload(legal_actions, strict=False)
def _legal_actions(state: types.Record, board: types.Type, work: types.Record, out: types.Array) -> Kernel:
    kernel = _kernel(state, "legal_actions")
    return lambda state, board, work, out: kernel(state, board, work, out)


@overload(step, strict=False)
def _step(state: types.Record, action: types.Type, board: types.Type, work: types.Record) -> Kernel:
    kernel = _kernel(state, "step")
    return lambda state, action, board, work: kernel(state, action, board, work)


@overload(outcome, strict=False)
def _outcome(state: types.Record, out: types.Array) -> Kernel:
    kernel = _kernel(state, "outcome")
    return lambda state, out: kernel(state, out)


@overload(decision, strict=False)
def _decision(state: types.Record) -> Kernel:
    kernel = _kernel(state, "decision")
    return lambda state: kernel(state)


@compiled
def ply_and_debt(state: State) -> int:
    """Return the number of a decision of RingRift, where a recovery takes several in one move."""
    return int(state.ply * 8 + state.owed)


register_game("trail", legal_actions=turn.legal_actions, step=turn.step, outcome=outcome_values, decision=ply_and_debt)


@compiled
def decision_key(seed: np.uint64, game: int, state: GameState) -> np.uint64:
    """Return the key of all random numbers of one decision of one game, so that no number depends on the batch."""
    return mix64(mix64(seed ^ mix64(np.uint64(game))) ^ mix64(np.uint64(decision(state))))
