"""Matches: two to four players on one config, with paired openings and every seat order."""

from __future__ import annotations

import time
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from threading import Event
from typing import Final

from ringrift.agents import Agent, make_agent
from ringrift.evaluation.schedule import ScheduledGame, schedule, seatings
from ringrift.game import Board, Game, parse_config
from ringrift.game.notation import Json
from ringrift.game.types import States
from ringrift.kernels.types import I32, I64
from ringrift.search import SearchOutput
from ringrift.selfplay import EndedGame, LockstepGames, Openings
from ringrift.version import code_version

SIDE_BY_SIDE: Final = 64
"""Games at once: more make the batches of a network fuller, and each needs memory for the trees of the players."""
PLIES_OF_A_TURN: Final = 4
"""Placement, movement, lines, territory: openings of that many plies per player give each about one turn."""


@dataclass(frozen=True)
class MatchPlan:
    """The plan of a match: the same plan gives the same games, unless an agent learns meanwhile."""

    config: str
    players: tuple[str, ...]
    """The names of the agents, as a rule their specs."""
    openings: int
    opening_plies: int
    max_moves: int
    seed: int = 0
    alone: bool = False
    """Whether the first player never has more than one seat."""

    @property
    def seatings(self) -> tuple[tuple[int, ...], ...]:
        """The seat orders that every opening is played in."""
        return seatings(len(self.players), parse_config(self.config)[1], alone=self.alone)

    @property
    def games(self) -> int:
        """The number of games."""
        return self.openings * len(self.seatings)


class Timed(Agent):
    """An agent with a clock; its first call, which loads or compiles its kernels, is not counted."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.ready = False
        self.seconds = 0.0
        self.decisions = 0

    def act(self, states: States, games: I64) -> SearchOutput:
        """Let the agent act."""
        start = time.perf_counter()
        output = self.agent.act(states, games)
        if self.ready:
            self.seconds += time.perf_counter() - start
            self.decisions += len(states)
        self.ready = True
        return output

    def learn(self, game: int, actions: I32) -> None:
        """Let the agent learn."""
        self.agent.learn(game, actions)

    def forget(self, games: I64) -> None:
        """Let the agent forget."""
        self.agent.forget(games)


def make_players(plan: MatchPlan) -> list[Timed]:
    """Make the agents whose specs the plan names."""
    board, players = parse_config(plan.config)
    return [Timed(make_agent(spec, board, players, seed=plan.seed, may_learn=True)) for spec in plan.players]


def play_match(
    agents: Sequence[Agent],
    plan: MatchPlan,
    *,
    side_by_side: int = SIDE_BY_SIDE,
    cancellation: Event | None = None,
    played: Container[int] = (),
) -> Iterator[PlayedGame]:
    """Play every opening in every seat order; games are yielded as they end, so short ones come early.

    `side_by_side` games run at once, which changes nothing but the speed; once `cancellation` is set, no more are
    played. Games whose numbers are among those `played` before are left out.
    """
    board, players = parse_config(plan.config)
    all_games = schedule(len(agents), players, plan.openings, alone=plan.alone)
    games = (game for game in all_games if game.number not in played)
    openings = Openings(board, players, max_moves=plan.max_moves, seed=plan.seed)
    return play_games(
        agents,
        board,
        players,
        games,
        openings,
        opening_plies=plan.opening_plies,
        side_by_side=side_by_side,
        cancellation=cancellation,
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class PlayedGame(EndedGame):
    """A game of a match that has ended, or was stopped at the limit of moves."""

    scheduled: ScheduledGame


def play_games(
    agents: Sequence[Agent],
    board: Board,
    players: int,
    games: Iterable[ScheduledGame],
    openings: Openings,
    *,
    opening_plies: int,
    side_by_side: int,
    cancellation: Event | None = None,
) -> Iterator[PlayedGame]:
    """Play scheduled games, `side_by_side` at once; games are yielded as they end, so short ones come early.

    Once `cancellation` is set, the running games are given up. `BadOpening` if an opening reaches the limit of moves.
    """
    waiting = iter(games)
    running = list(islice(waiting, side_by_side))
    lockstep = LockstepGames(board, players, len(running), max_moves=openings.max_moves)

    def begin(slot: int, scheduled: ScheduledGame) -> None:
        running[slot] = scheduled
        opening = openings.draw(scheduled.opening, opening_plies)
        lockstep.begin(slot, scheduled.number, [agents[index] for index in scheduled.seating], opening)

    for slot, scheduled in enumerate(running):
        begin(slot, scheduled)
    while lockstep.active.any() and not (cancellation and cancellation.is_set()):
        for agent, slots in lockstep.acting():
            lockstep.play(slots, agent.act(lockstep.states[slots], lockstep.numbers[slots]).chosen_actions)
        for slot in lockstep.ended():
            yield PlayedGame(scheduled=running[slot], **vars(lockstep.take(slot)))
            following = next(waiting, None)
            if following is not None:
                begin(slot, following)


def game_record(plan: MatchPlan, played: PlayedGame) -> Json:
    """Return the record of a game of the match: its number and seats, rules, moves, result."""
    game = Game.from_record({"config": plan.config, "actions": played.actions.tolist()})
    return game.record(
        seed=plan.seed,
        game=played.scheduled.number,
        engines=[plan.players[agent] for agent in played.scheduled.seating],
        opening={"number": played.scheduled.opening, "plies": plan.opening_plies},
        maxMoves=plan.max_moves,
        code=code_version(),
    )
