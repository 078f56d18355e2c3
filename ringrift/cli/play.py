"""`ringrift play`: a person against players, in the terminal."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated, Final

import typer

from ringrift.cli.options import LONGEST_SECONDS, GameOption
from ringrift.console import echo

DEFAULT_LEVEL: Final = 2
SEED_BITS: Final = 31


def play(
    config: Annotated[
        str | None, typer.Argument(metavar="[CONFIG]", help="The config, such as square8_2p; not with --resume.")
    ] = None,
    seat: Annotated[int | None, typer.Option(min=1, max=4, help="Your seat; by default 1, which begins.")] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(help="The other seats' players: one for all, or the option again for each; 'person' for people."),
    ] = None,
    level: Annotated[
        int | None, typer.Option(min=1, max=10, help="Play against that level of the ladder; by default 2.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Let the players of --against or --level play alone.")] = False,
    delay: Annotated[
        float | None,
        typer.Option(
            min=0, max=LONGEST_SECONDS, help="Seconds after every turn of --watch; by default 1 in a terminal."
        ),
    ] = None,
    hint: Annotated[str, typer.Option(help="The player that gives hints.")] = "gumbel:heuristic@400",
    resume: Annotated[
        Path | None, typer.Option(help="Go on with the game in that file: a record, or a position.")
    ] = None,
    number: GameOption = 1,
    record: Annotated[Path | None, typer.Option(help="Keep the game there at the end, or when you leave.")] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**63 - 1, help="Of the players' chance; by default another every time.")
    ] = None,
) -> None:
    """Play a game in the terminal, against players or other people, or watch players.

    Example: ringrift play square8_2p --level 1

    Example: ringrift play hex8_3p --seat 2 --against random --against puct@200

    Example: ringrift play square8_2p --against person

    Example: ringrift play square8_2p --watch --against puct@64 --against random

    Example: ringrift play --resume game.jsonl
    """
    from ringrift.game import Game, parse_config
    from ringrift.limits import move_limit
    from ringrift.play import BadSession, Play, Session, Terminal, open_game, save_game

    kept = None
    if resume is not None:
        kept = open_game(resume, number)
        game = kept.game
        if config not in (None, game.config):
            raise BadSession(f"{resume} holds a game of {game.config}, not of {config}")
    elif config is None:
        raise BadSession("which game? Name a config such as square8_2p, or a file with --resume")
    else:
        board, players = parse_config(config)
        game = Game(board.name, players, max_moves=move_limit(config) if watch else None)
    if kept is not None and kept.seats and not (seat or against or level or watch):
        seats = kept.seats
    else:
        seats = _seats(game.config, game.players, 1 if seat is None else seat, against, level, watch)
    terminal = Terminal()
    seed = secrets.randbits(SEED_BITS) if seed is None else seed
    session = Session(game, seats, seed=seed)
    terminal.say(f"{game.config}, seed {seed}")
    if delay is None:
        delay = 1.0 if terminal.interactive else 0.0
    running = Play(session, terminal, adviser=hint, delay=delay)
    try:
        running.run()
    finally:
        if record is not None:
            save_game(running.session, record)
            echo(f"kept in {record}", err=True)


def _seats(
    config: str, players: int, seat: int, against: list[str] | None, level: int | None, watch: bool
) -> tuple[str, ...]:
    """Return the players by seat: `person`, or the spec of a player."""
    from ringrift.agents.ladder import ladder_spec
    from ringrift.play import PERSON, BadSession

    if against and level is not None:
        raise BadSession("say --against or --level, not both")
    if seat > players:
        raise BadSession(f"{config} has {players} seats; there is no seat {seat}")
    others = against or [ladder_spec(config, DEFAULT_LEVEL if level is None else level)]
    free = players if watch else players - 1
    if len(others) == 1:
        others = others * free
    if len(others) != free:
        raise BadSession(f"--against names {len(others)} players, and {free} seats are free: name one for all, or each")
    if watch:
        return tuple(others)
    return (*others[: seat - 1], PERSON, *others[seat - 1 :])
