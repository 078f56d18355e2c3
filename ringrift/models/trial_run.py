"""The process of a trial, `python -m ringrift.models.trial_run`: a request comes in as JSON, events go out as lines.

First the model is asked about single positions, then it plays. Every move is compared with what the rules allow before
it is played.
"""

from __future__ import annotations

import json
import os
import pkgutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from ringrift.agents import Agent, make_agent
from ringrift.errors import RingRiftError
from ringrift.evaluation import play_match
from ringrift.game import Board, new_workspace, parse_config
from ringrift.game.types import States
from ringrift.kernels.types import I64
from ringrift.limits import move_limit
from ringrift.models.trial import TrialRequest, trial_plans
from ringrift.search import SearchOutput
from ringrift.search.legal import list_legal
from ringrift.selfplay import Openings

WARM_UP: Final = 5
"""Answers that are not timed: kernels are loaded, and memory is taken, in the first ones."""
DEEPEST: Final = 60
"""Plies of the deepest position that is asked about; no random game was over before 80."""
HEARTBEAT: Final = 0.2
"""Seconds between two signs of life."""

Tell = Callable[..., None]


class IllegalMove(Exception):
    """A choice of a player that the rules do not allow."""


class Watched(Agent):
    """A player whose every move is compared with the legal ones; it reports signs of life."""

    def __init__(self, agent: Agent, board: Board, tell: Tell) -> None:
        self.agent = agent
        self.board = board
        self.work = new_workspace(board)
        self.tell = tell
        self.decisions = 0
        self._reported = 0.0

    def act(self, states: States, games: I64) -> SearchOutput:
        """Ask the player; `IllegalMove` names a move that is not legal."""
        offsets, legal = list_legal(states, self.board.tables, self.work)
        output = self.agent.act(states, games)
        for row, action in enumerate(np.broadcast_to(output.chosen_actions, len(states)).tolist()):
            if action not in legal[offsets[row] : offsets[row + 1]]:
                raise IllegalMove(f"game {games[row]}, move {states[row]['ply'] + 1}: action {action} is not legal")
        self.decisions += len(states)
        if time.monotonic() - self._reported > HEARTBEAT:
            self._reported = time.monotonic()
            self.tell("decisions", decisions=self.decisions)
        return output

    def forget(self, games: I64) -> None:
        """Let the player forget."""
        self.agent.forget(games)


def main() -> None:
    """Do the work of the request on standard input."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever else is printed is no event

    def tell(kind: str, **values: Any) -> None:
        print(json.dumps({"kind": kind, **values}), file=out, flush=True)

    request = TrialRequest(**json.load(sys.stdin))
    signal.alarm(request.seconds)
    try:
        measure(request, tell)
        play(request, tell)
    except IllegalMove as error:
        tell("illegal", message=str(error))
    except RingRiftError as error:
        tell("error", message=str(error))


def measure(request: TrialRequest, tell: Tell) -> None:
    """Ask the model about single positions, no two of them alike, and report the time of each."""
    board, players = parse_config(request.config)
    agent = _maker(request)(f"policy:{request.model}", board, players, seed=request.seed)
    milliseconds, finite = [], True
    for number, state in enumerate(_positions(request, board, players)):
        start = time.perf_counter()
        output = agent.act(state, np.array([number]))
        milliseconds.append(1000 * (time.perf_counter() - start))
        finite = finite and bool(np.isfinite(output.policy_probs).all() and np.isfinite(output.root_values).all())
    device, gpu = _device()
    tell("inference", milliseconds=milliseconds[WARM_UP:], finite=finite, device=device, gpu=gpu)


def _positions(request: TrialRequest, board: Board, players: int) -> Iterator[States]:
    openings = Openings(board, players, max_moves=move_limit(request.config), seed=request.seed)
    for number in range(WARM_UP + request.positions):
        yield openings.draw(number, 1 + number % DEEPEST).state


def play(request: TrialRequest, tell: Tell) -> None:
    """Play against every opponent, and report the end of each game."""
    board, players = parse_config(request.config)
    plans = trial_plans(request)
    tell("plan", games=sum(plan.games for plan in plans))
    spec = request.player.replace("{model}", request.model)
    model = Watched(_maker(request)(spec, board, players, seed=request.seed), board, tell)
    for plan in plans:
        for game in play_match([model, make_agent(plan.players[1], board, players, seed=request.seed)], plan):
            played = vars(game) | {"actions": game.actions.tolist(), "scheduled": vars(game.scheduled)}
            tell("game", decisions=model.decisions, plan=asdict(plan), played=played)


def _maker(request: TrialRequest) -> Callable[..., Agent]:
    maker: Callable[..., Agent] = pkgutil.resolve_name(request.factory)
    return maker


def _device() -> tuple[str, bool]:
    """Return the device that networks of this process run on, and whether it is a GPU."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        return f"{socket.gethostname()}, {torch.cuda.get_device_name()}", True
    return f"{socket.gethostname()}, CPU, threads: {os.environ.get('OMP_NUM_THREADS', 'all')}", False


if __name__ == "__main__":
    main()
