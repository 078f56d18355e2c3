"""Games of evaluations that are played on other machines: what a machine hands over, and how that is verified.

Nothing but the actions is trusted. The plan is made here, openings are drawn here, every game is replayed by the
rules, and the winner follows from that.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, ValidationError

from ringrift.encoding.values import rank_values
from ringrift.errors import RingRiftError
from ringrift.evaluation.fixtures import MOST_GAMES, Fixture
from ringrift.evaluation.gauntlet import GauntletMatch
from ringrift.evaluation.match_runner import MatchRunner
from ringrift.evaluation.matches import MatchPlan, PlayedGame
from ringrift.evaluation.participants import check_same_player
from ringrift.evaluation.schedule import ScheduledGame, schedule
from ringrift.evaluation.store import run_of, store_game, stored_actions, stored_games
from ringrift.game import Game, parse_config
from ringrift.game_database.packing import pack_actions, unpack_actions
from ringrift.selfplay import Openings

SECOND_STAGE: Final = re.compile(r"second [0-9]{1,3}")
LARGEST_GAME: Final = 1_000_000
"""Bytes of one game, packed; the longest ones have some thousands."""


class BadGames(RingRiftError):
    """Games of another machine that are not what they should be."""


class SharedGame(BaseModel):
    """A game as it goes from one machine to another."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: Annotated[int, Field(ge=0, lt=MOST_GAMES)]
    actions: Annotated[Base64Bytes, Field(max_length=LARGEST_GAME)]
    """All actions from the empty board on, packed, in base64."""


class SharedPart(BaseModel):
    """The games of one part of a fixture."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    part: Annotated[str, Field(max_length=100)]
    games: Annotated[list[SharedGame], Field(max_length=MOST_GAMES)]


class SharedGames(BaseModel):
    """The games of a fixture that a machine has played."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    parts: Annotated[list[SharedPart], Field(max_length=1000)]


SharedT = TypeVar("SharedT", bound=BaseModel)


@dataclass(frozen=True)
class FixtureReport:
    """The games of a fixture, as they are handed over."""

    fixture: Fixture
    parts: dict[str, dict[int, bytes]]
    """The packed actions of games by part and number."""

    @property
    def games(self) -> int:
        """The number of games."""
        return sum(map(len, self.parts.values()))

    def to_json(self) -> dict[str, Any]:
        """Return all of it in JSON's types, as `take_games` reads it."""
        parts = [{"part": part, "games": packed_games(games)} for part, games in self.parts.items()]
        return {"fixture": self.fixture.to_json(), "games": {"parts": parts}}


def packed_games(games: dict[int, bytes]) -> list[dict[str, Any]]:
    """Return games by number, their actions packed, as `SharedGame` reads them."""
    return [{"number": number, "actions": base64.b64encode(actions).decode()} for number, actions in games.items()]


def open_fixtures(fixtures: Iterable[Fixture], runner: MatchRunner) -> list[Fixture]:
    """Return the fixtures whose games are not all here; of a fixture of the gauntlet the first stage counts."""
    missing = []
    for fixture in fixtures:
        plan = runner.plan_of(fixture)
        if len(stored_games(runner.database, run_of(fixture.kind, plan))) < plan.games:
            missing.append(fixture)
    return missing


def play_fixture(fixture: Fixture, runner: MatchRunner) -> FixtureReport:
    """Play a fixture, one of the gauntlet until its verdict is clear; games that were played before count.

    `OtherPlayer` if weights or a network that a player leaves to the host are not those of the host that asks.
    """
    for player in fixture.players:
        check_same_player(player, fixture.config)
    parts = [fixture]
    if fixture.against is None:
        runner.play_ready(runner.ready(fixture))
    else:
        match = GauntletMatch(fixture, runner)
        if match.play_first().score >= runner.settings.gauntlet.cut_off:
            match.play_on()
        parts = match.parts
    runs = {part.part: run_of(part.kind, runner.plan_of(part)) for part in parts}
    return FixtureReport(
        fixture,
        {
            part: {number: pack_actions(actions) for number, actions in stored_actions(runner.database, run).items()}
            for part, run in runs.items()
        },
    )


def take_games(fixture: Fixture, answer: object, runner: MatchRunner, source: str) -> int:
    """Verify what a machine has played of a fixture, and store it; return the number of games.

    `BadGames`, before any is stored, if one of them is not as it should be, or lacks; `source` is the machine.
    """
    parts = read_shared(SharedGames, answer, source).parts
    if not parts or parts[0].part != fixture.part:
        raise BadGames(f"{source}: has not played {fixture.part!r} of {fixture.kind} {_pair(fixture)}")
    verified: list[tuple[MatchPlan, PlayedGame]] = []
    for part in parts:
        if part.part != fixture.part and (fixture.against is None or not SECOND_STAGE.fullmatch(part.part)):
            raise BadGames(f"{source}: has played {part.part!r}, which {fixture.kind} {_pair(fixture)} does not have")
        games = fixture.games if part.part == fixture.part else runner.settings.gauntlet.look_games
        plan = runner.plan_of(fixture.of_part(part.part, games))
        verified += ((plan, game) for game in verified_games(plan, part.games, source))
    for plan, game in verified:
        store_game(runner.database, fixture.kind, plan, game)
    return len(verified)


def read_shared(form: type[SharedT], answer: object, source: str) -> SharedT:
    """Return what a machine has handed over, checked; `BadGames` in a line."""
    try:
        return form.model_validate(answer)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "all of it"
        raise BadGames(f"{source}: its games cannot be read: {where}: {first['msg'].lower()}") from None


def verified_games(
    plan: MatchPlan, games: Sequence[SharedGame], source: str, *, whole: bool = True
) -> list[PlayedGame]:
    """Replay games of a plan by the rules; `BadGames` names the first that is not one of the plan.

    :param whole: whether all games of the plan have to be there.
    """
    numbers = {game.number for game in games}
    known = set(range(plan.games))
    if len(numbers) < len(games) or not (numbers == known if whole else numbers <= known):
        match = " – ".join(plan.players)
        raise BadGames(f"{source}: has {len(numbers & known)} of {plan.games} games of {match}: run it there again")
    board, players = parse_config(plan.config)
    fixtures = list(schedule(len(plan.players), players, plan.openings, alone=plan.alone))
    openings = Openings(board, players, max_moves=plan.max_moves, seed=plan.seed)
    return [_verified(plan, game, fixtures[game.number], openings, source) for game in games]


def _verified(
    plan: MatchPlan, shared: SharedGame, scheduled: ScheduledGame, openings: Openings, source: str
) -> PlayedGame:
    where = f"{source}: game {shared.number} of {' – '.join(plan.players)}"
    try:
        actions = unpack_actions(shared.actions)
        opening = openings.draw(scheduled.opening, plan.opening_plies).actions
        if actions[: len(opening)].tolist() != opening.tolist():
            raise BadGames(f"{where}: does not begin with opening {scheduled.opening}: has it other settings?")
        game = Game.from_record({"config": plan.config, "actions": actions.tolist()}, max_moves=plan.max_moves)
    except BadGames:
        raise
    except RingRiftError as error:
        raise BadGames(f"{where}: {error}") from None
    if not game.is_over:
        raise BadGames(f"{where}: is not over after {len(actions)} actions")
    result = game.result()
    values = (0.0,) * openings.players if result.ranks is None else tuple(map(float, rank_values(result.ranks)))
    return PlayedGame(
        number=shared.number,
        actions=actions,
        plies=result.plies,
        winner=result.winner,
        reason=result.reason,
        ranks=result.ranks,
        outcome_values=values,
        scheduled=scheduled,
    )


def _pair(fixture: Fixture) -> str:
    return " – ".join(player.name for player in fixture.players)
