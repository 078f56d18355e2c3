"""Many games at once, as arrays: for learners that want batches and no Python between two steps of a game."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ringrift.encoding import encode_batch, feature_version, new_batch, outcomes
from ringrift.game import IllegalAction, legal_actions, new_states, parse_config, policy_size, step
from ringrift.game.state import GAME_OVER, thread_workspace
from ringrift.game.types import BoardTables, States, Workspace
from ringrift.kernels.compiled import compiled
from ringrift.kernels.threads import share_out
from ringrift.kernels.types import F32, I32, U8, Bool

Integer = TypeVar("Integer", bound=np.integer)


@dataclass(frozen=True)
class VectorObservation:
    """The observation of all games; every array is new, so it may be kept."""

    features: U8
    """`[games, C, H, W]`, as the player to act sees the position (`docs/encoding.md`)."""
    globals: F32
    """`[games, G]`."""
    action_mask: Bool
    """`[games, policy]`, true at every legal action."""
    players: U8
    """`[games]`, the seat to act, from 1."""


@dataclass(frozen=True)
class VectorStep:
    """The result of a step."""

    observation: VectorObservation
    """The observation of the games as they are now: one that has ended starts anew."""
    rewards: F32
    """`[games, players]` by seat: 0 while a game runs, at its end +1 for the first to −1 for the last."""
    terminated: Bool
    """`[games]`, games that have ended with a winner in this step."""
    truncated: Bool
    """`[games]`, games that were stopped at their limit of moves, worth 0 to all."""


class VectorEnvironment:
    """Many games of one config, each a step further with every call; a game that ends begins anew in the same step.

    >>> env = VectorEnvironment("hex8_2p", games=256)
    >>> observation = env.reset()
    >>> for _ in range(100):
    ...     actions = [np.flatnonzero(mask)[0] for mask in observation.action_mask]
    ...     taken = env.step(actions)
    ...     observation = taken.observation  # taken.rewards, taken.terminated, taken.truncated

    The games run on all cores, or on as many `threads` as given.
    """

    def __init__(
        self,
        config: str,
        games: int,
        *,
        features: str = "v2",
        max_moves: int | None = None,
        threads: int | None = None,
    ) -> None:
        """Make the games. `UnknownConfig` if there is no such config; `max_moves` stops games without a winner."""
        if games < 1:
            raise ValueError(f"`games` must be a number above 0, not {games}")
        self.board, self.players = parse_config(config)
        self.games = games
        self._version = feature_version(features)
        self._limit = np.iinfo(np.int32).max if max_moves is None else max_moves
        self._threads = threads
        self._start = new_states(self.board, self.players)
        self._legal = np.zeros((games, policy_size(self.board)), np.bool_)
        self.reset()

    @property
    def states(self) -> States:
        """The games `[games]` as the engine has them, for a search to begin with. Writing to them breaks them."""
        return self._states

    def reset(self) -> VectorObservation:
        """Start all games anew."""
        self._states = np.repeat(self._start, self.games)
        return self._observe()

    def step(self, actions: npt.ArrayLike) -> VectorStep:
        """Play an action in every game; `actions` are `[games]` policy indices. `IllegalAction` names one that is not
        legal, and then no game has moved."""
        chosen = self._checked(np.asarray(actions))

        def play(first: int, last: int) -> None:
            play_actions(self._states, chosen, first, last, self.board.tables, thread_workspace(self.board))

        share_out(self.games, play, threads=self._threads)
        terminated = self._states["phase"] == GAME_OVER
        truncated = ~terminated & (self._states["ply"] >= self._limit)
        rewards = outcomes(self._states, self.players)
        self._states[terminated | truncated] = self._start
        return VectorStep(self._observe(), rewards, terminated, truncated)

    def _checked(self, actions: npt.NDArray[Integer]) -> I32:
        """The actions, if there is a legal one for every game."""
        if actions.shape != (self.games,) or actions.dtype.kind not in "iu":
            raise ValueError(f"`actions` must be {self.games} whole numbers, not {actions.dtype} {actions.shape}")
        within = (actions >= 0) & (actions < self._legal.shape[1])
        legal = within & self._legal[np.arange(self.games), np.where(within, actions, 0)]
        if not legal.all():
            game = int(np.flatnonzero(~legal)[0])
            raise IllegalAction(f"action {actions[game]} is not legal in game {game}: see its `action_mask`")
        return actions.astype(np.int32)

    def _observe(self) -> VectorObservation:
        features, globals = new_batch(self._version, self.board, self.games)
        encode_batch(self._states, self._version, self.board, features, globals, threads=self._threads)
        self._legal[:] = False

        def mark(first: int, last: int) -> None:
            mark_legal(self._states, self._legal, first, last, self.board.tables, thread_workspace(self.board))

        share_out(self.games, mark, threads=self._threads)
        return VectorObservation(features, globals, self._legal.copy(), self._states["player"].copy())


@compiled
def play_actions(states: States, actions: I32, first: int, last: int, board: BoardTables, work: Workspace) -> None:
    """Play an action in each of the games `first` … `last`−1."""
    for game in range(first, last):
        step(states[game], actions[game], board, work)


@compiled
def mark_legal(states: States, mask: Bool, first: int, last: int, board: BoardTables, work: Workspace) -> None:
    """Set `mask` `[games, policy]` where an action is legal, in the games `first` … `last`−1."""
    for game in range(first, last):
        count = legal_actions(states[game], board, work, work.actions)
        for index in range(count):
            mask[game, work.actions[index]] = True
