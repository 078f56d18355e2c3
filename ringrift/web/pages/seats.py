"""The players that may be chosen in a browser: levels of the ladder, the champion, and models of the store.

Until there is a champion, the one that comes with the package plays in its place.

A page cannot name a path or an unlimited search: the names that it may use become specs here.
"""

from __future__ import annotations

import re
from typing import Final

from ringrift.agents import shipped_model
from ringrift.agents.ladder import LEVELS, ladder_spec
from ringrift.agents.spec import SHIPPED_CHAMPION
from ringrift.errors import RingRiftError
from ringrift.models import ModelStore

LEVEL: Final = "level:"
CHAMPION: Final = "champion"
MOST_SIMULATIONS: Final = 1600
_MODEL: Final = re.compile(r"(?P<model>champion|[0-9a-f]{4,16})@(?P<simulations>[1-9][0-9]{0,3})")


class BadSeat(RingRiftError):
    """A seat that names no player of a browser."""


def spec_of(seat: str, config: str, store: ModelStore | None) -> str:
    """Return the spec of the player in a seat; `BadSeat` if there is none, `UnknownModel` if there is no such model."""
    if seat.startswith(LEVEL):
        level = seat.removeprefix(LEVEL)
        if not (level.isdecimal() and int(level) in LEVELS):
            raise BadSeat(f"{seat!r}: the levels go from {LEVELS[0]} to {LEVELS[-1]}")
        return ladder_spec(config, int(level))
    form = _MODEL.fullmatch(seat)
    if form is None or int(form["simulations"]) > MOST_SIMULATIONS:
        raise BadSeat(
            f"{seat!r} is no player: write person, level:1 … level:10, champion@64 or the id of a model with @64, at "
            f"most {MOST_SIMULATIONS} simulations"
        )
    if form["model"] == CHAMPION:
        model = None if store is None else store.champion(config)
        if model is None and shipped_model(config) is not None:
            return f"gumbel:{SHIPPED_CHAMPION}@{form['simulations']}"
    elif store is None:
        raise BadSeat(f"{seat!r}: there is no store of models here yet")
    else:
        model = store.find(form["model"], config)
    if store is None or model is None:
        raise BadSeat(f"{seat!r}: {config} has no champion yet")
    return f"gumbel:{store.path(model)}@{form['simulations']}"
