"""The service that game servers ask for moves."""

from __future__ import annotations

from ringrift.web.service import replay
from ringrift.web.service.answers import Problem
from ringrift.web.service.measures import Measures
from ringrift.web.service.moves import MoveService
from ringrift.web.service.probes import probes
from ringrift.web.service.routes import control, first_problem, playing, reading

__all__ = [
    "Measures",
    "MoveService",
    "Problem",
    "control",
    "first_problem",
    "playing",
    "probes",
    "reading",
    "replay",
]
