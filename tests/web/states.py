"""Games as a game server sends them, written after the description of the service and not by its own writer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ringrift.game import Game, parse_config

Json = dict[str, Any]
PLAYED_FIELDS = (
    "mustMoveFromStackKey",
    "chainCaptureState",
    "chainCapturePosition",
    "pendingLineRewardElimination",
)
"""What a history can say as well."""
ROUNDS_FIELDS = (
    "lpsRoundIndex",
    "lpsCurrentRoundActorMask",
    "lpsCurrentRoundFirstPlayer",
    "lpsExclusivePlayerForCompletedRound",
    "lpsConsecutiveExclusiveRounds",
    "lpsConsecutiveExclusivePlayer",
)


def cell(key: str) -> Json:
    return dict(zip("xyz", map(int, key.split(",")), strict=False))


def server_state(
    config: str, position: Json, moves: Sequence[Json], *, bottom_first: bool = False, swap_rule: bool = False
) -> Json:
    """The game of a position in the compact JSON of the reference games, and of the moves that led to it."""
    board, players = parse_config(config)
    start = Game(board.name, players).rules()
    stacks = {}
    for key, rings in position["stacks"].items():
        from_top = [int(ring) for ring in reversed(rings)]
        cap = len(from_top) - len("".join(map(str, from_top)).lstrip(str(from_top[0])))
        stacks[key] = {
            "position": cell(key),
            "rings": from_top[::-1] if bottom_first else from_top,
            "stackHeight": len(rings),
            "capHeight": cap,
            "controllingPlayer": from_top[0],
        }
    chain = position["chain"]
    rounds = position["lps"]
    over = position["phase"] == "game_over"
    return {
        "id": "game-1",
        "boardType": board.name,
        "board": {
            "type": board.name,
            "size": 13,
            "stacks": stacks,
            "markers": {
                key: {"player": owner, "position": cell(key), "type": "regular"}
                for key, owner in position["markers"].items()
            },
            "collapsedSpaces": position["collapsed"],
            "eliminatedRings": {},
            "formedLines": [],
            "territories": {},
        },
        "players": [
            {
                "id": f"p{seat}",
                "username": f"player {seat}",
                "type": "ai",
                "playerNumber": seat,
                "isReady": True,
                "timeRemaining": 600000,
                "ringsInHand": position["ringsInHand"][seat - 1],
                "eliminatedRings": position["eliminatedRings"][seat - 1],
                "territorySpaces": 0,
            }
            for seat in range(1, players + 1)
        ],
        "currentPhase": position["phase"],
        "currentPlayer": position["currentPlayer"],
        "moveHistory": [{**move, "id": f"m{number}", "moveNumber": number} for number, move in enumerate(moves, 1)],
        "gameStatus": "completed" if over else "active",
        "winner": position["winner"],
        "maxPlayers": players,
        "totalRingsInPlay": board.rings * players,
        "totalRingsEliminated": position["totalRingsEliminated"],
        "victoryThreshold": start["victoryThreshold"],
        "territoryVictoryThreshold": board.cells // 2 + 1,
        "territoryVictoryMinimum": start["territoryVictoryMinimum"],
        "chainCaptureState": chain and {"playerNumber": chain["player"], "currentPosition": cell(chain["at"])},
        "mustMoveFromStackKey": position["mustMoveFrom"],
        "pendingLineRewardElimination": position["pendingLineElim"],
        "lpsRoundIndex": rounds["round"],
        "lpsCurrentRoundActorMask": rounds["mask"],
        "lpsCurrentRoundFirstPlayer": rounds["first"],
        "lpsExclusivePlayerForCompletedRound": rounds["exclusive"],
        "lpsConsecutiveExclusiveRounds": rounds["consecutive"],
        "lpsConsecutiveExclusivePlayer": rounds["consecutivePlayer"],
        "lpsRoundsRequired": 3,
        "rulesOptions": {"swapRuleEnabled": swap_rule},
        "createdAt": "2026-01-01T00:00:00Z",
        "isRated": False,
        "spectators": [],
        "zobristHash": "",
    }


def without(state: Json, *names: str) -> Json:
    return {name: value for name, value in state.items() if name not in names}


def first_state(config: str, *, swap_rule: bool = False) -> Json:
    """A game that is about to begin."""
    board, players = parse_config(config)
    return server_state(config, Game(board.name, players).state(), [], swap_rule=swap_rule)
