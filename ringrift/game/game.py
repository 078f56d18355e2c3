"""`Game`: what people import. It checks what it is handed and explains what is wrong; the kernels do the rest."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import index
from typing import Any, Final, Self, SupportsIndex

import numpy as np
import numpy.typing as npt

from ringrift.errors import RingRiftError
from ringrift.game import actions as a
from ringrift.game.boards import LPS_ROUNDS, PLAYER_COUNTS, Board, get_board, parse_config
from ringrift.game.diagram import draw
from ringrift.game.errors import BadPosition, BadRecord, IllegalAction, UnknownConfig
from ringrift.game.notation import Json, Notation, Parts, cell_key, merged, parts
from ringrift.game.positions import position_json, read_position, result_json
from ringrift.game.state import (
    CHAIN_CAPTURE,
    GAME_OVER,
    OWES_EXTRACTION,
    OWES_RECOVERY_LINE,
    PHASE_NAMES,
    SWAP_OFF,
    new_states,
    new_workspace,
    state_hash,
)
from ringrift.game.turn import legal_actions, step
from ringrift.game.types import States
from ringrift.game.victory import rank_players

SHOWN_KEY: Final = 80
"""Characters of an unknown key that an error repeats."""

PHASE_RULES = {
    "ring_placement": "placement needs rings in hand and a stack that could then act; R080–R082",
    "movement": "a stack moves at least its height, over free cells or a cap no higher than its own; R090–R115",
    "capture": "only the stack that has just moved may capture; R103",
    "chain_capture": "a chain has to go on with the same stack; R103",
    "line_processing": "every line has to be processed, and a whole one paid for; R120–R123",
    "territory_processing": "only eligible regions may be claimed, and each has to be paid for; R140–R145",
    "forced_elimination": "the cap of one controlled stack has to go; R100",
    "game_over": "the game is over; R170–R173",
}


NO_ACTION_RULE: Final = "a no-action is forced where its phase offers nothing else, and legal nowhere else; R070–R076"


@dataclass(frozen=True)
class Result:
    """The state or result of a game; per-player tuples are by seat."""

    status: str
    """`completed`, or `active` while it runs and when it was stopped at the limit of moves."""
    winner: int | None
    reason: str | None
    plies: int
    eliminated_rings: tuple[int, ...]
    territory_spaces: tuple[int, ...]
    rings_in_hand: tuple[int, ...]
    ranks: tuple[int, ...] | None
    """Final ranks, shared ones skipping the next (R175–R178); None while there is no winner."""


class Game:
    """One game of RingRift.

    >>> game = Game("hex8", players=3)
    >>> game.play(game.legal_actions()[0])
    >>> print(game)
    """

    def __init__(self, board: str, players: int = 2, *, swap_rule: bool = False, max_moves: int | None = None) -> None:
        """Start a game; `swap_rule` is the pie rule (two players), `max_moves` stops it without a winner."""
        self.board: Board = get_board(board)
        if not isinstance(players, SupportsIndex) or players not in PLAYER_COUNTS:
            raise UnknownConfig(f"RingRift is played by 2, 3 or 4 players, not {players!r}")
        if max_moves is not None and not (isinstance(max_moves, SupportsIndex) and index(max_moves) > 0):
            raise UnknownConfig(f"the limit of moves must be a number above 0, not {max_moves!r}")
        if swap_rule and players != 2:
            raise UnknownConfig(f"the pie rule is for two players, not {players} (R180)")
        self.players = index(players)
        self.swap_rule = swap_rule
        self.max_moves = max_moves
        self._start(new_states(self.board, players, swap_rule=swap_rule))
        self._initial: Json | None = None
        """The position that the game began with, if it was not the standard start."""

    def _start(self, states: States) -> None:
        self._states = states
        self._work = new_workspace(self.board)
        self._buffer = np.empty(self.board.max_actions, np.int32)
        self._past: list[tuple[States, int]] = []
        self._legal: npt.NDArray[np.int32] | None = None

    # Looking

    @property
    def config(self) -> str:
        """The config name, such as `hex8_3p`."""
        return f"{self.board.name}_{self.players}p"

    @property
    def array(self) -> np.void:
        """The state record that the kernels work on. Reading it is fine; writing to it breaks the game."""
        record: np.void = self._states[0]
        return record

    @property
    def player(self) -> int:
        """The seat to act, from 1; the winner once the game is over."""
        return int(self.array["player"])

    @property
    def phase(self) -> str:
        """The phase of the turn."""
        return PHASE_NAMES[int(self.array["phase"])]

    @property
    def is_over(self) -> bool:
        """Whether the game has a winner or was stopped at its limit of moves."""
        stopped = self.max_moves is not None and self.array["ply"] >= self.max_moves
        return bool(self.array["phase"] == GAME_OVER or stopped)

    def legal_actions(self) -> npt.NDArray[np.int32]:
        """Every legal action, `[actions]`; empty when the game is over. Actions are policy indices (`actions.py`)."""
        if self._legal is None:
            count = 0
            if not self.is_over:
                count = legal_actions(self._states[0], self.board.tables, self._work, self._buffer)
            self._legal = self._buffer[:count].copy()
            self._legal.setflags(write=False)
        return self._legal

    def notation(self) -> Notation:
        """The notation of this position."""
        return Notation(self.board, self._states[0], self._work)

    def key(self, action: int) -> str:
        """The short name of a legal action, such as `MS 3,4>3,6`."""
        if not (self.legal_actions() == action).any():
            raise IllegalAction(self._complaint(action, None))
        return self.notation().key(action)

    def keys(self) -> list[str]:
        """The short names of all legal actions, in the order of `legal_actions`."""
        notation = self.notation()
        return [notation.key(action) for action in self.legal_actions().tolist()]

    def moves(self) -> list[Json]:
        """The canonical moves of all legal actions, in the order of `legal_actions`."""
        notation = self.notation()
        return [notation.move(action) for action in self.legal_actions().tolist()]

    def hash(self) -> int:
        """64-bit hash of the position, without the counters of turns and moves."""
        return int(state_hash(self._states[0]))

    def result(self) -> Result:
        """The state of the game, or its result."""
        result = result_json(self.array)
        return Result(
            status=result["status"],
            winner=result["winner"],
            reason=result["reason"],
            plies=result["plies"],
            eliminated_rings=tuple(result["eliminatedRings"]),
            territory_spaces=tuple(result["territorySpaces"]),
            rings_in_hand=tuple(result["ringsInHand"]),
            ranks=self.ranks() if result["winner"] else None,
        )

    def ranks(self) -> tuple[int, ...]:
        """The ranks of the seats as things stand, ties sharing a rank (1, 2, 2, 4)."""
        ranks = np.zeros(4, np.int64)
        rank_players(self._states[0], ranks)
        return tuple(ranks[: self.players].tolist())

    def __str__(self) -> str:
        return draw(self.board, self.array)

    def __repr__(self) -> str:
        return f"<Game {self.config}, move {self.array['ply']}: player {self.player} in {self.phase}>"

    # Playing

    def play(self, action: SupportsIndex | str | Mapping[str, Any]) -> None:
        """Play an action: a policy index, a short key, or a canonical move; `IllegalAction` if the rules forbid it.

        A canonical `recovery_slide` carries all decisions of the recovery and plays them all.
        """
        if isinstance(action, Mapping):
            self._play_move(action)
        elif isinstance(action, str):
            self._play_key(action)
        elif isinstance(action, SupportsIndex) and not isinstance(action, bool):
            self._play_action(index(action), None)
        else:
            raise IllegalAction(f"{action!r} is no action: play a policy index, a short key or a canonical move")

    def _play_action(self, action: int, title: str | None) -> None:
        if not (self.legal_actions() == action).any():
            raise IllegalAction(self._complaint(action, title))
        self._past.append((self._states.copy(), action))
        step(self._states[0], action, self.board.tables, self._work)
        self._legal = None

    def _play_key(self, key: str) -> None:
        for action, name in zip(self.legal_actions().tolist(), self.keys(), strict=True):
            if name == key:
                self._play_action(action, key)
                return
        shown = key if len(key) <= SHOWN_KEY else key[:SHOWN_KEY] + "…"
        raise IllegalAction(self._complaint(-1, f"{shown!r}"))

    def _play_move(self, move: Mapping[str, Any]) -> None:
        player = move.get("player", self.player)
        if player != self.player or isinstance(player, bool):
            raise IllegalAction(
                f"it is the turn of player {self.player}, not of {player!r}, in phase {self.phase} (R070)"
            )
        before = len(self._past)
        title = f"move {move.get('type')}"
        try:
            self._play_action(self.notation().action(move), title)
            while self.array["owed"] in (OWES_RECOVERY_LINE, OWES_EXTRACTION):
                if not {"recoveryOption", "extractionStacks"} & move.keys():
                    break  # a recovery cut short: the rest has not been decided yet
                if self.array["owed"] == OWES_EXTRACTION and "extractionStacks" not in move:
                    break
                self._play_action(self.notation().action(move), title)
        except RingRiftError:
            while len(self._past) > before:
                self.undo()
            raise

    def _complaint(self, action: int, title: str | None) -> str:
        if title is None:
            title = self._name(action)
        if self.is_over and self.array["phase"] != GAME_OVER:
            return f"{title}: the game was stopped after {self.max_moves} moves"
        rule = NO_ACTION_RULE if self._is_no_action(action) else PHASE_RULES[self.phase]
        return f"{title} is not legal for player {self.player} in phase {self.phase}: {rule}"

    def _is_no_action(self, action: int) -> bool:
        """Whether an action is one of the forced no-actions, whatever the position."""
        return action - a.first_planes(self.board).end * self.board.cells in a.NO_ACTIONS

    def _name(self, action: int) -> str:
        if not 0 <= action < a.policy_size(self.board):
            return f"action {action} (the policy has {a.policy_size(self.board)} indices)"
        part: Parts = parts(self.board, action)
        if part.kind == "scalar":
            return f"action {action} ({a.SCALAR_NAMES[part.number]})"
        return f"action {action} ({part.kind} at {cell_key(self.board, part.cell)})"

    def undo(self) -> int:
        """Take the last action back and return it."""
        if not self._past:
            raise IllegalAction("there is nothing to undo: the game is at its first position")
        self._states, action = self._past.pop()
        self._legal = None
        return action

    def copy(self) -> Self:
        """An independent copy."""
        other = copy.copy(self)
        other._states = self._states.copy()
        other._past = list(self._past)
        other._work = new_workspace(self.board)
        other._buffer = self._buffer.copy()
        return other

    @property
    def actions(self) -> list[int]:
        """The actions played so far."""
        return [action for _, action in self._past]

    # Positions and records

    def state(self) -> Json:
        """The position in the compact JSON of the reference games."""
        position = position_json(self.board, self.array)
        if self.array["phase"] == CHAIN_CAPTURE:
            position["chain"] |= self._chain_history()
        return position

    def _chain_history(self) -> Json:
        """Return where the running chain began, and the cells that its segments departed from."""
        visited: list[str] = []
        for states, action in reversed(self._past):
            visited.insert(0, cell_key(self.board, parts(self.board, action).cell))
            if states[0]["phase"] != CHAIN_CAPTURE:
                return {"start": visited[0], "visited": visited}
        earlier = (self._initial or {}).get("chain") or {}
        visited = [*earlier.get("visited", []), *visited]
        return {"start": earlier.get("start"), "visited": visited}

    @classmethod
    def from_state(
        cls, position: Mapping[str, Any], board: str, players: int = 2, *, max_moves: int | None = None
    ) -> Self:
        """Start a game in any position; `BadPosition` if it breaks an invariant of the game."""
        game = cls(board, players, max_moves=max_moves)
        game._start(read_position(game.board, players, position))
        game.swap_rule = bool(game.array["swap"] != SWAP_OFF)
        game._initial = copy.deepcopy(dict(position))
        return game

    def rules(self) -> Json:
        """The numbers of the rules, as records carry them."""
        return {
            "boardType": self.board.name,
            "numPlayers": self.players,
            "ringsPerPlayer": self.board.rings,
            "victoryThreshold": self.board.elimination_goal(self.players),
            "territoryVictoryMinimum": self.board.territory_goal(self.players),
            "lineLength": self.board.line_length(self.players),
            "lpsRoundsRequired": LPS_ROUNDS,
            "swapRuleEnabled": self.swap_rule,
        }

    def record(self, **header: Any) -> Json:
        """The game as a record: config, further header fields, rules, initial position if special, moves, result."""
        record: Json = {"config": self.config, **header, "rules": self.rules()}
        if self._initial is not None:
            record["initial"] = self._initial
        record["moves"] = self._canonical_moves()
        record["result"] = result_json(self.array)
        if self.array["winner"]:
            record["result"]["ranks"] = list(self.ranks())
        return record

    def _canonical_moves(self) -> list[Json]:
        moves: list[Json] = []
        for states, action in self._past:
            move = Notation(self.board, states[0], self._work).move(action)
            if moves and states[0]["owed"] in (OWES_RECOVERY_LINE, OWES_EXTRACTION):
                moves[-1] = merged([moves[-1], move])
            else:
                moves.append(move)
        return moves

    @classmethod
    def from_record(cls, record: Mapping[str, Any], *, max_moves: int | None = None) -> Self:
        """Replay a record; `BadRecord` names the move that does not fit and says why."""
        game = cls.opening(record, max_moves=max_moves)
        for number, move in enumerate(record_moves(record)):
            try:
                game.play(move)
            except RingRiftError as error:
                raise BadRecord(f"move {number}: {error}") from None
        check_result(game, record.get("result"))
        return game

    @classmethod
    def opening(cls, record: Mapping[str, Any], *, max_moves: int | None = None) -> Self:
        """The position that a record begins with."""
        if not isinstance(record, Mapping):
            raise BadRecord(f"a record must be an object, not {type(record).__name__}")
        rules = record.get("rules") or {}
        if not isinstance(rules, Mapping):
            raise BadRecord("`rules` must be an object")
        if "config" not in record and not {"boardType", "numPlayers"} <= rules.keys():
            raise BadRecord("a record needs a `config`, such as square8_2p")
        config = record.get("config", f"{rules.get('boardType')}_{rules.get('numPlayers')}p")
        if not isinstance(config, str):
            raise BadRecord(f"`config` must be a name such as square8_2p, not {config!r}")
        board, players = parse_config(config)
        swap_rule = bool(rules.get("swapRuleEnabled", False))
        initial = record.get("initial")
        if initial is None:
            game = cls(board.name, players, swap_rule=swap_rule, max_moves=max_moves)
        else:
            try:
                game = cls.from_state(initial, board.name, players, max_moves=max_moves)
            except BadPosition as error:
                raise BadRecord(f"initial position: {error}") from None
            game.swap_rule = swap_rule
        expected = game.rules()
        for name, value in rules.items():
            if name in expected and value != expected[name]:
                raise BadRecord(f"`rules.{name}` is {value!r}, but {config} is played with {expected[name]!r}")
        return game


def record_moves(record: Mapping[str, Any]) -> Sequence[Mapping[str, Any] | int]:
    """The moves of a record: its `moves`, the `move` of each of its `plies`, or its `actions` as policy indices."""
    actions = record.get("actions")
    if actions is not None and "moves" not in record and "plies" not in record:
        if not isinstance(actions, list) or not all(type(action) is int for action in actions):
            raise BadRecord("`actions` must be a list of whole numbers")
        return actions
    plies = record_plies(record)
    moves = record.get("moves")
    if moves is None and plies is not None:
        moves = [ply.get("move") for ply in plies]
    if not isinstance(moves, list):
        raise BadRecord("a record needs a list of `moves`")
    if plies is not None and len(plies) != len(moves):
        raise BadRecord(f"a record with {len(moves)} `moves` cannot have {len(plies)} `plies`")
    for number, move in enumerate(moves):
        if not isinstance(move, Mapping):
            raise BadRecord(f"move {number}: a move must be an object, not {type(move).__name__}")
    return moves


def record_plies(record: Mapping[str, Any]) -> list[Mapping[str, Any]] | None:
    """The plies of a record, if it has any: what it says about the position before and after every move."""
    plies = record.get("plies")
    if plies is None:
        return None
    if not isinstance(plies, list) or not all(isinstance(ply, Mapping) for ply in plies):
        raise BadRecord("`plies` must be a list of objects")
    return plies


def check_result(game: Game, result: object) -> None:
    """A recorded result has to be the one that the rules give, as far as it says anything."""
    if result is None:
        return
    if not isinstance(result, Mapping):
        raise BadRecord("`result` must be an object")
    content = result_json(game.array)
    if game.array["winner"]:
        content["ranks"] = list(game.ranks())
    for name, value in content.items():
        if name in result and result[name] != value:
            raise BadRecord(f"the result says {name} {result[name]!r}, but the rules give {value!r}")
