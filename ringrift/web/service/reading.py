"""The reading of a game as servers send it into a position of ours.

Facts that the board does not show are in fields, or follow from the end of the history. Where neither has them, the
only plausible answer is assumed, and reported; without one the game is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from ringrift.errors import RingRiftError
from ringrift.game import Board, Game, get_board
from ringrift.game.boards import LPS_ROUNDS
from ringrift.game.notation import Json
from ringrift.game.positions import read_position
from ringrift.game.state import TRAIL
from ringrift.game.types import States
from ringrift.web.service.game_state import GameState, Stack
from ringrift.web.service.history import LINES, MOVEMENTS, REGIONS, UNCHANGING, Histories, turn_of

RingOrder = Literal["top first", "bottom first"]
ORDERS: Final[tuple[RingOrder, RingOrder]] = ("top first", "bottom first")
COMPARED: Final = ("cells", "hand", "credited", "player", "phase")
"""The fields that a history has to lead to, to be used."""
ACTING: Final = ("movement", "capture", "chain_capture")
"""The phases in which one stack may have to act."""


class BadGameState(RingRiftError):
    """A game that cannot be read, or is played by other rules."""


@dataclass(frozen=True)
class ReadGame:
    """A game that was read into a position."""

    board: Board
    players: int
    position: Json
    """The position in the compact JSON of the reference games."""
    states: States
    """The position as states, `[1]`."""
    order: RingOrder
    assumed: tuple[str, ...]
    """The assumptions that neither board nor fields nor history settle."""

    @property
    def config(self) -> str:
        """The config, such as `hex8_3p`."""
        return f"{self.board.name}_{self.players}p"

    def game(self) -> Game:
        """Return a game that goes on from the position."""
        return Game.from_state(self.position, self.board.name, self.players)


def read_game(state: GameState, histories: Histories) -> ReadGame:
    """Read a game; `BadGameState` or `BadPosition` says in one line what is wrong, or missing."""
    board, players = get_board(state.board_type), len(state.players)
    _check_rules(state, board, players)
    reader = _Reader(state, board, players, histories)
    position = reader.position()
    states = read_position(board, players, position)
    record = states[0]
    record["ply"] = len(state.history)
    trail = reader.trail()
    record["trail"][: len(trail)] = trail
    return ReadGame(board, players, position, states, reader.order, tuple(reader.assumed))


def _check_rules(state: GameState, board: Board, players: int) -> None:
    """Refuse a game with other numbers than those that board and seats have here."""
    seats = sorted(player.player_number for player in state.players)
    if seats != list(range(1, players + 1)):
        raise BadGameState(f"players: the numbers are {seats}, not 1 … {players}")
    fixed: tuple[tuple[str, int | None, tuple[int, ...]], ...] = (
        ("maxPlayers", state.max_players, (players,)),
        ("victoryThreshold", state.victory_threshold, (board.elimination_goal(players),)),
        ("territoryVictoryMinimum", state.territory_victory_minimum, (board.territory_goal(players),)),
        (
            "territoryVictoryThreshold",
            state.territory_victory_threshold,
            (board.territory_goal(players), board.cells // 2 + 1),
        ),
        ("lpsRoundsRequired", state.lps_rounds_required, (LPS_ROUNDS,)),
    )
    for name, value, allowed in fixed:
        if value is not None and value not in allowed:
            raise BadGameState(f"{name}: {board.name} for {players} is played with {allowed[0]}, not {value}")
    if (state.total_rings_in_play or 0) > board.rings * players:
        raise BadGameState(f"totalRingsInPlay: {board.name} for {players} has {board.rings * players} rings")


class _Reader:
    """One game on its way to a position."""

    def __init__(self, state: GameState, board: Board, players: int, histories: Histories) -> None:
        self.state = state
        self.board = board
        self.players = players
        self.histories = histories
        self.phase = state.current_phase
        self.player = state.current_player
        self.turn = turn_of(state.history, self.player, begins=self.phase == "ring_placement")
        self.assumed: list[str] = []
        self.order: RingOrder = _order(state, board)

    def position(self) -> Json:
        """Return the position in the compact JSON of the reference games."""
        state, over = self.state, self.state.is_over
        players = sorted(state.players, key=lambda player: player.player_number)
        credited = [player.eliminated_rings for player in players]
        collapsed = {self._key(key): owner for key, owner in state.board.collapsed_spaces.items()}
        recovered = any(move.get("type") == "recovery_slide" for move in self.turn)
        position: Json = {
            "currentPlayer": self.player,
            "phase": "game_over" if over else self.phase,
            "winner": state.winner if over else None,
            "stacks": {self._key(key): self._rings(stack) for key, stack in state.board.stacks.items()},
            "markers": {self._key(key): marker.player for key, marker in state.board.markers.items()},
            "collapsed": collapsed,
            "ringsInHand": [player.rings_in_hand for player in players],
            "eliminatedRings": credited,
            "territorySpaces": [list(collapsed.values()).count(seat) for seat in range(1, self.players + 1)],
            "totalRingsEliminated": sum(credited),
            "mustMoveFrom": None,
            "pendingLineElim": False,
            "pendingTerritoryElim": False,
            "turnHadBoardChange": False,
            "turnHadRecoverySlide": recovered,
        }
        written = {
            "stacks": len(state.board.stacks),
            "markers": len(state.board.markers),
            "collapsed": len(state.board.collapsed_spaces),
        }
        if any(len(position[name]) != count for name, count in written.items()):
            raise BadGameState("board: a cell has two keys")
        if not over:
            self._add_what_is_under_way(position)
        position["lps"] = self._rounds(position)
        if self._may_still_swap():
            position["swapAvailable"] = True
        return position

    def trail(self) -> list[int]:
        """Return the positions of the last places on the board, the newest first."""
        places: list[int] = []
        for move in reversed(self.state.history[-2 * TRAIL :]):
            for field in ("to", "from"):
                cell = move.get(field) if field == "to" or move.get("type") in MOVEMENTS else None
                key = _cell_key(cell)
                index = None if key is None else self.board.cell_of.get(tuple(map(int, self._key(key).split(","))))
                if index is not None:
                    places.append(int(self.board.tables["position"][index]))
        return places[:TRAIL]

    # Facts that the board does not show

    def _add_what_is_under_way(self, position: Json) -> None:
        """Add which stack has to act, what is owed, and whether the turn has changed the board."""
        must_move = self._must_move() if self.phase in ACTING else None
        position["mustMoveFrom"] = must_move
        if self.phase == "capture":
            position["captureFrom"] = self._capturer(must_move)
        elif self.phase == "chain_capture":
            position["chain"] = {"at": self._chain_position(must_move)}
        if must_move is not None and self.phase != "movement":
            position["mustMoveFrom"] = position.get("captureFrom") or position["chain"]["at"]
        if self.phase == "line_processing":
            position["pendingLineElim"] = self._owes_line_ring()
        last = self.turn[-1] if self.turn else {}
        if self.phase == "territory_processing" and last.get("type") in REGIONS:
            position["pendingTerritoryElim"] = bool(last.get("disconnectedRegions"))
        position["turnHadBoardChange"] = self._changed(must_move)

    def _must_move(self) -> str | None:
        """Return the stack that has been placed on in this turn, and has to act."""
        if self.state.must_move_from_stack_key is not None:
            return self._key(self.state.must_move_from_stack_key)
        at: str | None = None
        for move in self.turn:
            start, landing = _cell_key(move.get("from")), _cell_key(move.get("to"))
            placed = move.get("type") == "place_ring"
            if placed or (move.get("type") in MOVEMENTS and at is not None and start == at):
                at = landing
        if not self.turn and self.phase == "movement":
            self.assumed.append("no stack has been placed on in this turn")
        return None if at is None else self._key(at)

    def _capturer(self, must_move: str | None) -> str:
        """Return the stack that may capture after its move."""
        last = self.turn[-1] if self.turn else {}
        landing = _cell_key(last.get("to")) if last.get("type") in MOVEMENTS else None
        if landing is None and must_move is None:
            raise BadGameState("moveHistory: in phase capture its last move has to say which stack may capture")
        return self._key(landing) if landing is not None else str(must_move)

    def _chain_position(self, must_move: str | None) -> str:
        """Return the stack whose chain goes on."""
        chain, last = self.state.chain_capture_state, self.turn[-1] if self.turn else {}
        if self.state.chain_capture_position is not None:
            return self._key(self.state.chain_capture_position.key)
        if chain is not None and chain.current_position is not None:
            return self._key(chain.current_position.key)
        landing = _cell_key(last.get("to")) if last.get("type") in MOVEMENTS else None
        if landing is None and must_move is None:
            raise BadGameState("chainCaptureState: in phase chain_capture its currentPosition is needed")
        return self._key(landing) if landing is not None else str(must_move)

    def _owes_line_ring(self) -> bool:
        """Return whether a whole line has been collapsed in this turn and not been paid for."""
        if self.state.pending_line_reward_elimination is not None:
            return self.state.pending_line_reward_elimination
        if not self.turn:
            self.assumed.append("no ring is owed for a line")
            return False
        last = self.turn[-1]
        controls = any(stack.controlling_player == self.player for stack in self.state.board.stacks.values())
        if last.get("type") not in LINES or not controls:
            return False
        collapsed, lines = last.get("collapsedMarkers"), last.get("formedLines")
        if not (isinstance(collapsed, list) and isinstance(lines, list) and lines and isinstance(lines[0], dict)):
            return True
        positions = lines[0].get("positions")
        return not isinstance(positions, list) or len(collapsed) >= len(positions)

    def _changed(self, must_move: str | None) -> bool:
        """Return whether this turn has changed the board."""
        if self.turn:
            return any(move.get("type") not in UNCHANGING for move in self.turn)
        if self.phase in ("line_processing", "territory_processing"):
            self.assumed.append("this turn has changed the board")
            return True
        return self.phase in ("capture", "chain_capture") or must_move is not None

    def _may_still_swap(self) -> bool:
        """Return whether the pie rule is agreed on, and the second player has not begun."""
        options, moves = self.state.rules_options, self.state.history
        if self.players != 2 or options is None or not options.swap_rule_enabled or self.state.is_over:
            return False
        if self.player == 2 and self.phase != "ring_placement":
            return False
        if moves:
            return all(move.get("player") == 1 and move.get("type") != "swap_sides" for move in moves)
        untouched = sum(
            player.rings_in_hand for player in self.state.players if player.player_number == 2
        ) == self.board.rings and not any(marker.player == 2 for marker in self.state.board.markers.values())
        if untouched:
            self.assumed.append("the second player has not moved yet")
        return untouched

    def _rounds(self, position: Json) -> Json:
        """Return the rounds of last player standing: they decide the winner, and never the legal actions."""
        state = self.state
        if state.lps_round_index is not None and state.lps_current_round_actor_mask is not None:
            return {
                "round": state.lps_round_index,
                "first": state.lps_current_round_first_player,
                "mask": state.lps_current_round_actor_mask,
                "exclusive": state.lps_exclusive_player_for_completed_round,
                "consecutive": state.lps_consecutive_exclusive_rounds or 0,
                "consecutivePlayer": state.lps_consecutive_exclusive_player,
            }
        empty: Json = {
            "round": 0,
            "first": None,
            "mask": {},
            "exclusive": None,
            "consecutive": 0,
            "consecutivePlayer": None,
        }
        replayed = self._replayed(position | {"lps": empty}) if not state.is_over else None
        if replayed is not None:
            return replayed
        if not state.is_over:
            self.assumed.append("a round of last player standing begins now")
        tracking = state.lps_tracking
        if tracking is None:
            return empty
        return empty | {
            "round": tracking.round_index,
            "consecutive": tracking.consecutive_exclusive_rounds,
            "consecutivePlayer": tracking.consecutive_exclusive_player,
        }

    def _replayed(self, position: Json) -> Json | None:
        """Return the rounds as the whole history leads to them; None if it does not lead to this board."""
        if not self.state.history:
            fresh = self.player == 1 and not self.state.board.stacks and not self.state.board.markers
            return position["lps"] if fresh else None
        options = self.state.rules_options
        swap_rule = bool(options is not None and options.swap_rule_enabled and self.players == 2)
        replayed = self.histories.replay(self.board, self.players, self.state.history, swap_rule=swap_rule)
        if replayed is None:
            return None
        there, here = replayed[0], read_position(self.board, self.players, position)[0]
        if not all(np.array_equal(there[name], here[name]) for name in COMPARED):
            return None
        seen, able = int(there["lps_seen"]), int(there["lps_able"])
        return {
            "round": int(there["lps_round"]),
            "first": int(there["lps_first"]) or None,
            "mask": {str(seat): bool(able >> seat - 1 & 1) for seat in range(1, 5) if seen >> seat - 1 & 1},
            "exclusive": int(there["lps_exclusive"]) or None,
            "consecutive": int(there["lps_count"]),
            "consecutivePlayer": int(there["lps_player"]) or None,
        }

    # Cells and stacks

    def _key(self, key: str) -> str:
        """Return a key of a cell in the form that we write."""
        numbers = [int(number) for number in key.split(",")]
        if self.board.hexagonal and len(numbers) == 2:
            numbers.append(-sum(numbers))
        return ",".join(map(str, numbers))

    def _rings(self, stack: Stack) -> str:
        """Return the rings of a stack, from the bottom to the top."""
        rings = stack.rings if self.order == "bottom first" else stack.rings[::-1]
        return "".join(map(str, rings))


def _order(state: GameState, board: Board) -> RingOrder:
    """Return which end of the rings is the top, the same for all stacks; `BadGameState` if none or both would do."""
    fitting = set(ORDERS)
    for key, stack in state.board.stacks.items():
        if stack.stack_height not in (None, len(stack.rings)):
            raise BadGameState(f"board.stacks.{key}: stackHeight is {stack.stack_height}, not {len(stack.rings)}")
        orders = {order for order in ORDERS if _fits(stack, order)}
        if not orders:
            raise BadGameState(f"board.stacks.{key}: the rings fit neither controllingPlayer nor capHeight")
        fitting &= orders
        if not fitting:
            raise BadGameState(f"board.stacks.{key}: its rings begin at another end than those of the other stacks")
    one_way = all(stack.rings == stack.rings[::-1] for stack in state.board.stacks.values())
    if len(fitting) > 1 and not one_way:
        raise BadGameState(f"board.stacks: nothing tells which end of the rings is the top on this {board.name}")
    return "top first" if "top first" in fitting else "bottom first"


def _fits(stack: Stack, order: RingOrder) -> bool:
    """Return whether the rings, read in that order, have the owner and the cap of the stack's fields."""
    rings: Sequence[int] = stack.rings if order == "top first" else stack.rings[::-1]
    cap = next((depth for depth, ring in enumerate(rings) if ring != rings[0]), len(rings))
    return (rings[0], cap) == (stack.controlling_player, stack.cap_height)


def _cell_key(cell: object) -> str | None:
    """Return the key of a cell of a move; None if it is none."""
    if not isinstance(cell, dict):
        return None
    numbers = [cell[name] for name in ("x", "y", "z") if cell.get(name) is not None]
    whole = all(type(number) is int and abs(number) < 100 for number in numbers)
    return ",".join(map(str, numbers)) if whole and len(numbers) > 1 else None
