"""The record of a game as one line of JSON: players, actions, search statistics and result.

```
{"format": 2, "config": "square8_2p", "run": "first", "game": 17, "seed": 5,
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

FORMAT: Final = 2
"""Format 1 had other names for the arrays of `search`; it is still read (`FORMAT_1_NAMES`)."""
PROB_UNIT: Final = 65535
"""Probabilities of a policy are kept as whole numbers of 1/65535; what rounds to 0 is left out."""
VALUE_UNIT: Final = 32767
MOST_SURPRISE: Final = 1000.0
"""Nats; more stands for a prior that was as good as zero."""

SEARCH_FIELDS: Final = (
    ("action_index", "<i4"),
    ("has_policy", "<u1"),
    ("root_values", "<i2"),
    ("policy_lengths", "<u2"),
    ("policy_actions", "<i4"),
    ("policy_probs", "<u2"),
)
"""The arrays of `SearchStatistics` in their order, and how their numbers are kept."""
SURPRISE_FIELD: Final = ("surprise", "<f2")
"""The array that follows them if the surprise of any decision is known."""
FORMAT_1_NAMES: Final = {
    "at": "action_index",
    "full": "has_policy",
    "values": "root_values",
    "counts": "policy_lengths",
    "actions": "policy_actions",
    "weights": "policy_probs",
}
"""The names that the arrays of `search` had in format 1, and the names that they have now."""


@dataclass(frozen=True, eq=False)
class SearchStatistics:
    """The results of searches at the decisions of a game where a player did more than pick: `[S]` of them."""

    action_index: npt.NDArray[np.int32]
    """`[S]`, which of the game's actions the decision was about."""
    has_policy: npt.NDArray[np.uint8]
    """`[S]`, 1 if the policy is worth learning; 0 after a search that was cut short."""
    root_values: npt.NDArray[np.int16]
    """`[S, players]`, by seat, what the position was worth; in units of 1/32767."""
    policy_lengths: npt.NDArray[np.uint16]
    """`[S]`, the number of actions in each policy."""
    policy_actions: npt.NDArray[np.int32]
    """`[L]`, the actions of the policies, those of all decisions in a row."""
    policy_probs: npt.NDArray[np.uint16]
    """`[L]`, their probabilities, in units of 1/65535; they add up to one only up to rounding."""
    surprise: npt.NDArray[np.float16] | None = None
    """`[S]`, KL(policy ‖ prior) in nats, the prior being that of the network without noise; NaN where there was no
    prior. None if there was none at all, or the game was played when surprise was not kept yet."""

    @property
    def kept(self) -> tuple[tuple[str, str], ...]:
        """The arrays that there are, and how their numbers are kept."""
        return SEARCH_FIELDS if self.surprise is None else (*SEARCH_FIELDS, SURPRISE_FIELD)

    def to_json(self) -> dict[str, str]:
        """Return every array as base64."""
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
        at, values = arrays["action_index"], arrays["root_values"]
        if len(values) != len(at) * players:
            raise BadRecord(f"`search.root_values` holds {len(values)} numbers, not {len(at)} × {players}")
        arrays["root_values"] = values.reshape(len(at), players)
        rows = ("action_index", "has_policy", "policy_lengths", "surprise")
        lengths = {len(arrays[name]) for name in rows if name in arrays}
        total = int(arrays["policy_lengths"].sum())
        if len(lengths) > 1 or {len(arrays["policy_actions"]), len(arrays["policy_probs"])} != {total}:
            raise BadRecord("the arrays of `search` do not belong together")
        if len(at) and not (at[0] >= 0 and at[-1] < actions and (np.diff(at) > 0).all()):
            raise BadRecord("`search.action_index` must rise and stay within the game")
        surprise = arrays.get("surprise", np.empty(0, np.float16))
        if ((surprise < 0) | np.isinf(surprise)).any():
            raise BadRecord("`search.surprise` must be numbers from 0 on")
        return cls(**arrays)


@dataclass(frozen=True, eq=False)
class GameRecord:
    """A game that has been played, with everything that is kept of it."""

    config: str
    run: str
    """The name of the run; (run, game) is the key of the game, and with the players it decides the game."""
    game: int
    seed: int
    engines: tuple[str, ...]
    """The specs by seat."""
    models: tuple[str | None, ...]
    """The ids of the models by seat; None where there is none."""
    opening: int
    """The number of actions at the beginning that were drawn at random, for variety."""
    max_moves: int
    actions: npt.NDArray[np.int32]
    winner: int | None
    """The winner's seat; None for a game that was stopped at the limit of moves."""
    reason: str | None
    ranks: tuple[int, ...] | None
    search: SearchStatistics | None = None
    resigned: tuple[int, int] | None = None
    """The seat that would have resigned, and at which action; the game was played on with less search."""
    host: str = ""
    worker: str = ""
    ended: int = 0
    """The end of the game in seconds since 1970, UTC."""
    code: str = ""
    """The name of the code that has played it (`code_version`); empty in records from before it was kept."""

    @property
    def identity(self) -> str:
        """32 hexadecimal digits that name the game in every database: a hash of key, players and actions.

        Two runs may play the same moves; those are two games. The same line read twice is one.
        """
        whole = (self.config, self.run, self.game, self.engines, self.models, self.actions.tolist())
        return blake2b(orjson.dumps(whole), digest_size=16).hexdigest()

    def to_line(self) -> bytes:
        """Return the record as a line of JSON, with its end."""
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
        fields = _in_current_format(fields)
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
    """Read the record of a line; raise `BadRecord` if it is none."""
    try:
        fields = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise BadRecord(f"not JSON ({error})") from None
    if not isinstance(fields, dict):
        raise BadRecord(f"a record must be an object, not {type(fields).__name__}")
    return GameRecord.from_json(fields)


def _in_current_format(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Translate the names of format 1; `BadRecord` if the record is of a format that this program does not know."""
    version = fields.get("format")
    if version == FORMAT:
        return fields
    if version != 1:
        raise BadRecord(f"`format` is {version!r}, and this program reads {FORMAT} and 1")
    search = fields.get("search")
    if not isinstance(search, dict):
        return fields
    return {**fields, "search": {FORMAT_1_NAMES.get(name, name): array for name, array in search.items()}}


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
