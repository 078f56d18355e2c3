"""The record of a game as one line of JSON: who played what, what the searches found, and how it ended.

```
{"format": 1, "config": "square8_2p", "run": "first", "game": 17, "seed": 5,
 "engines": ["gumbel:models/best.pth@64", "heuristic"], "models": ["3f0c…", null],
 "opening": 4, "maxMoves": 500, "actions": [28, 411, …], "search": {…}, "resigned": null,
 "result": {"winner": 1, "reason": "territory", "ranks": [1, 2]},
 "host": "gpu-1", "worker": "0", "ended": 1767225600, "code": "0.1.0+c3f9a1b20d7"}
```

`actions` are policy indices (`ringrift/game/actions.py`), all of them from the empty board on, forced ones too. As
canonical moves they would take 18 times the room, and 4 ms a game to read where ingest takes 0.15 (square8_2p);
`ringrift games export --moves` writes those for other programs. `Game.from_record` replays either.

`search` holds arrays as base64 of their little-endian bytes, see `SearchStatistics`. `host`, `worker`, `ended` and
`code` say where, when and by which code, and are no part of the game: whoever plays (run, game) again gets the same
line up to them.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson

from ringrift.game import BadRecord

FORMAT: Final = 1
WEIGHT_UNIT: Final = 65535
"""Shares of a policy are kept as whole numbers of 1/65535; what rounds to 0 is left out."""
VALUE_UNIT: Final = 32767
MOST_SURPRISE: Final = 1000.0
"""Nats; more stands for a prior that was as good as zero."""

SEARCH_FIELDS: Final = (
    ("at", "<i4"),
    ("full", "<u1"),
    ("values", "<i2"),
    ("counts", "<u2"),
    ("actions", "<i4"),
    ("weights", "<u2"),
)
"""The arrays of `SearchStatistics` in their order, and how their numbers are kept."""
SURPRISE_FIELD: Final = ("surprise", "<f2")
"""… and the one that is there only if something is known of it."""


@dataclass(frozen=True, eq=False)
class SearchStatistics:
    """What players have found out at the decisions of a game where they did more than pick: `[S]` of them."""

    at: npt.NDArray[np.int32]
    """`[S]`, which of the game's actions the decision was about."""
    full: npt.NDArray[np.uint8]
    """`[S]`, 1 if the policy is worth learning; 0 after a search that was cut short."""
    values: npt.NDArray[np.int16]
    """`[S, players]`, by seat, what the position was worth; in units of 1/32767."""
    counts: npt.NDArray[np.uint16]
    """`[S]`, entries of each policy."""
    actions: npt.NDArray[np.int32]
    """`[L]`, the entries' policy indices, all decisions' in a row."""
    weights: npt.NDArray[np.uint16]
    """`[L]`, their shares, in units of 1/65535; they add up to one only up to rounding."""
    surprise: npt.NDArray[np.float16] | None = None
    """`[S]`, KL(policy ‖ prior) in nats, the prior being that of the network without noise; NaN where there was no
    prior. None if there was none at all, or the game was played when surprise was not kept yet."""

    @property
    def kept(self) -> tuple[tuple[str, str], ...]:
        """The arrays that are there, and how their numbers are kept."""
        return SEARCH_FIELDS if self.surprise is None else (*SEARCH_FIELDS, SURPRISE_FIELD)

    def to_json(self) -> dict[str, str]:
        """Every array as base64."""
        return {
            name: base64.b64encode(np.ascontiguousarray(getattr(self, name), form).tobytes()).decode()
            for name, form in self.kept
        }

    @classmethod
    def from_json(cls, fields: object, players: int, actions: int) -> SearchStatistics:
        """Read what `to_json` has written for a game of so many actions; `BadRecord` if the arrays do not fit."""
        if not isinstance(fields, Mapping):
            raise BadRecord("`search` must be an object")
        expected = (*SEARCH_FIELDS, SURPRISE_FIELD) if "surprise" in fields else SEARCH_FIELDS
        arrays = {name: _array(fields, name, form) for name, form in expected}
        decisions = len(arrays["at"])
        if len(arrays["values"]) != decisions * players:
            raise BadRecord(f"`search.values` holds {len(arrays['values'])} numbers, not {decisions} × {players}")
        arrays["values"] = arrays["values"].reshape(decisions, players)
        lengths = {name: len(arrays[name]) for name in ("at", "full", "counts", "surprise") if name in arrays}
        entries = int(arrays["counts"].sum())
        if len(set(lengths.values())) > 1 or {len(arrays["actions"]), len(arrays["weights"])} != {entries}:
            raise BadRecord("the arrays of `search` do not belong together")
        at = arrays["at"]
        if decisions and not (at[0] >= 0 and at[-1] < actions and (np.diff(at) > 0).all()):
            raise BadRecord("`search.at` must rise and stay within the game")
        surprise = arrays.get("surprise", np.empty(0, np.float16))
        if ((surprise < 0) | np.isinf(surprise)).any():
            raise BadRecord("`search.surprise` must be numbers from 0 on")
        return cls(**arrays)


@dataclass(frozen=True, eq=False)
class GameRecord:
    """A game that has been played, as it is kept."""

    config: str
    run: str
    """Name of the run; (run, game) is the key of the game, and with the players it decides the game."""
    game: int
    seed: int
    engines: tuple[str, ...]
    """Specs by seat."""
    models: tuple[str | None, ...]
    """Id of the model by seat; None where there is none."""
    opening: int
    """Actions at the beginning that were drawn at random, for variety."""
    max_moves: int
    actions: npt.NDArray[np.int32]
    winner: int | None
    """Seat; None for a game that was stopped at the limit of moves."""
    reason: str | None
    ranks: tuple[int, ...] | None
    search: SearchStatistics | None = None
    resigned: tuple[int, int] | None = None
    """Seat that would have resigned, and at which action; the game was played on with less search."""
    host: str = ""
    worker: str = ""
    ended: int = 0
    """Seconds since 1970, UTC."""
    code: str = ""
    """Name of the code that has played it (`code_version`); empty in records from before it was kept."""

    @property
    def identity(self) -> str:
        """32 hexadecimal digits that name the game in every database: key, players and what was played.

        Two runs may play the same moves; those are two games. The same line read twice is one.
        """
        whole = (self.config, self.run, self.game, self.engines, self.models, self.actions.tolist())
        return blake2b(orjson.dumps(whole), digest_size=16).hexdigest()

    def to_line(self) -> bytes:
        """One line of JSON, with its end."""
        fields = {
            "format": FORMAT,
            "config": self.config,
            "run": self.run,
            "game": self.game,
            "seed": self.seed,
            "engines": self.engines,
            "models": self.models,
            "opening": self.opening,
            "maxMoves": self.max_moves,
            "actions": np.ascontiguousarray(self.actions, np.int32),
            "search": self.search.to_json() if self.search else None,
            "resigned": self.resigned,
            "result": {"winner": self.winner, "reason": self.reason, "ranks": self.ranks},
            "host": self.host,
            "worker": self.worker,
            "ended": self.ended,
        } | ({"code": self.code} if self.code else {})
        return orjson.dumps(fields, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> GameRecord:
        """Read what `to_line` has written; `BadRecord` says which field is wrong. The game is not replayed here."""
        if fields.get("format") != FORMAT:
            raise BadRecord(f"`format` is {fields.get('format')!r}, and this program reads {FORMAT}")
        try:
            result = fields["result"]
            engines = tuple(_checked(engine, str, "engines") for engine in fields["engines"])
            actions = fields["actions"]
            if set(map(type, actions)) - {int}:
                raise BadRecord("`actions` must be whole numbers")
            kept = np.array(actions, np.int32)
            search = fields["search"]
            return cls(
                config=_checked(fields["config"], str, "config"),
                run=_checked(fields["run"], str, "run"),
                game=_checked(fields["game"], int, "game"),
                seed=_checked(fields["seed"], int, "seed"),
                engines=engines,
                models=tuple(_optional(model, str, "models") for model in fields["models"]),
                opening=_checked(fields["opening"], int, "opening"),
                max_moves=_checked(fields["maxMoves"], int, "maxMoves"),
                actions=kept,
                winner=_optional(result["winner"], int, "winner"),
                reason=_optional(result["reason"], str, "reason"),
                ranks=None if result["ranks"] is None else tuple(_checked(r, int, "ranks") for r in result["ranks"]),
                search=None if search is None else SearchStatistics.from_json(search, len(engines), len(kept)),
                resigned=None if fields["resigned"] is None else _pair(fields["resigned"]),
                host=_checked(fields["host"], str, "host"),
                worker=_checked(fields["worker"], str, "worker"),
                ended=_checked(fields["ended"], int, "ended"),
                code=_checked(fields.get("code", ""), str, "code"),
            )
        except KeyError as error:
            raise BadRecord(f"a record needs the field `{error.args[0]}`") from None
        except (TypeError, ValueError, OverflowError) as error:
            raise BadRecord(f"a field is not of its type ({error})") from None


def read_line(line: bytes) -> GameRecord:
    """The game of one line; `BadRecord` if it is none."""
    try:
        fields = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise BadRecord(f"not JSON ({error})") from None
    if not isinstance(fields, dict):
        raise BadRecord(f"a record must be an object, not {type(fields).__name__}")
    return GameRecord.from_json(fields)


def _checked(value: Any, kind: type, name: str) -> Any:
    if type(value) is not kind:
        raise BadRecord(f"`{name}` must be of type {kind.__name__}, not {value!r}")
    return value


def _optional(value: Any, kind: type, name: str) -> Any:
    return None if value is None else _checked(value, kind, name)


def _pair(value: Any) -> tuple[int, int]:
    seat, at = value
    return _checked(seat, int, "resigned"), _checked(at, int, "resigned")


def _array(fields: Mapping[str, Any], name: str, form: str) -> npt.NDArray[Any]:
    try:
        return np.frombuffer(base64.b64decode(fields[name], validate=True), form)
    except KeyError:
        raise BadRecord(f"`search` needs the field `{name}`") from None
    except (binascii.Error, TypeError, ValueError) as error:
        raise BadRecord(f"`search.{name}` is no array ({error})") from None
