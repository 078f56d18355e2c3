"""Matches between agents, and what their results say about strength."""

from __future__ import annotations

from ringrift.evaluation.matches import (
    SIDE_BY_SIDE,
    MatchPlan,
    PlayedGame,
    game_record,
    make_players,
    play_games,
    play_match,
)
from ringrift.evaluation.report import MatchReport, report_match
from ringrift.evaluation.schedule import BadMatch, ScheduledGame, schedule, seatings

__all__ = [
    "SIDE_BY_SIDE",
    "BadMatch",
    "MatchPlan",
    "MatchReport",
    "PlayedGame",
    "ScheduledGame",
    "game_record",
    "make_players",
    "play_games",
    "play_match",
    "report_match",
    "schedule",
    "seatings",
]
