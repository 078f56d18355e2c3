"""A game between people and agents: turns, the actions played, undo."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ringrift.agents import Agent, make_agent
from ringrift.errors import RingRiftError
from ringrift.evaluation.analysis import Assessment, assess
from ringrift.game import Game, IllegalAction
from ringrift.game.notation import Json
from ringrift.version import code_version

PERSON: Final = "person"
"""The name of a person in a seat."""


class BadSession(RingRiftError):
    """A game that cannot be played here, or a line that cannot be obeyed in it."""


@dataclass(frozen=True)
class PlayedAction:
    """An action that has been played in a session."""

    player: int
    key: str
    forced: bool
    """Whether it was the only legal one."""
    turn: int


class Session:
    """A game and its seats: `run_on` plays the choices of agents and forced actions, `choose` those of people."""

    def __init__(self, game: Game, seats: Sequence[str], *, seed: int = 0) -> None:
        """Start a session; `seats` names by seat `PERSON` or the spec of an agent."""
        if len(seats) != game.players:
            raise BadSession(f"{game.config} has {game.players} seats, not {len(seats)}")
        if game.swap_rule:
            raise BadSession("games with the pie rule cannot be played here")
        self.game = game
        self.seats = tuple(seats)
        self.seed = seed
        self.agents: Mapping[int, Agent] = {
            seat: make_agent(spec, game.board, game.players, seed=seed, may_learn=True)
            for seat, spec in enumerate(seats, 1)
            if spec != PERSON
        }
        self.resigned: int | None = None
        self._turns = self._past_turns()
        """Actions played before, and the number of, every turn in which a person has chosen something."""

    @property
    def is_over(self) -> bool:
        """Whether the game is over or has been resigned."""
        return self.game.is_over or self.resigned is not None

    @property
    def awaits_person(self) -> bool:
        """Whether a person has to choose now."""
        return not self.is_over and self.game.player not in self.agents and len(self.game.legal_actions()) > 1

    def run_on(self) -> Iterator[PlayedAction]:
        """Play the choices of agents and forced actions until a person has to choose or the game is over."""
        while not self.is_over and not self.awaits_person:
            legal = self.game.legal_actions()
            if len(legal) == 1:
                yield self._play(int(legal[0]), forced=True)
            else:
                agent = self.agents[self.game.player]
                output = agent.act(self.game.array.reshape(1), np.zeros(1, np.int64))
                yield self._play(int(output.chosen_actions[0]))

    def choose(self, action: int | str) -> PlayedAction:
        """Play a person's choice; `IllegalAction` says why it is not legal."""
        before = (len(self.game.actions), int(self.game.array["turn"]))
        step = self._play(action)
        if not self._turns or self._turns[-1][1] != before[1]:
            self._turns.append(before)
        return step

    def _play(self, action: int | str, *, forced: bool = False) -> PlayedAction:
        player, turn = self.game.player, int(self.game.array["turn"])
        key = action if isinstance(action, str) else self.game.key(action)  # before the position changes
        self.game.play(action)
        if self.game.is_over and self.game.array["winner"]:
            for agent in self.agents.values():
                agent.learn(0, np.array(self.game.actions, np.int32))
        return PlayedAction(player, key, forced, turn)

    def undo(self) -> int:
        """Take back the last turn in which a person has chosen an action, and all since; return how many actions."""
        if not self._turns:
            raise IllegalAction("there is no turn of yours to take back")
        before, _ = self._turns.pop()
        taken = len(self.game.actions) - before
        for _ in range(taken):
            self.game.undo()
        return taken

    def _past_turns(self) -> list[tuple[int, int]]:
        """Return the turns in which people have chosen actions before this session began."""
        game = self.game.copy()
        first: dict[int, int] = {}
        while game.actions:
            game.undo()
            if game.player not in self.agents and len(game.legal_actions()) > 1:
                first[int(game.array["turn"])] = len(game.actions)
        return [(actions, turn) for turn, actions in sorted(first.items())]

    def resign(self) -> None:
        """Let the player to act give up, which ends the session."""
        self.resigned = self.game.player

    def hint(self, agent: Agent, top: int) -> Assessment:
        """Return an agent's assessment of the position."""
        position = self.game.array.reshape(1)
        return next(assess(agent, self.game.board, self.game.players, position, top=top))

    def record(self) -> Json:
        """Return the game as a record that names the person or agent of each seat."""
        header: Json = {"seed": self.seed, "engines": list(self.seats), "code": code_version()}
        if self.resigned is not None:
            header["resigned"] = self.resigned
        return self.game.record(**header)
