"""Matches between agents, and what their results say about strength."""

from __future__ import annotations

from ringrift.evaluation.lockstep import PlayedGame, play_games
from ringrift.evaluation.matches import SIDE_BY_SIDE, MatchPlan, game_record, make_players, play_match
from ringrift.evaluation.report import MatchReport, report_match
from ringrift.evaluation.schedule import BadMatch, Fixture, fixtures, seatings

__all__ = [
    "SIDE_BY_SIDE",
    "BadMatch",
    "Fixture",
    "MatchPlan",
    "MatchReport",
    "PlayedGame",
    "fixtures",
    "game_record",
    "make_players",
    "play_games",
    "play_match",
    "report_match",
    "seatings",
]
