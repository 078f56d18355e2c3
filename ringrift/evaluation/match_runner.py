"""Matches whose games are kept as they end: what was interrupted goes on, and nothing is played twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

import orjson

from ringrift.agents import Agent, make_agent
from ringrift.evaluation.fixtures import Fixture
from ringrift.evaluation.matches import PLIES_OF_A_TURN, MatchPlan, play_match
from ringrift.evaluation.participants import Participant
from ringrift.evaluation.results import GameResult
from ringrift.evaluation.schedule import BadMatch
from ringrift.evaluation.schema import GameKind
from ringrift.evaluation.settings import EvaluationSettings
from ringrift.evaluation.store import run_of, store_game, stored_games
from ringrift.game import parse_config
from ringrift.game_database import GamesDatabase
from ringrift.limits import move_limit
from ringrift.run_context import Cancelled, RunContext
from ringrift.selfplay.player_pool import use_threads

SEED_BITS = 63


@dataclass(frozen=True)
class ReadyMatch:
    """A match whose players are ready to play."""

    kind: GameKind
    plan: MatchPlan
    agents: Sequence[Agent]


@dataclass(frozen=True)
class MatchRunner:
    """Plays matches and keeps their games; cancelled, it raises `Cancelled`, and goes on when it is called again."""

    database: GamesDatabase
    context: RunContext[EvaluationSettings]

    @property
    def settings(self) -> EvaluationSettings:
        """The settings of all evaluations."""
        return self.context.settings

    def plan(
        self,
        config: str,
        players: Sequence[Participant],
        *,
        games: int,
        kind: GameKind,
        part: str,
        alone: bool = False,
    ) -> MatchPlan:
        """Plan a match of at least that many games, in whole openings.

        Kind, players and `part` decide the openings: other ones for every part of an evaluation. `BadMatch` if a player
        is to play against itself.
        """
        names = tuple(player.name for player in players)
        if len(set(names)) < len(names):
            raise BadMatch(f"{names[0]} cannot play against itself: name another player")
        seats = parse_config(config)[1]
        plan = MatchPlan(
            config=config,
            players=names,
            openings=1,
            opening_plies=PLIES_OF_A_TURN * seats,
            max_moves=move_limit(config),
            seed=_seed(self.settings.seed, config, kind, part, *names),
            alone=alone,
        )
        return replace(plan, openings=-(-games // plan.games))

    def plan_of(self, fixture: Fixture) -> MatchPlan:
        """Plan the games of a fixture."""
        return self.plan(
            fixture.config,
            fixture.players,
            games=fixture.games,
            kind=fixture.kind,
            part=fixture.part,
            alone=fixture.alone,
        )

    def ready(self, fixture: Fixture) -> ReadyMatch:
        """Make the players of a fixture ready to play; the errors of specs and models come from here."""
        plan = self.plan_of(fixture)
        return ReadyMatch(fixture.kind, plan, self.agents(plan, fixture.players))

    def play_ready(self, match: ReadyMatch) -> list[GameResult]:
        """Play a match whose players are ready."""
        return self.play(match.kind, match.plan, match.agents)

    def agents(self, plan: MatchPlan, players: Sequence[Participant]) -> list[Agent]:
        """The players of a plan, ready to play; the errors of specs and models come from here."""
        if any(player.has_model for player in players):
            use_threads(self.settings.network_threads)
        board, seats = parse_config(plan.config)
        return [make_agent(player.spec, board, seats, seed=plan.seed) for player in players]

    def play(self, kind: GameKind, plan: MatchPlan, agents: Sequence[Agent]) -> list[GameResult]:
        """The games of a plan, those played before and those that are missing."""
        run = run_of(kind, plan)
        done = stored_games(self.database, run)
        title = f"games of {' – '.join(plan.players)}"
        count = len(done)
        self.context.progress(title, count, plan.games)
        if count < plan.games:
            for game in play_match(agents, plan, cancellation=self.context.cancellation, played=done.keys()):
                store_game(self.database, kind, plan, game)
                count += 1
                self.context.progress(title, count, plan.games)
            done = stored_games(self.database, run)
        if len(done) < plan.games:
            raise Cancelled(f"stopped after {len(done)} of {plan.games} {title}; run it again to go on")
        return list(done.values())


def _seed(*parts: object) -> int:
    return int.from_bytes(sha256(orjson.dumps(parts)).digest()[:8]) >> (64 - SEED_BITS)
