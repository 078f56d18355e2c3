"""The tables of the games database.

- `games`: a row a game: the fields of its record (`GameRecord`), and the findings of its replay;
- `moves`: the long data of a game: its actions, its search statistics, and fields that a record has beyond ours;
- `sources`: the files that games came from, and how far each has been read;
- `quarantine`: lines that are no games of RingRift, and why;
- `reanalyses`: champions' new searches of decisions of old games (`reanalyses.py`);
- `counters`: the number of events, for metrics (`counters.py`).

Lists by seat are short texts of JSON. A change here needs a migration (`ringrift/game_database/migrations/`).
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

REVISION: Final = "0013"
"""The newest migration: the schema that this program reads and writes."""

DIGEST_BYTES: Final = 16

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

KEY = BigInteger().with_variant(Integer, "sqlite")  # only INTEGER counts by itself in SQLite
_Digest = LargeBinary(DIGEST_BYTES)

sources = Table(
    "sources",
    metadata,
    Column("id", KEY, primary_key=True),
    Column("path", Text, nullable=False, unique=True),
    Column("position", BigInteger, nullable=False),  # bytes of whole lines that have been read, uncompressed
    Column("lines", BigInteger, nullable=False),  # … and how many lines they are
    # What tells the file from another one of that name, None before the first line: digests of its first line and of
    # the last bytes before `position`.
    Column("head", _Digest),
    Column("tail", _Digest),
    Column("trailer", LargeBinary),  # of a gzipped file read to its end: its length and last bytes
    Column("note", Text),  # what is wrong with the file, such as that it is cut off
    Index(None, "head"),
)

games = Table(
    "games",
    metadata,
    Column("id", KEY, primary_key=True),
    Column("identity", _Digest, nullable=False, unique=True),  # `GameRecord.identity`
    Column("lot", Integer, nullable=False),  # 31 bits of the identity: the hold-out set is what lies below a bound
    Column("origin", String(16), nullable=False),  # one of `ORIGINS`
    Column("source_id", KEY, ForeignKey("sources.id"), nullable=False),
    Column("line", BigInteger, nullable=False),  # in the source, from 1
    # The header of the record.
    Column("config", String(16), nullable=False),
    Column("run", Text, nullable=False),
    Column("game", BigInteger, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("engines", Text, nullable=False),  # by seat
    Column("models", Text, nullable=False),  # by seat
    Column("opening", Integer, nullable=False),
    Column("max_moves", Integer, nullable=False),
    Column("resigned_seat", SmallInteger),
    Column("resigned_at", Integer),
    Column("host", Text, nullable=False),
    Column("worker", Text, nullable=False),
    Column("ended", BigInteger, nullable=False),  # seconds since 1970, UTC
    # The findings of its replay.
    Column("winner", SmallInteger),  # None: stopped at the limit of moves
    Column("reason", String(32)),
    Column("ranks", String(16)),  # by seat
    Column("actions", Integer, nullable=False),
    Column("plies", Integer, nullable=False),  # moves: a recovery is one, of up to three actions
    Column("choices", Integer, nullable=False),  # actions where there was more than one to choose from
    Column("placements", Integer, nullable=False),
    Column("movements", Integer, nullable=False),  # slides and segments of captures
    Column("lines", Integer, nullable=False),
    Column("regions", Integer, nullable=False),
    Column("recoveries", Integer, nullable=False),
    Column("forced_eliminations", Integer, nullable=False),
    Column("opening_hash", BigInteger, nullable=False),  # of the first `OPENING_ACTIONS` actions
    Column("actions_hash", BigInteger, nullable=False),
    Index(None, "config", "id"),
    Index(None, "config", "lot"),
)

moves = Table(
    "moves",
    metadata,
    Column("game_id", KEY, ForeignKey("games.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("actions", LargeBinary, nullable=False),  # see `packing.py`, as the others
    Column("search", LargeBinary),
    Column("extra", LargeBinary),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", KEY, primary_key=True),
    Column("digest", _Digest, nullable=False, unique=True),  # of the line
    Column("source_id", KEY, ForeignKey("sources.id"), nullable=False),
    Column("line", BigInteger, nullable=False),
    Column("reason", String(32), nullable=False),  # one of `REASONS`
    Column("detail", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),  # the line, compressed
)

reanalyses = Table(
    "reanalyses",
    metadata,
    Column("id", KEY, primary_key=True),  # the newer one has the higher
    Column("game_id", KEY, ForeignKey("games.id", ondelete="CASCADE"), nullable=False),
    Column("model", String(32), nullable=False),  # the id of the model that has searched
    Column("budget", Text, nullable=False),  # the search as a spec without its model, such as gumbel@64?noise=1
    Column("share", Double, nullable=False),  # of the game's decisions, chosen by game, model and decision
    Column("made", BigInteger, nullable=False),  # seconds since 1970
    Column("search", LargeBinary, nullable=False),  # statistics of the chosen decisions; see `packing.py`
    UniqueConstraint("game_id", "model", "budget"),
)

counters = Table(
    "counters",
    metadata,
    Column("name", String(32), primary_key=True),  # one of `CounterName`
    Column("config", String(16), primary_key=True),  # empty for what belongs to none
    Column("label", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),  # the latest moment that was counted, in seconds since 1970
)
