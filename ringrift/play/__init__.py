"""A game in the terminal: people and agents at one board."""

from __future__ import annotations

from ringrift.play.files import open_game, save_game
from ringrift.play.loop import Play
from ringrift.play.menu import Item, menu, narrowed
from ringrift.play.session import PERSON, BadSession, PlayedAction, Session
from ringrift.play.terminal import Terminal

__all__ = [
    "PERSON",
    "BadSession",
    "Item",
    "Play",
    "PlayedAction",
    "Session",
    "Terminal",
    "menu",
    "narrowed",
    "open_game",
    "save_game",
]
