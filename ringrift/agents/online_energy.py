"""The energy network that learns from the games it plays.

After every game that has ended with a winner, one step of Adam on the decisions of the winners of the last games. A
decision weighs the outcome times (discount × λ) ** (the later decisions of the same player in the game): TD(λ) of a
reward at the end (Sutton and Barto 2018, section 12.1), for the energies say nothing of the value of a position that
could be bootstrapped from. What it has learned is an energy network again, which is written whole after every game.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from ringrift.agents.energy import EnergyAgent
from ringrift.encoding import outcomes
from ringrift.energy import (
    BadEnergyNetwork,
    EnergyWeights,
    StoredEnergyNetwork,
    read_energy_network,
    write_energy_network,
)
from ringrift.game import Game, IllegalAction
from ringrift.game.boards import Board
from ringrift.game.types import States
from ringrift.kernels.types import F32, I32

GAMES: Final = 20
"""The newest games that are learned from; this and the next three numbers are not tuned."""
LAMBDA: Final = 0.9
DISCOUNT: Final = 0.99
RATE: Final = 1e-5
"""The learning rate of Adam, whose moments begin anew with the process."""
CANDIDATES: Final = 16
"""Actions to tell apart in every decision, as in `ebmo.yaml`."""
KEPT: Final = "online"
"""The entry of the file's description that holds what is kept beside the weights."""


class OnlineEnergyAgent(EnergyAgent):
    """An energy agent that learns; what it plays depends on all games before, so that no result can be repeated."""

    def __init__(
        self,
        board: Board,
        players: int,
        network: StoredEnergyNetwork,
        *,
        learned: Path,
        restarts: int,
        steps: int,
        seed: int,
    ) -> None:
        """Go on with the file `learned`, or begin it with a network; `BadEnergyNetwork` if it is of another one."""
        import torch  # late: slow to import, and no other agent of energies needs it

        from ringrift.networks.energy import EnergyNetwork

        super().__init__(board, players, network.weights, restarts=restarts, steps=steps, seed=seed)
        self.config = network.config
        self.learned = learned
        self.origin = network.id
        self.games = 0
        """The number of games learned from so far, those before this process included."""
        self.buffer: deque[list[int]] = deque(maxlen=GAMES)
        """The actions of the last of them."""
        self._written = ""
        self._network = EnergyNetwork(players)
        self._network.load(network.weights)
        self._optimiser = torch.optim.Adam(self._network.parameters(), lr=RATE)
        self._take_over()

    def learn(self, game: int, actions: I32) -> None:
        """Learn from a game that has ended, and write what is known now."""
        self._take_over()
        self.buffer.append(actions.tolist())
        self.games += 1
        self._step()
        self.weights = self._network.weights()
        kept = {"model": self.origin, "games": self.games, "buffer": list(self.buffer)}
        self._written = write_energy_network(self.learned, self.config, self.weights, {KEPT: kept})

    def _take_over(self) -> None:
        """Take what is in the file, unless it is what this agent has written last."""
        if not self.learned.exists():
            return
        stored = read_energy_network(self.learned, self.config)
        if stored.id == self._written:
            return
        kept = stored.extra.get(KEPT)
        if not isinstance(kept, dict) or kept.get("model") != self.origin:
            raise BadEnergyNetwork(f"{self.learned}: is not what network {self.origin} has learned; name another file")
        self.games, self._written = int(kept["games"]), stored.id
        self.buffer = deque((list(map(int, game)) for game in kept["buffer"]), maxlen=GAMES)
        self._load(stored.weights)

    def _load(self, weights: EnergyWeights) -> None:
        self.weights = weights
        self._network.load(weights)

    def _step(self) -> None:
        """Make a step on all decisions of the buffer that are worth something."""
        from ringrift.networks.contrasts import ContrastiveDecisions

        parts = [self._decisions(game) for game in self.buffer]
        states, played, weights = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        if not len(states):
            return
        decisions = ContrastiveDecisions(self.board, self.players, states, played, weights, candidates=CANDIDATES)
        self._optimiser.zero_grad()
        loss = decisions.mean_loss(self._network, np.arange(len(states)), self.games)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()

    def _decisions(self, actions: Sequence[int]) -> tuple[States, I32, F32]:
        """Return positions, actions and weights of the decisions in a game of those who ended above the mean."""
        game = Game(self.board.name, self.players)
        states, played, seats = [game.array.reshape(1)[:0]], [], []
        try:
            for action in actions:
                if len(game.legal_actions()) > 1:
                    states.append(game.array.reshape(1).copy())
                    played.append(action)
                    seats.append(game.player - 1)
                game.play(action)
        except IllegalAction as error:
            raise BadEnergyNetwork(
                f"{self.learned}: holds a game by other rules ({error}); name another file"
            ) from None
        weights = decision_weights(seats, outcomes(game.array.reshape(1), self.players)[0].tolist())
        worth = np.flatnonzero(weights > 0)
        return np.concatenate(states)[worth], np.array(played, np.int32)[worth], weights[worth]


def decision_weights(seats: Sequence[int], outcome_values: Sequence[float]) -> F32:
    """Return the weights `[N]` of decisions of these seats (from 0), in the order of the game."""
    later = [0] * len(outcome_values)
    weights = np.empty(len(seats), np.float32)
    for place in range(len(seats) - 1, -1, -1):
        seat = seats[place]
        weights[place] = max(outcome_values[seat], 0.0) * (DISCOUNT * LAMBDA) ** later[seat]
        later[seat] += 1
    return weights
