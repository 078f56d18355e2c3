"""The agent that goes down the energy of a learned network."""

from __future__ import annotations

import numpy as np

from ringrift.agents.agent import Agent
from ringrift.energy import EnergyWeights
from ringrift.energy.descent import Room, descend, embed_action, embed_state, energy, new_room
from ringrift.energy.inputs import write_action, write_view
from ringrift.game.boards import Board
from ringrift.game.state import new_workspace, state_type, thread_workspace
from ringrift.game.types import BoardTables, States, Workspace
from ringrift.heuristic import new_scratch
from ringrift.heuristic.features import Scratch
from ringrift.kernels.compiled import compiled
from ringrift.kernels.random import random_below
from ringrift.kernels.threads import share_out
from ringrift.kernels.types import F32, I32, I64
from ringrift.search import SearchOutput
from ringrift.search.game_adapter import decision_key
from ringrift.search.legal import list_legal
from ringrift.search.output import empty_output


class EnergyAgent(Agent):
    """An agent that plays where gradient descent on an action's embedding ends (`ringrift.energy.descent`).

    Its policy is the softmax of the negative energies of all legal actions; it has no values.
    """

    provides_targets = False

    def __init__(
        self, board: Board, players: int, weights: EnergyWeights, *, restarts: int, steps: int, seed: int
    ) -> None:
        """Make an agent that descends from `restarts` random legal actions, `steps` each."""
        self.board = board
        self.players = players
        self.weights = weights
        self.restarts = restarts
        self.steps = steps
        self.seed = np.uint64(seed)
        self.work = new_workspace(board)

    def act(self, states: States, games: I64) -> SearchOutput:
        """Choose in all positions, on all cores; the number of positions and threads changes nothing."""
        output = empty_output(*list_legal(states, self.board.tables, self.work), self.players)
        energies = np.empty_like(output.policy_probs)
        states, games = np.ascontiguousarray(states), np.ascontiguousarray(games)
        most = int(np.diff(output.policy_offsets).max(initial=0))

        def run(first: int, last: int) -> None:
            choose_actions(
                states,
                games,
                self.seed,
                output.policy_offsets,
                output.policy_actions,
                first,
                last,
                self.weights,
                self.restarts,
                self.steps,
                self.board.tables,
                thread_workspace(self.board),
                new_scratch(self.board),
                np.empty(1, state_type(self.board)),
                new_room(self.weights, self.players, most),
                energies,
                output.chosen_actions,
            )

        share_out(len(states), run)
        write_policy(energies, output.policy_offsets, output.policy_probs)
        return output


@compiled
def write_policy(energies: F32, offsets: I64, policy: F32) -> None:
    """Write the softmax of every ragged row of negative energies."""
    for row in range(len(offsets) - 1):
        least = energies[offsets[row]]
        for i in range(offsets[row], offsets[row + 1]):
            least = min(least, energies[i])
        total = 0.0
        for i in range(offsets[row], offsets[row + 1]):
            policy[i] = np.exp(least - energies[i])
            total += policy[i]
        for i in range(offsets[row], offsets[row + 1]):
            policy[i] /= total


@compiled
def choose_actions(
    states: States,
    games: I64,
    seed: np.uint64,
    offsets: I64,
    actions: I32,
    first: int,
    last: int,
    weights: EnergyWeights,
    restarts: int,
    steps: int,
    board: BoardTables,
    work: Workspace,
    scratch: Scratch,
    trial: States,
    room: Room,
    energies: F32,
    chosen: I32,
) -> None:
    """Choose an action in each of the positions `first` … `last`−1, and write the energies of all legal ones."""
    order = room.order
    for b in range(first, last):
        state = states[b]
        begin = offsets[b]
        count = offsets[b + 1] - begin
        write_view(state, state.player - 1, board, scratch, room.inputs)
        embed_state(weights, room)
        for i in range(count):
            write_action(state, actions[begin + i], board, work, scratch, trial, room.inputs)
            embed_action(weights, room, room.embeddings[i])
            energies[begin + i] = energy(weights, room, room.embeddings[i])
            order[i] = i
        key = decision_key(seed, games[b], state)
        best = -1
        for restart in range(min(restarts, count)):
            other = restart + random_below(key, 0, restart, count - restart)
            order[restart], order[other] = order[other], order[restart]
            end = descend(weights, room, count, order[restart], steps)
            if best < 0 or energies[begin + end] < energies[begin + best]:
                best = end
        chosen[b] = actions[begin + best]
