"""The one door into the pool: a line is read, its game replayed, and either admitted or turned away with a reason.

A line is a record of ours (`GameRecord`), or of another RingRift program in canonical moves (RULES §12). The latter
are replayed move by move, with the seat of each move checked, and become records of ours.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import numpy as np
import orjson

from ringrift.errors import RingRiftError
from ringrift.game import BadRecord, Game, IllegalAction, UnknownConfig, parse_config
from ringrift.game.state import REASON_NAMES
from ringrift.game_database.replay import (
    AFTER_THE_END,
    ILLEGAL_ACTION,
    ILLEGAL_POLICY,
    SOUND,
    UNFINISHED,
    replay,
)
from ringrift.moments import FIRST_IMPOSSIBLE
from ringrift.selfplay import GameRecord
from ringrift.strict_json import BadJson, parse_json

SELFPLAY: Final = "selfplay"
FOREIGN: Final = "foreign"
ORIGINS: Final = (SELFPLAY, FOREIGN)

REASONS: Final = {
    "no_record": "is no JSON object, or fields are missing or malformed",
    "too_long": "is longer than any game",
    "config": "names no config, or does not fit it",
    "not_replayable": "a move of another program's record is not legal, or its result is wrong",
    "special_start": "begins with a special position, or is played with the pie rule",
    "illegal_action": "an action is not legal",
    "after_the_end": "goes on after the end of the game or the limit of moves",
    "unfinished": "ends before the game is over or its limit of moves is reached",
    "illegal_policy": "search statistics have an entry that is no legal action",
    "wrong_result": "winner, reason or ranks are not those of the rules",
    "damaged": "cannot be read back from the database, or is not what its identity says",
}
"""The reasons why lines are put into quarantine: the stored name, and its meaning."""

RECORD_FIELDS: Final = frozenset(
    {
        *("format", "config", "run", "game", "seed", "engines", "models", "opening", "maxMoves", "actions", "search"),
        *("resigned", "result", "host", "worker", "ended", "code"),
    }
)
"""The fields that `GameRecord` keeps; others are kept beside it."""

_LONG_FIELDS: Final = frozenset({"moves", "plies", "initial", "rules", "result", "config"})
"""The fields of foreign records that follow from the replay."""

_PROBLEMS: Final = {AFTER_THE_END: "after_the_end", ILLEGAL_POLICY: "illegal_policy"}

LONGEST_NAME: Final = 500
"""Characters in the name of a run, a host or a worker."""
INT64: Final = np.iinfo(np.int64)
INT32: Final = np.iinfo(np.int32)


class Rejected(RingRiftError):
    """A line that is no sound game."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Line(NamedTuple):
    """A line of a source; `source` is the id of the file's row, `number` counts from 1."""

    source: int
    number: int
    raw: bytes


@dataclass(frozen=True, eq=False)
class Candidate:
    """A game that has been read and is yet to be replayed."""

    record: GameRecord
    origin: str = SELFPLAY
    extra: dict[str, Any] | None = None
    """Fields that the line had beyond those of `GameRecord`."""

    def to_line(self) -> bytes:
        """Return the line of JSON that it came from; for a foreign one, ours, with its fields as `foreign`."""
        line = self.record.to_line()
        further = {FOREIGN: self.extra or {}} if self.origin == FOREIGN else self.extra
        return line[:-2] + b"," + orjson.dumps(further)[1:] + b"\n" if further else line


@dataclass(frozen=True, eq=False)
class Admitted:
    """A game that is sound by the rules, with the finding of its replay (`FINDING`)."""

    line: Line
    candidate: Candidate
    finding: np.void


@dataclass(frozen=True)
class TurnedAway:
    """A line that goes to quarantine."""

    line: Line
    reason: str
    detail: str


def admit(lines: Sequence[Line]) -> list[Admitted | TurnedAway]:
    """Judge lines: one verdict each, in their order."""
    verdicts: dict[int, Admitted | TurnedAway] = {}
    candidates: dict[int, Candidate] = {}
    for index, line in enumerate(lines):
        try:
            candidates[index] = read_candidate(line.raw)
        except Rejected as error:
            verdicts[index] = TurnedAway(line, error.reason, error.detail)
    for index, verdict in zip(candidates, judge(list(candidates.values())), strict=True):
        line = lines[index]
        if isinstance(verdict, Rejected):
            verdicts[index] = TurnedAway(line, verdict.reason, verdict.detail)
        else:
            verdicts[index] = Admitted(line, candidates[index], verdict)
    return [verdicts[index] for index in range(len(lines))]


def judge(candidates: Sequence[Candidate]) -> list[np.void | Rejected]:
    """Replay games of any configs, and return for each the finding, or why it is no game."""
    records = [candidate.record for candidate in candidates]
    return [
        fault(record, finding) or _wrong_result(record, finding) or finding
        for record, finding in zip(records, findings(records), strict=True)
    ]


def findings(records: Sequence[GameRecord]) -> list[np.void]:
    """Replay games of any configs, and return a finding for each."""
    by_config: dict[str, list[int]] = defaultdict(list)
    for index, record in enumerate(records):
        by_config[record.config].append(index)
    by_index: dict[int, np.void] = {}
    for config, indices in by_config.items():
        board, players = parse_config(config)
        by_index.update(zip(indices, replay(board, players, [records[index] for index in indices]), strict=True))
    return [by_index[index] for index in range(len(records))]


def read_candidate(raw: bytes) -> Candidate:
    """Read a line; `Rejected` if it is no record or does not fit its config."""
    try:
        fields = parse_json(raw)
    except BadJson as error:
        raise Rejected("no_record", str(error)) from None
    if not isinstance(fields, dict):
        raise Rejected("no_record", f"a record must be an object, not {type(fields).__name__}")
    if "format" not in fields:
        return _foreign(fields, raw)
    try:
        record = GameRecord.from_json(fields)
    except BadRecord as error:
        raise Rejected("no_record", str(error)) from None
    check_header(record)
    if isinstance(fields.get(FOREIGN), dict):
        return Candidate(record, FOREIGN, fields[FOREIGN] or None)
    extra = {name: value for name, value in fields.items() if name not in RECORD_FIELDS}
    return Candidate(record, SELFPLAY, extra or None)


def check_header(record: GameRecord) -> None:
    """Check what needs no replay; `Rejected` names a fault."""
    try:
        _, players = parse_config(record.config)
    except UnknownConfig as error:
        raise Rejected("config", str(error)) from None
    for name in ("engines", "models"):
        if len(getattr(record, name)) != players:
            raise Rejected("config", f"{len(getattr(record, name))} {name} for {players} seats")
    if record.resigned and not (1 <= record.resigned[0] <= players and 0 <= record.resigned[1] < len(record.actions)):
        raise Rejected("no_record", f"`resigned` is {list(record.resigned)}: no seat, or no action of the game")
    if not 0 < record.max_moves <= INT32.max:
        raise Rejected("no_record", f"`maxMoves` must be a number above 0, not {record.max_moves}")
    if not 0 <= record.opening <= len(record.actions):
        raise Rejected("no_record", f"`opening` is {record.opening}, and the game has {len(record.actions)} actions")
    _check_key(record)


def _check_key(record: GameRecord) -> None:
    """Check the names of the game and its end: each fits its column, and is plausible."""
    for name in ("game", "seed"):
        if not INT64.min <= getattr(record, name) <= INT64.max:
            raise Rejected("no_record", f"`{name}` is {getattr(record, name)}, more than 64 bits")
    if not 0 <= record.ended < FIRST_IMPOSSIBLE:
        raise Rejected("no_record", f"`ended` is {record.ended}, which is no moment in seconds since 1970")
    for name in ("run", "host", "worker", "code"):
        if "\0" in getattr(record, name):
            raise Rejected("no_record", f"`{name}` has a character 0 in it")
        if len(getattr(record, name)) > LONGEST_NAME:
            raise Rejected("no_record", f"`{name}` has more than {LONGEST_NAME} characters")


def fault(record: GameRecord, finding: np.void) -> Rejected | None:
    """Return why a replayed game is none, apart from its stated result; None if it is sound."""
    problem = int(finding["problem"])
    if problem == ILLEGAL_ACTION:
        return Rejected("illegal_action", _complaint(record, int(finding["at"])))
    if problem == UNFINISHED:
        ends = f"ends after {finding['plies']} moves, neither won nor at the limit of {record.max_moves}"
        return Rejected("unfinished", ends)
    if problem != SOUND:
        return Rejected(_PROBLEMS[problem], f"at action {finding['at']} of {len(record.actions)}")
    return None


def _wrong_result(record: GameRecord, finding: np.void) -> Rejected | None:
    """Return the difference between the stated result and that of the rules; None if they agree."""
    stated = {"winner": record.winner, "reason": record.reason, "ranks": record.ranks}
    for name, true in zip(stated, outcome(finding, len(record.engines)), strict=True):
        if stated[name] != true:
            return Rejected("wrong_result", f"the record says {name} {stated[name]!r}, the rules give {true!r}")
    return None


def outcome(finding: np.void, players: int) -> tuple[int | None, str | None, tuple[int, ...] | None]:
    """Return winner, reason and ranks of a replayed game, as records have them."""
    winner = int(finding["winner"])
    ranks = tuple(finding["ranks"][:players].tolist()) if winner else None
    return winner or None, REASON_NAMES[int(finding["reason"])], ranks


def _complaint(record: GameRecord, at: int) -> str:
    """Return the error of the rules for an action that they forbid."""
    board, players = parse_config(record.config)
    game = Game(board.name, players)
    actions = record.actions[: at + 1].tolist()
    for action in actions[:at]:
        game.play(action)
    try:
        game.play(actions[at])
    except IllegalAction as error:
        return f"action {at}: {error}"
    raise AssertionError("the kernels and `Game` agree on what is legal")


def _foreign(fields: dict[str, Any], raw: bytes) -> Candidate:
    """Return a record of another program as one of ours."""
    try:
        game = Game.opening(fields)
        if game.swap_rule:
            raise Rejected("special_start", "played with the pie rule, which the pool has no place for")
        if game.state() != Game(game.board.name, game.players).state():
            raise Rejected("special_start", "begins with a special position")
        game = Game.from_record(fields)
    except UnknownConfig as error:
        raise Rejected("config", str(error)) from None
    except BadRecord as error:
        raise Rejected("not_replayable", str(error)) from None
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        raise Rejected("no_record", f"a field is not of its type ({error})") from None
    result = game.result()
    stopped = isinstance(fields.get("result"), dict) and result.plies > 0
    if not (game.is_over or stopped):
        raise Rejected("unfinished", f"ends after {result.plies} moves without a winner or a result")
    extra = {name: value for name, value in fields.items() if name not in _LONG_FIELDS}
    limit = _whole(extra.get("maxMoves"))
    record = GameRecord(
        config=game.config,
        run=FOREIGN,
        # Nothing else names a game of another program for sure; the same line always gets the same number.
        game=int.from_bytes(blake2b(raw.strip(), digest_size=8).digest()) >> 1,
        seed=_whole(extra.get("seed")),
        engines=_names(extra.get("engines"), game.players),
        models=(None,) * game.players,
        opening=0,
        max_moves=limit if limit and result.winner else result.plies,
        actions=np.array(game.actions, np.int32),
        winner=result.winner,
        reason=result.reason,
        ranks=result.ranks,
    )
    return Candidate(record, FOREIGN, extra or None)


def _whole(value: object) -> int:
    """Return a number of a foreign record, 0 if it has none."""
    return value if type(value) is int and 0 <= value <= INT64.max else 0


def _names(value: object, players: int) -> tuple[str, ...]:
    """Return the engines of a foreign record by seat, `unknown` where it has none."""
    if isinstance(value, list) and len(value) == players and all(isinstance(name, str) for name in value):
        return tuple(value)
    return ("unknown",) * players
