"""The writing of a position of ours as a game that servers read."""

from __future__ import annotations

from typing import Any

from ringrift.game.boards import LPS_ROUNDS, Board
from ringrift.game.notation import Json
from ringrift.game.positions import position_json
from ringrift.game.state import state_hash
from ringrift.game.types import States
from ringrift.web.service.game_state import GameState, Move
from ringrift.web.service.reading import ReadGame, RingOrder


def position_hash(states: States) -> str:
    """Return the hash of a position `[1]`, 16 hexadecimal digits."""
    return f"{int(state_hash(states[0])):016x}"


def next_state(before: GameState, read: ReadGame, after: States, move: Move) -> Json:
    """Return the game after a move that has led to the position `after` `[1]`; fields that are not ours stay."""
    position = position_json(read.board, after[0])
    over = position["phase"] == "game_over"
    whole: Json = before.model_dump(by_alias=True, exclude_unset=True)
    whole["board"] |= board_json(read.board, position, read.order)
    for player in whole["players"]:
        seat = player["playerNumber"] - 1
        for name in ("ringsInHand", "eliminatedRings", "territorySpaces"):
            player[name] = position[name][seat]
    chain = position["chain"] and {"playerNumber": position["currentPlayer"], "currentPosition": _cell(position)}
    rounds = position["lps"]
    return whole | {
        "currentPhase": position["phase"],
        "currentPlayer": position["currentPlayer"],
        "moveHistory": [*before.history, move],
        "gameStatus": "completed" if over else "active",
        "winner": position["winner"],
        "totalRingsEliminated": position["totalRingsEliminated"],
        "chainCaptureState": chain,
        "chainCapturePosition": chain and chain["currentPosition"],
        "mustMoveFromStackKey": position["mustMoveFrom"],
        "pendingLineRewardElimination": position["pendingLineElim"],
        "lpsRoundIndex": rounds["round"],
        "lpsCurrentRoundActorMask": rounds["mask"],
        "lpsCurrentRoundFirstPlayer": rounds["first"],
        "lpsExclusivePlayerForCompletedRound": rounds["exclusive"],
        "lpsConsecutiveExclusiveRounds": rounds["consecutive"],
        "lpsConsecutiveExclusivePlayer": rounds["consecutivePlayer"],
        "lpsRoundsRequired": LPS_ROUNDS,
        "zobristHash": position_hash(after),
    }


def board_json(board: Board, position: Json, order: RingOrder) -> Json:
    """Return the pieces on the board, in the form of the game's own programs."""
    stacks: Json = {}
    for key, rings in position["stacks"].items():
        top_first = [int(ring) for ring in reversed(rings)]
        cap = next((depth for depth, ring in enumerate(top_first) if ring != top_first[0]), len(top_first))
        stacks[key] = {
            "position": _cell_of(key),
            "rings": top_first if order == "top first" else top_first[::-1],
            "stackHeight": len(top_first),
            "capHeight": cap,
            "controllingPlayer": top_first[0],
        }
    return {
        "type": board.name,
        "stacks": stacks,
        "markers": {
            key: {"player": player, "position": _cell_of(key), "type": "regular"}
            for key, player in position["markers"].items()
        },
        "collapsedSpaces": position["collapsed"],
        "eliminatedRings": {str(seat): count for seat, count in enumerate(position["eliminatedRings"], 1)},
    }


def _cell(position: Json) -> dict[str, Any]:
    return _cell_of(position["chain"]["at"])


def _cell_of(key: str) -> dict[str, Any]:
    return dict(zip("xyz", map(int, key.split(",")), strict=False))
