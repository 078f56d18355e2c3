"""Fixtures: the games of two players that an evaluation asks for, in a form that any machine can play.

Players, kind and part decide the games, so that it does not matter where they are played: what judges them reads
them in the database, as if it had played them itself.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, Final, Literal

from pydantic import Field, TypeAdapter, ValidationError

from ringrift.errors import RingRiftError
from ringrift.evaluation.participants import Participant
from ringrift.evaluation.schema import GameKind
from ringrift.strict_json import BadJson, parse_json

MOST_GAMES: Final = 100_000
GauntletRole = Literal["random", "heuristic", "champion"]
"""The opponents of the gauntlet."""


class BadFixture(RingRiftError):
    """A text that describes no fixture."""


@dataclass(frozen=True)
class Fixture:
    """The games of two players for one evaluation."""

    config: str
    kind: GameKind
    part: str
    """The part of the evaluation; another part has other openings."""
    games: Annotated[int, Field(ge=1, le=MOST_GAMES)]
    """The least number of games, as whole openings are played."""
    players: tuple[Participant, Participant]
    alone: bool = False
    """Whether the first player never has more than one seat."""
    against: GauntletRole | None = None
    """The opponent of a gauntlet: these games are its first stage, and more follow until the verdict is clear."""

    def of_part(self, part: str, games: int) -> Fixture:
        """Return the fixture of the same players for another part of the evaluation."""
        return replace(self, part=part, games=games)

    @property
    def models(self) -> tuple[str, ...]:
        """The files of the models that play, as their specs name them."""
        return tuple(path for player in self.players if (path := player.model) is not None)

    def to_json(self) -> dict[str, Any]:
        """Return the fixture in JSON's types."""
        return asdict(self)

    @classmethod
    def read(cls, text: str | bytes) -> Fixture:
        """Return the fixture of a JSON text; `BadFixture` says what is wrong with it."""
        try:
            return _FIXTURE.validate_python(parse_json(text))
        except BadJson as error:
            raise BadFixture(f"fixture: {error}; `ringrift evaluations ask` prints some") from None
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "all of it"
            raise BadFixture(f"fixture: {where}: {first['msg'].lower()}") from None


_FIXTURE: Final = TypeAdapter(Fixture)
