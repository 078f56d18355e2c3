"""A position as the compact JSON of the reference games ↔ one state record.

Two fields go beyond the reference games, and are written only where they are needed: `swapAvailable` (the pie rule may
still be used) and `recovery` (the decision owed in the middle of a recovery slide). The turn in which a player lost the
last ring, which only breaks ties in the final ranking, is not part of a position.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ringrift.game.boards import Board
from ringrift.game.errors import BadPosition
from ringrift.game.notation import Json, cell_key
from ringrift.game.state import (
    CAPTURE,
    CHAIN_CAPTURE,
    COLLAPSED,
    GAME_OVER,
    KIND,
    LINE_PROCESSING,
    MOVEMENT,
    OWES_EXTRACTION,
    OWES_LINE_RING,
    OWES_NOTHING,
    OWES_RECOVERY_LINE,
    OWES_REGION_PRICE,
    OWNER,
    PHASE_NAMES,
    REASON_NAMES,
    STACK,
    SWAP_OPEN,
    TERRITORY_PROCESSING,
    height_of,
    new_states,
    new_workspace,
    ring_at,
    stack_word,
)
from ringrift.game.turn import legal_actions
from ringrift.game.types import State, States
from ringrift.game.victory import note_losses
from ringrift.kernels.types import Record

OWED_IN_RECOVERY = {OWES_RECOVERY_LINE: "line", OWES_EXTRACTION: "extraction"}


def position_json(board: Board, state: Record) -> Json:
    """Write a state; the history of a capture chain (`start`, `visited`) is the caller's to add."""
    players = int(state["players"])
    stacks: Json = {}
    markers: Json = {}
    collapsed: Json = {}
    words = state["cells"][board.tables["position"]].tolist()
    for cell, word in enumerate(words):
        if word == 0:
            continue
        key = cell_key(board, cell)
        if word & KIND == STACK:
            stacks[key] = "".join(str(ring_at(word, depth)) for depth in range(height_of(word) - 1, -1, -1))
        else:
            (collapsed if word & KIND == COLLAPSED else markers)[key] = word & OWNER
    phase, owed = int(state["phase"]), int(state["owed"])
    over = phase == GAME_OVER
    position: Json = {
        "currentPlayer": int(state["player"]),
        "phase": PHASE_NAMES[phase],
        "status": "completed" if over else "active",
        "winner": int(state["winner"]) or None,
        "stacks": stacks,
        "markers": markers,
        "collapsed": collapsed,
        "ringsInHand": state["hand"][:players].tolist(),
        "eliminatedRings": state["credited"][:players].tolist(),
        "territorySpaces": state["territory"][:players].tolist(),
        "totalRingsEliminated": int(state["credited"].sum()),
        "mustMoveFrom": _key_at(board, state["must_move"]),
        "chain": None,
        "pendingLineElim": owed == OWES_LINE_RING,
        "pendingTerritoryElim": owed == OWES_REGION_PRICE,
        "captureFrom": _key_at(board, state["capturer"]) if phase == CAPTURE else None,
        "turnHadBoardChange": bool(state["changed"]),
        "turnHadRecoverySlide": bool(state["recovered"]),
        "lps": _lps_json(state, players),
    }
    if phase == CHAIN_CAPTURE:
        at = _key_at(board, state["capturer"])
        position["chain"] = {"at": at, "start": at, "visited": [], "player": int(state["player"])}
    if owed in OWED_IN_RECOVERY:
        position["recovery"] = {"owed": OWED_IN_RECOVERY[owed], "at": _key_at(board, state["slide_to"])}
    if state["swap"] == SWAP_OPEN:
        position["swapAvailable"] = True
    return position


def _key_at(board: Board, position: int) -> str | None:
    return cell_key(board, int(board.tables["cell"][position])) if position else None


def _lps_json(state: Record, players: int) -> Json:
    seen, able = int(state["lps_seen"]), int(state["lps_able"])
    return {
        "round": int(state["lps_round"]),
        "first": int(state["lps_first"]) or None,
        "mask": {str(seat + 1): bool(able >> seat & 1) for seat in range(players) if seen >> seat & 1},
        "exclusive": int(state["lps_exclusive"]) or None,
        "consecutive": int(state["lps_count"]),
        "consecutivePlayer": int(state["lps_player"]) or None,
    }


def read_position(board: Board, players: int, position: Mapping[str, Any]) -> States:
    """Read a position into an array of one state; `BadPosition` says what is wrong with it."""
    if not isinstance(position, Mapping):
        raise BadPosition(f"a position must be an object, not {type(position).__name__}")
    try:
        states = _read(board, players, position)
        _check(board, players, states[0], position)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        problem = f"no field {error}" if isinstance(error, KeyError) else str(error)
        raise BadPosition(f"not a position of {board.name} for {players} players: {problem}") from None
    return states


def _read(board: Board, players: int, position: Mapping[str, Any]) -> States:
    states = new_states(board, players)
    state = states[0]
    places = _Places(board)
    _read_cells(board, players, state, position, places)
    _read_turn(players, state, position)
    _read_constraints(state, position, places)
    _read_last_player_standing(players, state, position["lps"])
    if "recovery" in position:
        state["owed"] = {name: owed for owed, name in OWED_IN_RECOVERY.items()}[position["recovery"]["owed"]]
        if state["owed"] == OWES_RECOVERY_LINE:
            state["slide_to"] = places[position["recovery"]["at"]]
    if position.get("swapAvailable", False):
        if players != 2:
            raise BadPosition("`swapAvailable`: the pie rule is for two players (R180)")
        state["swap"] = SWAP_OPEN
    note_losses(state)
    state["turn"] = 1  # a player that is out lost the last ring in an earlier turn
    return states


class _Places(dict[object, int]):
    """Grid positions by the keys of cells."""

    def __init__(self, board: Board) -> None:
        positions = board.tables["position"].tolist()
        super().__init__({cell_key(board, cell): position for cell, position in enumerate(positions)})
        self.board = board

    def __missing__(self, key: object) -> int:
        raise BadPosition(f"there is no cell {key!r} on {self.board.name}")


def _read_cells(board: Board, players: int, state: State, position: Mapping[str, Any], places: _Places) -> None:
    """Read stacks, markers and collapsed cells."""
    taken: set[int] = set()

    def place(key: str, word: int) -> None:
        if places[key] in taken:
            raise BadPosition(f"cell {key} holds two things at once")
        taken.add(places[key])
        state["cells"][places[key]] = word

    for key, rings in position["stacks"].items():
        place(key, _read_stack(board, players, state, key, rings))
    for key, owner in position["markers"].items():
        place(key, _seat(owner, players))
        state["markers"][owner - 1] += 1
    for key, owner in position["collapsed"].items():
        place(key, COLLAPSED | _seat(owner, players))
        state["territory"][owner - 1] += 1


def _read_turn(players: int, state: State, position: Mapping[str, Any]) -> None:
    """Read counts, player, phase and debt."""
    state["hand"][:players] = _counts(position, "ringsInHand", players)
    state["credited"][:players] = _counts(position, "eliminatedRings", players)
    state["player"] = _seat(position["currentPlayer"], players)
    state["phase"] = PHASE_NAMES.index(position["phase"])
    state["changed"] = _flag(position, "turnHadBoardChange")
    state["recovered"] = _flag(position, "turnHadRecoverySlide")
    if position["winner"] is not None:
        state["winner"] = _seat(position["winner"], players)
    state["owed"] = (
        OWES_LINE_RING
        if _flag(position, "pendingLineElim")
        else OWES_REGION_PRICE
        if _flag(position, "pendingTerritoryElim")
        else OWES_NOTHING
    )


def _read_constraints(state: State, position: Mapping[str, Any], places: _Places) -> None:
    """Read which stack has to act."""
    if position["mustMoveFrom"] is not None:
        if state["phase"] not in (MOVEMENT, CAPTURE, CHAIN_CAPTURE):
            raise BadPosition(f"`mustMoveFrom` has no meaning in phase {position['phase']}")
        state["must_move"] = places[position["mustMoveFrom"]]
    if state["phase"] == CAPTURE:
        state["capturer"] = places[position["captureFrom"]]
    elif state["phase"] == CHAIN_CAPTURE:
        chain = position["chain"]
        state["capturer"] = places[chain["at"]]
        for key in [chain.get("start", chain["at"]), *chain.get("visited", [])]:
            _ = places[key]  # which has to be a cell


def _read_last_player_standing(players: int, state: State, lps: Mapping[str, Any]) -> None:
    """Read the rounds of last player standing."""
    state["lps_round"] = _number(lps, "round")
    state["lps_count"] = _number(lps, "consecutive")
    for field, name in (
        ("lps_first", "first"),
        ("lps_exclusive", "exclusive"),
        ("lps_player", "consecutivePlayer"),
    ):
        state[field] = 0 if lps[name] is None else _seat(lps[name], players)
    for seat, able in lps["mask"].items():
        bit = 1 << (_seat(int(seat), players) - 1)
        state["lps_seen"] |= bit
        state["lps_able"] |= bit if able else 0


def _read_stack(board: Board, players: int, state: State, key: str, rings: str) -> int:
    if not (isinstance(rings, str) and rings.isascii()):
        raise BadPosition(f"the stack at {key} must be a string of seat digits, not {rings!r}")
    if len(rings) > board.max_height:
        raise BadPosition(f"the stack at {key} has {len(rings)} rings; {board.name} allows {board.max_height}")
    if not rings:
        raise BadPosition(f"the stack at {key} has no rings")
    packed = 0
    for digit in rings:
        packed = packed << 2 | (_seat(int(digit), players) - 1)
        state["on_board"][int(digit) - 1] += 1
    state["controlled"][int(rings[-1]) - 1] += 1
    return int(stack_word(packed, len(rings)))


def _seat(value: object, players: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= players:
        raise BadPosition(f"{value!r} is no seat of a game for {players} players")
    return value


def _flag(position: Mapping[str, Any], field: str) -> bool:
    if not isinstance(position[field], bool):
        raise BadPosition(f"`{field}` must be true or false, not {position[field]!r}")
    return position[field] is True


def _number(source: Mapping[str, Any], field: str) -> int:
    value = source[field]
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**15:
        raise BadPosition(f"`{field}` must be a small number, not {value!r}")
    return value


def _counts(position: Mapping[str, Any], field: str, players: int) -> list[int]:
    counts = position[field]
    if not isinstance(counts, list) or len(counts) != players or not all(isinstance(n, int) and n >= 0 for n in counts):
        raise BadPosition(f"`{field}` must be a list of {players} numbers, not {counts!r}")
    return counts


def _check(board: Board, players: int, state: State, position: Mapping[str, Any]) -> None:  # noqa: C901 - a branch per invariant
    """The invariants that a position from outside has to keep."""
    eliminated = board.rings - state["hand"][:players] - state["on_board"][:players]
    for seat in range(players):
        if eliminated[seat] < 0:
            raise BadPosition(f"player {seat + 1} has {board.rings - eliminated[seat]} rings of {board.rings}")
    if eliminated.sum() != state["credited"].sum():
        raise BadPosition(
            f"{eliminated.sum()} rings are gone, but {state['credited'].sum()} are credited as eliminated"
        )
    territory = state["territory"][:players].tolist()
    if position["totalRingsEliminated"] != state["credited"].sum():
        raise BadPosition(f"`totalRingsEliminated` is {position['totalRingsEliminated']!r}, not the sum")
    if position["territorySpaces"] != territory:
        raise BadPosition(f"`territorySpaces` is {position['territorySpaces']}, but the board shows {territory}")
    phase = int(state["phase"])
    if phase == GAME_OVER:
        if not state["winner"]:
            raise BadPosition("a finished game needs a winner")
        return
    if state["winner"]:
        raise BadPosition(f"there is a winner, but the phase is {PHASE_NAMES[phase]}")
    for field in ("must_move", "capturer"):
        word = state["cells"][state[field]]
        if state[field] and word & (KIND | OWNER) != STACK | int(state["player"]):
            raise BadPosition("the stack that has to act is not one of the player to act")
    wanted = {OWES_LINE_RING: LINE_PROCESSING, OWES_REGION_PRICE: TERRITORY_PROCESSING}
    wanted |= dict.fromkeys(OWED_IN_RECOVERY, MOVEMENT)
    owed = int(state["owed"])
    if owed and wanted[owed] != phase:
        raise BadPosition(f"a payment is owed that the phase {PHASE_NAMES[phase]} does not have")
    out = np.empty(board.max_actions, np.int32)
    if legal_actions(state, board.tables, new_workspace(board), out) == 0:
        raise BadPosition(f"player {state['player']} has no legal action in phase {PHASE_NAMES[phase]}")


def result_json(state: Record) -> Json:
    """Outcome of a game in the form of the reference games."""
    players = int(state["players"])
    return {
        "status": "completed" if state["phase"] == GAME_OVER else "active",
        "winner": int(state["winner"]) or None,
        "reason": REASON_NAMES[int(state["reason"])],
        "plies": int(state["ply"]),
        "eliminatedRings": state["credited"][:players].tolist(),
        "territorySpaces": state["territory"][:players].tolist(),
        "ringsInHand": state["hand"][:players].tolist(),
    }
