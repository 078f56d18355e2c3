"""Who may be asked to play in a browser: levels of the ladder, the champion, and models of the store.

A page names nothing that could be a path or an unlimited search: what it may say is turned into a spec here.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Final

from ringrift.agents import Agent, Spec, make_agent
from ringrift.agents.ladder import LEVELS, ladder_spec
from ringrift.errors import RingRiftError
from ringrift.game import parse_config
from ringrift.models import ModelStore

LEVEL: Final = "level:"
CHAMPION: Final = "champion"
MOST_SIMULATIONS: Final = 1600
SECONDS: Final = 5
"""Of a decision, for the searches that count nodes: the upper levels would take minutes on the large boards."""
KEPT: Final = 12
"""Agents that stay loaded."""
_MODEL: Final = re.compile(r"(?P<model>champion|[0-9a-f]{4,16})@(?P<simulations>[1-9][0-9]{0,3})")


class BadSeat(RingRiftError):
    """A seat that names nobody who may play here."""


@dataclass(frozen=True)
class ChosenPlayer:
    """A player of a seat."""

    name: str
    """As people read it."""
    spec: str
    config: str

    @contextmanager
    def agent(self) -> Iterator[Agent]:
        """Yield the agent, for this thread alone as long as the block lasts."""
        agent, lock = _agents.get(self.config, self.spec)
        with lock:
            yield agent


def player_of(seat: str, config: str, store: ModelStore | None) -> ChosenPlayer:
    """Return the player that a seat names; `BadSeat` if it names none, `UnknownModel` if there is no such model."""
    if seat.startswith(LEVEL):
        level = seat.removeprefix(LEVEL)
        if not (level.isdecimal() and int(level) in LEVELS):
            raise BadSeat(f"{seat!r}: the levels go from {LEVELS[0]} to {LEVELS[-1]}")
        spec = ladder_spec(config, int(level))
        return ChosenPlayer(spec, _bounded(spec), config)
    form = _MODEL.fullmatch(seat)
    if form is None or int(form["simulations"]) > MOST_SIMULATIONS:
        raise BadSeat(
            f"{seat!r} is no player: write person, level:1 … level:10, champion@64 or the id of a model with @64, at "
            f"most {MOST_SIMULATIONS} simulations"
        )
    if store is None:
        raise BadSeat(f"{seat!r}: there is no store of models here yet")
    model = store.champion(config) if form["model"] == CHAMPION else store.find(form["model"], config)
    if model is None:
        raise BadSeat(f"{seat!r}: {config} has no champion yet")
    simulations = form["simulations"]
    return ChosenPlayer(f"gumbel:{model.id}@{simulations}", f"gumbel:{store.path(model)}@{simulations}", config)


def _bounded(spec: str) -> str:
    """Return a spec whose decisions end in time."""
    parsed = Spec.parse(spec)
    if "nodes" not in parsed.options or "seconds" in parsed.options:
        return spec
    return f"{spec}&seconds={SECONDS}"


class _Agents:
    """The agents that have been asked last, each with the lock of who uses it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], tuple[Agent, Lock]] = OrderedDict()
        self._lock = Lock()

    def get(self, config: str, spec: str) -> tuple[Agent, Lock]:
        with self._lock:
            found = self._kept.get((config, spec))
            if found is None:
                board, players = parse_config(config)
                found = self._kept[config, spec] = (make_agent(spec, board, players), Lock())
            self._kept.move_to_end((config, spec))
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return found


_agents = _Agents()
