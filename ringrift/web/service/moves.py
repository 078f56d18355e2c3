"""The search for moves, shared by the routes."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from concurrent.futures import Future
from typing import Any, Final

import numpy as np
from anyio.to_thread import run_sync

from ringrift.encoding import outcomes
from ringrift.game import IllegalAction
from ringrift.game.boards import MAX_PLAYERS
from ringrift.game.notation import Notation, merged
from ringrift.game.state import GAME_OVER, OWES_EXTRACTION, OWES_RECOVERY_LINE, SWAP_OFF, SWAP_OPEN, thread_workspace
from ringrift.game.turn import step
from ringrift.game.types import States
from ringrift.heuristic import evaluate, load_weights, new_scratch
from ringrift.web.context import WebContext
from ringrift.web.service.answers import MoveAnswer, MoveRequest
from ringrift.web.service.game_state import Move
from ringrift.web.service.history import Histories
from ringrift.web.service.lineup import Lineup, Player
from ringrift.web.service.pool import Decision, PlayerPool
from ringrift.web.service.reading import BadGameState, ReadGame, read_game

SEEDS: Final = 2**31
SWAP: Final = "swap_sides"
_log = logging.getLogger("ringrift.web")


class MoveService:
    """The players and their caches; one for all requests."""

    def __init__(self, context: WebContext) -> None:
        """Begin with nothing loaded."""
        self.settings = context.settings.service
        self.lineup = Lineup(self.settings, context.models)
        self.pool = PlayerPool(self.settings)
        self.histories = Histories()

    async def answer(self, request: MoveRequest) -> MoveAnswer:
        """Find a move; raises what the reading of the position raises, and `Overloaded`."""
        start = time.perf_counter()
        if request.game_state.is_over and request.game_state.winner is None:
            return _given_up(request)
        read = await run_sync(read_game, request.game_state, self.histories)
        _check_turn(request, read)
        player = self.lineup.player(read.config, request.difficulty, request.ai_type)
        seed = secrets.randbelow(SEEDS) if request.seed is None else request.seed
        move, values, batch = await self._choose(player, read, seed)
        milliseconds = round(1000 * (time.perf_counter() - start))
        fields = {"config": read.config, "player": player.mode, "difficulty": request.difficulty}
        _log.info("move", extra={"fields": fields | {"ms": milliseconds, "batch": batch}})
        value = values[request.player_number - 1]
        return MoveAnswer(
            move=move,
            evaluation=max(-1.0, min(1.0, value)),
            thinking_time_ms=milliseconds,
            difficulty=request.difficulty,
            assumptions=list(read.assumed),
            **description(player),
        )

    async def _choose(self, player: Player, read: ReadGame, seed: int) -> tuple[Move | None, tuple[float, ...], int]:
        """Return a move, the values by seat before it, and the positions that were searched side by side."""
        states = read.states.copy()
        if states[0]["phase"] == GAME_OVER:
            return None, tuple(outcomes(states, read.players)[0].tolist()), 0
        may_swap = bool(states[0]["swap"] == SWAP_OPEN and states[0]["player"] == 2)
        if may_swap:  # players cannot choose to change seats
            states["swap"] = SWAP_OFF
        parts: list[Move] = []
        first: Decision | None = None
        while True:
            decision = await self._decide(player, read, states, seed)
            first = first or decision
            work = thread_workspace(read.board)
            parts.append(Notation(read.board, states[0], work).move(decision.action))
            step(states[0], decision.action, read.board.tables, work)
            if states[0]["owed"] not in (OWES_RECOVERY_LINE, OWES_EXTRACTION):
                break
        if may_swap and first.values[1] < 0:
            return {"type": SWAP, "player": 2}, tuple(-value for value in first.values), first.batch
        return merged(parts), first.values, first.batch

    async def _decide(self, player: Player, read: ReadGame, states: States, seed: int) -> Decision:
        """Return the only legal action, or the player's choice."""
        legal = Notation(read.board, states[0], thread_workspace(read.board)).legal()
        if len(legal) == 1:
            return Decision(legal[0], heuristic_values(read, states), 0)
        future: Future[Decision] = self.pool.decide(player, states.copy(), seed)
        return await asyncio.wrap_future(future)


def _given_up(request: MoveRequest) -> MoveAnswer:
    """Return the answer about a game that ended without a winner, which is no position of the rules."""
    return MoveAnswer(
        move=None,
        evaluation=0.0,
        thinking_time_ms=0,
        ai_type="none",
        difficulty=request.difficulty,
        use_neural_net=False,
        nn_model_id=None,
        nn_checkpoint=None,
        nnue_checkpoint=None,
        heuristic_profile_id=None,
    )


def _check_turn(request: MoveRequest, read: ReadGame) -> None:
    """Raise an error if the player of the request is not to move."""
    if request.player_number > read.players:
        raise BadGameState(f"player_number: {read.config} has {read.players} players, not {request.player_number}")
    if request.game_state.is_over:
        return
    if request.player_number != request.game_state.current_player:
        raise IllegalAction(
            f"player_number: it is the turn of player {request.game_state.current_player}, "
            f"not of {request.player_number}"
        )


def description(player: Player) -> dict[str, Any]:
    """Return the description of a player in answers; of files it has the names alone."""
    return {
        "ai_type": player.mode,
        "use_neural_net": player.model is not None,
        "nn_model_id": player.model_id(),
        "nn_checkpoint": None if player.model is None else player.model.name,
        "nnue_checkpoint": None,
        "heuristic_profile_id": player.config if player.parsed.uses_heuristic else None,
    }


def heuristic_values(read: ReadGame, states: States) -> tuple[float, ...]:
    """Return the heuristic's values of a position `[1]`, by seat; the outcome if that is the end."""
    values = np.zeros(MAX_PLAYERS, np.float32)
    evaluate(states[0], read.board.tables, load_weights(read.config), new_scratch(read.board), values)
    return tuple(values[: read.players].tolist())
