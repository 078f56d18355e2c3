"""Positions at rare spots of the rules, for tests, and a way of playing on that seeks them.

The player to act controls no stack and may recover. Around its markers stand stacks to strike, some with a cap of its
own rings right under the top; markers stand in crossing runs with a gap, so that a slide makes one line, several, or a
longer one; walls of markers and collapsed cells enclose small regions, empty or with a stack. The positions keep every
ring and every cell, but need not be reachable.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ringrift.game import Board, Game, get_board
from tests.game.drawing import position
from tests.game.plain_state import plain_board

WANTED = {"RS strike": 8, "RS line": 4, "RS fallback": 2, "TR": 8, "LO": 4, "PL": 2, "EX": 1, "EL": 1}
"""How much more often a kind of action is played than others (1) and than the skips (1/4)."""
SKIPS = ("SP", "SC", "SR", "ST")


def rare_position(name: str, players: int, seed: int) -> Game:
    """A game in a position at a rare spot: the same for the same seed."""
    return _Sketch(get_board(name), players, np.random.default_rng(seed)).game()


def rare_choice(keys: Sequence[str], rng: np.random.Generator) -> str:
    """One of some legal actions: first a kind, the rare ones more often than others, then one action of it."""
    kinds: dict[str, list[str]] = {}
    for key in keys:
        word, *_, last = key.split() if " " in key else (key, "")
        mode = last.removeprefix("stack_") if word == "RS" else ""
        kinds.setdefault(f"{word} {mode}".strip(), []).append(key)
    weights = np.array([0.25 if kind in SKIPS else WANTED.get(kind, 1) for kind in kinds])
    kind = list(kinds)[rng.choice(len(kinds), p=weights / weights.sum())]
    return str(rng.choice(kinds[kind]))


class _Sketch:
    """A board that is filled bit by bit; a cell that is taken stays as it is."""

    def __init__(self, board: Board, players: int, rng: np.random.Generator) -> None:
        self.board, self.players, self.rng = board, players, rng
        self.plain = plain_board(board.name)
        self.player = int(rng.integers(1, players + 1))
        self.others = [seat for seat in range(1, players + 1) if seat != self.player]
        self.owners = [self.player, *self.others]
        """Players who may own markers that stand in walls or alone."""
        self.taken: dict[tuple[int, ...], str | int] = {}
        """By cell: the rings of a stack, a marker's owner, or, below 0, the owner of a collapsed cell."""
        self.left = dict.fromkeys(range(1, players + 1), board.rings)
        self.space = board.territory_goal(players) // 2
        """Cells that may still be collapsed without a player being close to winning."""

    def game(self) -> Game:
        rng = self.rng
        if rng.random() < 0.5:
            for _ in range(rng.integers(1, 4)):
                self.add_crossing_lines(self.somewhere())
        else:
            self.owners = self.others  # the fewer markers of its own, the fewer lines, which forbid strikes
        for _ in range(rng.integers(1, 4)):
            self.add_region(self.somewhere())
        for _ in range(rng.integers(2, 7)):
            self.add_stack_to_strike(self.somewhere())
        for _ in range(rng.integers(0, 6)):
            self.add_marker(self.somewhere(), int(rng.choice(self.owners)))
        if not any(str(self.player) in rings for rings in self.taken.values() if isinstance(rings, str)):
            free = next(cell for cell in self.plain.cells if cell not in self.taken)
            self.add_stack(free, [self.player, self.others[0]])
        return Game.from_state(self.json(), self.board.name, self.players)

    def somewhere(self) -> tuple[int, ...]:
        return self.plain.cells[self.rng.integers(len(self.plain.cells))]

    def any_player(self) -> int:
        return int(self.rng.integers(1, self.players + 1))

    def near(self, cell: tuple[int, ...], steps: Iterable[tuple[int, ...]]) -> list[tuple[int, ...]]:
        """The cells on the board some steps away."""
        moved = [tuple(a + b for a, b in zip(cell, step, strict=True)) for step in steps]
        return [other for other in moved if other in self.plain.on_board]

    def add_marker(self, cell: tuple[int, ...], player: int) -> None:
        self.taken.setdefault(cell, player)

    def add_collapsed(self, cell: tuple[int, ...], player: int) -> None:
        if self.space > 0 and cell not in self.taken:
            self.space -= 1
            self.taken[cell] = -player

    def add_stack(self, cell: tuple[int, ...], rings: list[int]) -> None:
        """Put a stack of as many of these rings as there are; its top has to be another player's."""
        kept: list[int] = []
        for ring in rings[: self.board.max_height]:
            if kept.count(ring) < self.left[ring]:
                kept.append(ring)
        while kept and kept[-1] == self.player:
            kept.pop()
        if kept and cell not in self.taken:
            self.taken[cell] = "".join(map(str, kept))
            for ring in kept:
                self.left[ring] -= 1

    def add_stack_to_strike(self, cell: tuple[int, ...]) -> None:
        """A stack whose top hides a run of the player's rings, with markers of the player beside it."""
        rng = self.rng
        foundation = [self.any_player() for _ in range(rng.integers(0, 3))]
        cap = [self.player] * int(rng.integers(1, 4))
        tops = [int(rng.choice(self.others)) for _ in range(1 if rng.random() < 0.7 else 2)]
        self.add_stack(cell, foundation + cap + tops)
        beside = self.near(cell, self.plain.directions)
        for index in rng.permutation(len(beside))[: rng.integers(1, 3)]:
            self.add_marker(beside[index], self.player)

    def add_crossing_lines(self, cell: tuple[int, ...]) -> None:
        """Runs of the player's markers through an empty cell, and a marker that can slide into it."""
        rng = self.rng
        length = self.board.line_length(self.players)
        axes = [self.plain.axes[index] for index in rng.permutation(len(self.plain.axes))[: rng.integers(1, 3)]]
        for axis in axes:
            total = length - 1 + int(rng.integers(0, 3))
            before = int(rng.integers(0, total + 1))
            for offset in (*range(-before, 0), *range(1, total - before + 1)):
                for other in self.near(cell, [tuple(offset * part for part in axis)]):
                    self.add_marker(other, self.player)
        along = set(axes) | {tuple(-part for part in axis) for axis in axes}
        beside = self.near(cell, [step for step in self.plain.directions if step not in along])
        if beside:
            self.add_marker(beside[rng.integers(len(beside))], self.player)

    def add_region(self, cell: tuple[int, ...]) -> None:
        """A wall of one player's markers and collapsed cells around a cell or a few, with or without a stack inside."""
        rng = self.rng
        steps = self.plain.territory_steps
        inside = {cell, *self.near(cell, [steps[index] for index in rng.permutation(len(steps))[: rng.integers(0, 3)]])}
        owner = int(rng.choice(self.owners))
        if rng.random() < 0.4:
            rings = [self.any_player() for _ in range(rng.integers(1, 4))]
            self.add_stack(cell, rings)
        for other in {other for here in inside for other in self.near(here, steps)} - inside:
            if rng.random() < 0.5:
                self.add_marker(other, owner)
            else:
                self.add_collapsed(other, self.any_player())

    def json(self) -> dict[str, object]:
        """The position: rings that are neither on the board nor in hand were eliminated, credited evenly."""
        rng = self.rng
        goal = self.board.elimination_goal(self.players)
        credited = dict.fromkeys(self.left, 0)
        hand = dict(self.left)
        keep = int(rng.integers(0, 4)) if rng.random() < 0.5 else 0
        for seat in hand:
            while hand[seat] > keep:
                fewest = min(credited, key=credited.__getitem__)
                if credited[fewest] == goal - 1:
                    break
                hand[seat] -= 1
                credited[fewest] += 1
        taken = {",".join(map(str, cell)): thing for cell, thing in self.taken.items()}
        stacks = {key: thing for key, thing in taken.items() if isinstance(thing, str)}
        others = {key: thing for key, thing in taken.items() if isinstance(thing, int)}
        collapsed = {key: -owner for key, owner in others.items() if owner < 0}
        fields = {
            "currentPlayer": self.player,
            "phase": "movement",
            "stacks": stacks,
            "markers": {key: owner for key, owner in others.items() if owner > 0},
            "collapsed": collapsed,
            "territorySpaces": [list(collapsed.values()).count(seat) for seat in hand],
            "ringsInHand": list(hand.values()),
            "eliminatedRings": list(credited.values()),
        }
        return position(self.board.name, "", self.players, **fields)
