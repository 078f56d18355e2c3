"""Games of a search with itself, and what they teach a player one action ahead.

At every decision there is the action that the search chose out of others, and what it thought the position worth. What
an action is worth one ahead are the features of the position that it leads to, so whole games are kept as features.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ringrift.encoding import outcome_values
from ringrift.game.boards import MAX_PLAYERS, Board, parse_config
from ringrift.game.state import GAME_OVER, state_type, thread_workspace
from ringrift.game.turn import play_forced, step
from ringrift.game.types import BoardTables, State, States, Workspace
from ringrift.heuristic import FEATURE_COUNT, Weights, new_scratch, write_features
from ringrift.heuristic.evaluation import WON
from ringrift.heuristic.features import Scratch
from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import F32, F64, I32, I64
from ringrift.limits import move_limit
from ringrift.run_context import Cancelled, RunContext
from ringrift.search import SearchLimits
from ringrift.search.search_stack import MAX_DEPTH
from ringrift.tuning.fitness import SEARCHES, Games, draw_openings
from ringrift.tuning.one_ply_games import play_actions
from ringrift.tuning.positions import relative_features

MOST_ACTIONS: Final = 40
"""Actions of a decision that are kept; of more, this many are drawn, the chosen one among them."""


@dataclass(frozen=True, eq=False)
class Choices:
    """Decisions of a search, `[D]`, and the actions that it had, `[L]`, those of a decision in a row."""

    features: F64
    """`[L, F]`, of the player to act, minus the mean of the others', in the position that the action leads to."""
    ended: F64
    """`[L]`, the score of a game that the action ends, where the features are 0; else 0."""
    counts: I64
    """`[D]`, the number of actions."""
    chosen: I64
    """`[D]`, the action that the search chose, as an index into `[L]`."""
    positions: F64
    """`[D, players, F]`, the features of the position itself, as `relative_features` gives them."""
    values: F64
    """`[D, players]`, what the search thought it worth, −1 … 1."""


@compiled
def write_children(
    state: State,
    actions: I32,
    board: BoardTables,
    work: Workspace,
    scratch: Scratch,
    trial: States,
    scores: F32,
    features: F64,
    ended: F64,
) -> None:
    """Write what each action `[A]` leads to, forced ones after it included: `features` `[A, F]` and `ended` `[A]`."""
    seat = state.player - 1
    others = state.players - 1
    features[:] = 0
    ended[:] = 0
    for i in range(len(actions)):
        trial[0] = state
        step(trial[0], actions[i], board, work)
        play_forced(trial[0], board, work)
        if trial[0].phase == GAME_OVER:
            outcome_values(trial[0], scores)
            ended[i] = WON * scores[seat]
            continue
        write_features(trial[0], board, scratch, scratch.features)
        for feature in range(features.shape[1]):
            for other in range(state.players):
                share = 1.0 if other == seat else -1.0 / others
                features[i, feature] += share * scratch.features[other, feature]


class ChoiceWriter:
    """The memory that decisions of one board are turned into features with."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.scratch = new_scratch(board)
        self.trial: States = np.empty(1, state_type(board))
        self.scores = np.empty(MAX_PLAYERS, np.float32)

    def children(self, state: State, actions: I32) -> tuple[F64, F64]:
        """Return the features `[A, F]` and the scores of ended games `[A]` that actions lead to."""
        features, ended = np.empty((len(actions), FEATURE_COUNT)), np.empty(len(actions))
        board = self.board
        memory = (thread_workspace(board), self.scratch, self.trial, self.scores)
        write_children(state, actions, board.tables, *memory, features, ended)
        return features, ended


def play_teacher(
    config: str, weights: Weights, games: int, nodes: int, blunders: float, seed: int, context: RunContext[object]
) -> Choices:
    """Play games of minimax or maxn with itself, all side by side; raises `Cancelled`.

    A share `blunders` of the actions is random, so that the games come to more than good positions. What is learned is
    what the search would have chosen there, too.
    """
    board, players = parse_config(config)
    limit = move_limit(config)
    random = np.random.default_rng(seed)
    search = SEARCHES[players](board, players, weights, SearchLimits(depth=MAX_DEPTH, nodes=nodes))
    writer = ChoiceWriter(board)
    states = draw_openings(config, Games(games, seed))
    seen: list[States] = []
    values: list[F32] = []
    decisions: list[tuple[F64, F64, int]] = []
    running = np.arange(games)
    while len(running):
        context.progress("games", games - len(running), games, f"{len(decisions)} decisions")
        if context.cancelled:
            raise Cancelled(f"{config}: stopped after {games - len(running)} of {games} games of the teacher")
        output = search.run(states[running], running)
        played = output.chosen_actions.copy()
        for row, game in enumerate(running):
            legal = output.policy_actions[slice(*output.policy_offsets[row : row + 2])]
            if len(legal) > 1:
                kept, chosen = _kept(legal, output.chosen_actions[row], random)
                decisions.append((*writer.children(states[game], kept), chosen))
                seen.append(states[[game]])
                values.append(output.root_values[row])
            if random.random() < blunders:
                played[row] = random.choice(legal)
        play_actions(states, running, played, limit, board.tables, thread_workspace(board))
        running = running[(states["phase"][running] != GAME_OVER) & (states["ply"][running] < limit)]
    counts = np.array([len(ended) for _, ended, _ in decisions])
    return Choices(
        features=np.concatenate([features for features, _, _ in decisions]),
        ended=np.concatenate([ended for _, ended, _ in decisions]),
        counts=counts,
        chosen=np.cumsum(counts) - counts + np.array([chosen for _, _, chosen in decisions]),
        positions=relative_features(config, np.concatenate(seen)),
        values=np.array(values, np.float64),
    )


def _kept(legal: I32, chosen: int, random: np.random.Generator) -> tuple[I32, int]:
    """Return at most `MOST_ACTIONS` of the legal actions, and where the chosen one is among them."""
    if len(legal) > MOST_ACTIONS:
        others = random.choice(legal[legal != chosen], MOST_ACTIONS - 1, replace=False)
        legal = np.append(others, np.int32(chosen))
    return np.ascontiguousarray(legal), int(np.flatnonzero(legal == chosen)[0])
