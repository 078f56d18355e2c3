"""The games of a match, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from threading import Event

from ringrift.agents import Agent
from ringrift.evaluation.schedule import Fixture
from ringrift.game import Board
from ringrift.selfplay import EndedGame, Openings, Table


@dataclass(frozen=True, eq=False, kw_only=True)
class PlayedGame(EndedGame):
    """A game of a match that has ended, or was stopped at the limit of moves."""

    fixture: Fixture


def play_games(
    agents: Sequence[Agent],
    board: Board,
    players: int,
    fixtures: Iterable[Fixture],
    openings: Openings,
    *,
    opening_plies: int,
    side_by_side: int,
    cancellation: Event | None = None,
) -> Iterator[PlayedGame]:
    """Play the fixtures, `side_by_side` at once; games are yielded as they end, so short ones come early.

    Once `cancellation` is set, the running games are given up. `BadOpening` if an opening reaches the limit of moves.
    """
    waiting = iter(fixtures)
    running = list(islice(waiting, side_by_side))
    table = Table(board, players, len(running), max_moves=openings.max_moves)

    def begin(slot: int, fixture: Fixture) -> None:
        running[slot] = fixture
        opening = openings.draw(fixture.opening, opening_plies)
        table.begin(slot, fixture.number, [agents[index] for index in fixture.seating], opening)

    for slot, fixture in enumerate(running):
        begin(slot, fixture)
    while table.active.any() and not (cancellation and cancellation.is_set()):
        for agent, rows in table.turns():
            table.play(rows, agent.act(table.states[rows], table.numbers[rows]).chosen_actions)
        for slot in table.ended():
            yield PlayedGame(fixture=running[slot], **vars(table.take(slot)))
            following = next(waiting, None)
            if following is not None:
                begin(slot, following)
