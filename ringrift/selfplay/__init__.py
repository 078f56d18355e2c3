"""Games that players play against themselves, and the records that are kept of them."""

from __future__ import annotations

from ringrift.selfplay.files import BusyFolder, DamagedFile, GameFiles, count_games, game_files, read_lines
from ringrift.selfplay.lockstep import EndedGame, LockstepGames
from ringrift.selfplay.openings import BadOpening, Opening, Openings
from ringrift.selfplay.options import BadOptions, SelfPlayOptions, checked_name
from ringrift.selfplay.play import SelfPlay
from ringrift.selfplay.player_pool import PlayerPool
from ringrift.selfplay.record import GameRecord, SearchStatistics, read_line
from ringrift.selfplay.report import SelfPlayReport, Tally
from ringrift.selfplay.run import run_selfplay, worker_folder
from ringrift.selfplay.settings import SelfPlaySettings, selfplay_settings

__all__ = [
    "BadOpening",
    "BadOptions",
    "BusyFolder",
    "DamagedFile",
    "EndedGame",
    "GameFiles",
    "GameRecord",
    "LockstepGames",
    "Opening",
    "Openings",
    "PlayerPool",
    "SearchStatistics",
    "SelfPlay",
    "SelfPlayOptions",
    "SelfPlayReport",
    "SelfPlaySettings",
    "Tally",
    "checked_name",
    "count_games",
    "game_files",
    "read_line",
    "read_lines",
    "run_selfplay",
    "selfplay_settings",
    "worker_folder",
]
