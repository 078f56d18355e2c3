"""`ringrift analyse`: what a player thinks of a recorded game."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ringrift.cli.options import MOST_MOVES, FileArgument, GameOption, JsonOption
from ringrift.cli.progress import tracked
from ringrift.console import console, echo

SMALLEST_SHOWN: Final = 0.005

if TYPE_CHECKING:
    from rich.table import Table

    from ringrift.evaluation.analysis import AnalysedPly
    from ringrift.evaluation.heuristic_terms import Terms


def analyse(
    path: FileArgument,
    number: GameOption = 1,
    agent: Annotated[str, typer.Option("--agent", "-a", help="The player that analyses.")] = "gumbel:heuristic@400",
    plies: Annotated[str, typer.Option(help="Which moves, counted from 0: 10-20, 10-, -20 or 10.")] = "-",
    top: Annotated[int, typer.Option(min=1, max=MOST_MOVES, help="How many of the best actions are shown.")] = 3,
    features: Annotated[
        bool, typer.Option("--features", help="Also what the heuristic makes of each position: features times weights.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show a recorded game move by move with what a player thinks of it.

    For every move: the player's value of the position for each seat, from −1
    to 1; the action that was played and its value for its player; the
    actions that the player likes best with theirs; how much value was lost.

    Example: ringrift analyse games.jsonl --game 2 --plies 10-20 --agent puct@400
    """
    from ringrift.agents import make_agent
    from ringrift.evaluation.analysis import analyse_game
    from ringrift.game import BadRecord
    from ringrift.heuristic import load_weights
    from ringrift.play import open_game

    game = open_game(path, number).game
    if not game.actions:
        raise BadRecord(f"{path}: there are no moves in game {number}")
    wanted = _range(plies)
    player = make_agent(agent, game.board, game.players)
    weights = load_weights(game.config) if features else None
    analysed = analyse_game(player, game, plies=wanted, top=top, weights=weights)
    rows = list(tracked(analysed, "moves", len(game.actions)))
    if as_json:
        entries = [asdict(row) | {"lost": row.lost} for row in rows]
        echo(json.dumps({"file": str(path), "game": number, "config": game.config, "agent": agent, "plies": entries}))
        return
    _print(rows, f"{game.config}, game {number} of {path}, seen by {agent}", game.players, top)


def _range(text: str) -> range:
    """The moves that `--plies` names."""
    from ringrift.game import BadRecord

    form = re.fullmatch(r"(\d*)(-?)(\d*)", text)
    if form is None or not text:
        raise BadRecord(f"--plies must be 10-20, 10-, -20 or 10, not {text!r}")
    first = int(form[1] or 0)
    last = int(form[3] or sys.maxsize - 1) if form[2] else first
    return range(first, last + 1)


def _print(rows: list[AnalysedPly], title: str, players: int, top: int) -> None:
    from rich.markup import escape
    from rich.table import Table

    from ringrift.play.menu import short

    table = Table(title=f"{escape(title)}; forced moves are left out", title_justify="left")
    for heading in (
        "move",
        "player",
        "values by seat",
        "played",
        "after",
        "lost",
        "liked best, with the value after it",
    ):
        table.add_column(heading, justify="right" if heading in ("move", "player", "after", "lost") else "left")
    lost: dict[int, list[float]] = {player: [] for player in range(1, players + 1)}
    for row in rows:
        if row.assessment is None or row.played is None or row.lost is None:
            continue
        lost[row.player].append(row.lost)
        seat = row.player - 1
        table.add_row(
            f"{row.ply}",
            f"{row.player}",
            " ".join(f"{value:+.2f}" for value in row.assessment.values),
            short(row.key),
            f"{row.played.values[seat]:+.2f}",
            f"{row.lost:.2f}",
            ", ".join(f"{short(best.key)} {best.values[seat]:+.2f}" for best in row.assessment.candidates[:top]),
        )
    screen = console()
    screen.print(table)
    for player, values in lost.items():
        if values:
            screen.print(f"player {player}: {sum(values) / len(values):.3f} lost per choice, of {len(values)}")
    for row in rows:
        if row.terms is not None:
            screen.print(_terms_table(row, row.terms))


def _terms_table(row: AnalysedPly, terms: Terms) -> Table:
    """The terms of the heuristic for the position that are not 0, those that differ most between seats first."""
    from rich.table import Table

    table = Table(title=f"move {row.ply}, player {row.player} to act", title_justify="left")
    table.add_column("feature × weight")
    seats = range(len(row.assessment.values if row.assessment else ()))
    for seat in seats:
        table.add_column(f"player {seat + 1}", justify="right")
    shown = {name: values for name, values in terms.items() if max(map(abs, values)) >= SMALLEST_SHOWN}
    for name, values in sorted(shown.items(), key=lambda term: min(term[1]) - max(term[1])):
        table.add_row(name, *(f"{value:+.2f}" for value in values))
    table.add_section()
    table.add_row("sum", *(f"{sum(values[seat] for values in terms.values()):+.2f}" for seat in seats))
    return table
