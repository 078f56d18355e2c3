"""The tables of evaluation, in the database of games.

- `evaluations`: the reports of evaluations;
- `evaluation_games`: every game that was played for one, by its number in a run; a run is a plan of games, and the same
  plan has the same run wherever and whenever it is played;
- `evaluation_moves`: the moves of these games, apart from their results, which are read all together for Elo;
- `elo`: the history of Elo: a row for every player of every fit.

Times are seconds since 1970, UTC; lists by seat are short texts of JSON. A change here needs a migration.
"""

from __future__ import annotations

from typing import Final, Literal

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from ringrift.game_database.schema import KEY, metadata

GameKind = Literal["rating", "gate", "trial", "shadow", "tournament", "tuning"]
"""Why an evaluation game was played: `gate` in a gauntlet or a sequential test, `trial` by the gate itself."""
RATED: Final = ("rating", "shadow", "tournament")
"""The kinds that Elo is estimated from. Games that a gate or tuning judges by are not: a model that passes has had
luck in them more often than not, and a rating that counts them inherits that luck."""

evaluations = Table(
    "evaluations",
    metadata,
    Column("id", KEY, primary_key=True),
    Column("config", String(16), nullable=False),
    Column("kind", String(16), nullable=False),  # gauntlet, sequential, tournament, shadow
    Column("candidate", Text),  # the name of the player that it was about
    Column("passed", Boolean),  # None where nothing was to be passed, or it is not clear
    Column("finished", BigInteger, nullable=False),
    Column("report", Text, nullable=False),  # JSON
    Index(None, "config", "kind"),
)

evaluation_games = Table(
    "evaluation_games",
    metadata,
    Column("run", String(16), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("planned", Integer, nullable=False),  # games of the whole run
    Column("config", String(16), nullable=False),
    Column("kind", String(16), nullable=False),  # `GameKind`
    Column("players", Text, nullable=False),  # by seat
    Column("opening", Integer, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("ranks", String(16)),  # by seat; None: stopped at the limit of moves
    Column("reason", String(32)),
    Column("plies", Integer, nullable=False),
    Column("actions_hash", BigInteger, nullable=False),
    Column("ended", BigInteger, nullable=False),
    Index(None, "config", "kind"),
)

evaluation_moves = Table(
    "evaluation_moves",
    metadata,
    Column("run", String(16), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("opening_plies", Integer, nullable=False),
    Column("max_moves", Integer, nullable=False),
    Column("actions", LargeBinary, nullable=False),  # all, from the empty board on; see `game_database/packing.py`
    ForeignKeyConstraint(
        ["run", "number"],
        ["evaluation_games.run", "evaluation_games.number"],
        name="fk_evaluation_moves_run_evaluation_games",
        ondelete="CASCADE",
    ),
)

elo = Table(
    "elo",
    metadata,
    Column("config", String(16), primary_key=True),
    Column("fit", Integer, primary_key=True, autoincrement=False),  # of the config, from 1
    Column("player", String(255), primary_key=True),
    Column("elo", Double, nullable=False),
    Column("low", Double, nullable=False),
    Column("high", Double, nullable=False),
    Column("games", Integer, nullable=False),
    Column("fitted", BigInteger, nullable=False),
)
