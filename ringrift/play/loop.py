"""The loop of a session: its output, and the commands of a person."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from ringrift.agents import make_agent
from ringrift.errors import RingRiftError
from ringrift.game.actions import SCALAR_NAMES
from ringrift.game.diagram import LEGEND
from ringrift.game.notation import SHORT_SCALARS, cell_key
from ringrift.kernels.types import Record
from ringrift.play.files import open_game, save_game
from ringrift.play.menu import KINDS, Item, menu, menu_lines, narrowed, short
from ringrift.play.rules import RULES
from ringrift.play.session import PERSON, BadSession, PlayedAction, Session
from ringrift.play.terminal import Terminal

HINTS: Final = 5
"""The number of actions that a hint names."""
BOOKKEEPING: Final = frozenset(
    key for key, name in zip(SHORT_SCALARS, SCALAR_NAMES, strict=True) if name.startswith("no_")
)
"""The keys of moves that are recorded where there is nothing to do."""
COUNTS: Final = {"hand": "in hand", "credited": "eliminated", "territory": "territory", "markers": "markers"}
"""The counts that a preview compares, by the field of the state."""

HELP: Final = f"""\
  a number      plays that action, or opens that group
  some text     narrows the list to the actions that have it: MS, or 3,4, or MS 3,4; a whole one is played
  an empty line shows the whole list again
  show N        draws what the board will be after action N, and says what changes
  moves         explains the codes of the actions
  rules         the rules of the game on one page
  hint          asks an agent what it would play
  undo          takes back your last turn, and all that has been played since
  board         draws the board again
  save FILE     keeps the game: FILE.jsonl with all moves, FILE.json its position alone
  load FILE     goes on with a game that was kept
  resign        gives the game up
  quit          leaves
The board: {LEGEND}; what has just changed is in brackets"""


class Play:
    """People and agents at one board; `run` plays until the game is over or a person leaves."""

    def __init__(self, session: Session, terminal: Terminal, *, adviser: str, delay: float) -> None:
        """Make the loop; the spec `adviser` gives hints, and after a turn among agents alone, `delay` seconds pass."""
        self.session = session
        self.terminal = terminal
        self.adviser = adviser
        self.delay = delay
        self.commands: Mapping[str, Callable[[str], None]] = MappingProxyType(
            {
                "help": self.help,
                "?": self.help,
                "show": self.preview,
                "moves": self.explain_moves,
                "rules": self.show_rules,
                "hint": self.hint,
                "undo": self.undo,
                "board": self.show_board_again,
                "save": self.save,
                "load": self.load,
                "resign": self.resign,
                "quit": self.leave,
                "exit": self.leave,
            }
        )
        self.has_left = False
        self._drawn: list[int] | None = None
        """The cells as last drawn."""
        self._keys: list[str] = []
        """The keys of the actions that the person to act may play."""
        self._items: list[Item] = []
        """The menu as last shown."""

    def run(self) -> None:
        """Play until the game is over or a person leaves."""
        self.terminal.say(", ".join(f"player {seat}: {name}" for seat, name in enumerate(self.session.seats, 1)))
        if PERSON in self.session.seats:
            self.terminal.say("type help to see what you can type")
        while not self.session.is_over:
            self.let_others_play()
            if not self.session.is_over:
                self.let_person_choose()
            if self.has_left:
                self.terminal.say(f"left at move {self.session.game.array['ply']}")
                return
        self.show_end()

    # What is shown

    def let_others_play(self) -> None:
        """Let agents and forced actions go on, and print what they do, a line per turn."""
        game = self.session.game
        turn: list[PlayedAction] = []
        steps = self.session.run_on()
        while True:
            with self.terminal.waiting(self.name(game.player) if game.player in self.session.agents else None):
                step = next(steps, None)
            if step is not None:
                turn.append(step)
            if step is None or game.array["turn"] != step.turn:
                self.tell(turn)
                turn = []
            if step is None:
                return

    def tell(self, turn: Sequence[PlayedAction]) -> None:
        """Print the actions of a turn; among agents alone, show the board, too."""
        keys = [short(step.key) for step in turn if step.key not in BOOKKEEPING]
        if keys:
            self.terminal.say(f"{self.name(turn[0].player)}: {', '.join(keys)}")
        if turn and PERSON not in self.session.seats and not self.session.is_over:
            self.show_board()
            time.sleep(self.delay)

    def name(self, seat: int) -> str:
        """Return the name of a player, with the person or agent in the seat."""
        return f"player {seat} ({self.session.seats[seat - 1]})"

    def show_board(self) -> None:
        """Draw the board; what has changed since the last time is marked."""
        board, state = self.session.game.board, self.session.game.array
        cells: list[int] = state["cells"][board.tables["position"]].tolist()
        changed = [i for i, word in enumerate(cells) if self._drawn is not None and word != self._drawn[i]]
        self._drawn = cells
        self.terminal.show_board(board, state, changed)

    def show_menu(self, keys: Sequence[str]) -> None:
        """Show the menu."""
        self._items = menu(keys)
        self.terminal.say("\n".join(menu_lines(self._items, self.terminal.width)))

    def show_end(self) -> None:
        """Show the last position and the winner."""
        game, resigned = self.session.game, self.session.resigned
        self.show_board()
        if resigned is not None:
            others = [seat for seat in range(1, game.players + 1) if seat != resigned]
            won = f"; {self.name(others[0])} has won" if len(others) == 1 else ""
            self.terminal.say(f"{self.name(resigned)} has resigned{won}")
        elif not game.array["winner"]:
            self.terminal.say(f"stopped after {game.array['ply']} moves: no player has won")
        else:
            by_rank = sorted(enumerate(game.ranks(), 1), key=lambda place: place[1])
            self.terminal.say("\n".join(f"{rank}. {self.name(seat)}" for seat, rank in by_rank))

    # What a person types

    def let_person_choose(self) -> None:
        """Ask until the position has changed, or the person leaves."""
        game = self.session.game
        self.show_board()
        self._keys = game.keys()
        self.show_menu(self._keys)
        before = (game, len(game.actions))
        while not self.has_left and not self.session.is_over:
            if (self.session.game, len(self.session.game.actions)) != before:
                return
            line = self.terminal.ask(f"player {game.player}, {game.phase.replace('_', ' ')}> ")
            try:
                self.obey("quit" if line is None else line)
            except RingRiftError as error:
                self.terminal.say(str(error))

    def obey(self, line: str) -> None:
        """Obey a line; an empty one shows the menu."""
        word, _, rest = line.partition(" ")
        whole = [key for key in self._keys if key.casefold() == line.casefold()]
        if not line:
            self.show_menu(self._keys)
        elif line.isdecimal():
            item = self.item(line)
            if len(item.keys) > 1:
                self.show_menu(item.keys)
            else:
                self.session.choose(item.keys[0])
        elif whole:
            self.session.choose(whole[0])
        elif word in self.commands:
            self.commands[word](rest.strip())
        else:
            shown = [key for item in self._items for key in item.keys]
            matching = narrowed(shown, line) or narrowed(self._keys, line)
            if not matching:
                raise BadSession(f"no legal action has {line!r}; type a number, part of an action, or help")
            self.show_menu(matching)

    def item(self, number: str) -> Item:
        """Return an item of the menu by its number."""
        if not (number.isdecimal() and 1 <= int(number) <= len(self._items)):
            raise BadSession(
                f"there is no number {number or 'given'} in the list: it goes from 1 to {len(self._items)}"
            )
        return self._items[int(number) - 1]

    def help(self, _: str) -> None:
        """Show what may be typed."""
        self.terminal.say(HELP)

    def show_board_again(self, _: str) -> None:
        """Draw the board."""
        self.show_board()

    def preview(self, number: str) -> None:
        """Show what an action does: the board after it, and what each player gains; of a group, where it could be."""
        game, item = self.session.game, self.item(number)
        if len(item.keys) > 1:
            cells = [
                cell
                for cell in range(game.board.cells)
                for key in item.keys
                if narrowed([key], cell_key(game.board, cell))
            ]
            self.terminal.show_board(game.board, game.array, cells)
            return
        after = game.copy()
        after.play(item.keys[0])
        cells_before, cells_after = (
            position.array["cells"][game.board.tables["position"]].tolist() for position in (game, after)
        )
        changed = [cell for cell, word in enumerate(cells_before) if word != cells_after[cell]]
        self.terminal.show_board(game.board, after.array, changed)
        self.terminal.say(f"{item.keys[0]}: {_effect(game.array, after.array) or 'nothing is gained or lost'}")

    def explain_moves(self, _: str) -> None:
        """Show what the codes of actions mean."""
        self.terminal.say("\n".join(f"  {kind}  {meaning}" for kind, meaning in KINDS.items()))

    def show_rules(self, _: str) -> None:
        """Show the rules."""
        self.terminal.say(RULES)

    def hint(self, _: str) -> None:
        """Show what an agent would play, and how its choice is spread."""
        game = self.session.game
        agent = make_agent(self.adviser, game.board, game.players, seed=self.session.seed)
        with self.terminal.waiting(self.adviser):
            assessment = self.session.hint(agent, HINTS)
        best = assessment.candidates[0]
        worth = assessment.values[game.player - 1]
        self.terminal.say(f"{self.adviser} would play {short(best.key)}; it gives you {worth:+.2f} in this position")
        looked_at = [candidate for candidate in assessment.candidates if candidate.visits]
        for candidate in looked_at or assessment.candidates:  # a search has no opinion of actions without visits
            share = f"{candidate.visits:,} simulations" if looked_at else f"{candidate.policy:.0%} of its choice"
            self.terminal.say(f"  {short(candidate.key):<24} {share}")

    def undo(self, _: str) -> None:
        """Take back a turn."""
        taken = self.session.undo()
        self.terminal.say(f"taken back: {taken} actions")

    def save(self, name: str) -> None:
        """Save the game."""
        if not name:
            raise BadSession("save needs the name of a file, such as save game.jsonl")
        save_game(self.session, Path(name).expanduser())
        self.terminal.say(f"kept in {name}")

    def load(self, name: str) -> None:
        """Go on with a saved game, with the same people and agents if it does not name any."""
        kept = open_game(Path(name).expanduser())
        self.session = Session(kept.game, kept.seats or self.session.seats, seed=self.session.seed)
        self._drawn = None

    def resign(self, _: str) -> None:
        """Resign."""
        self.session.resign()

    def leave(self, _: str) -> None:
        """Leave the session."""
        self.has_left = True


def _effect(before: Record, after: Record) -> str:
    """Say what an action changes for every player, such as `player 1: 2 eliminated more, 1 in hand less`."""
    parts = []
    for seat in range(int(before["players"])):
        changes = [
            f"{abs(change)} {words} {'more' if change > 0 else 'less'}"
            for field, words in COUNTS.items()
            if (change := int(after[field][seat]) - int(before[field][seat]))
        ]
        if changes:
            parts.append(f"player {seat + 1}: {', '.join(changes)}")
    if after["winner"]:
        parts.append(f"player {after['winner']} wins")
    return "; ".join(parts)
