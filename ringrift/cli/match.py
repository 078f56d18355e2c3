"""`ringrift match`: players against each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ringrift.cli.context import exit_if_cancelled, run_context
from ringrift.cli.options import MANY, MOST_AT_ONCE, MOST_MOVES, JsonOption, MovesOption
from ringrift.cli.reports import show_report
from ringrift.console import console, echo

if TYPE_CHECKING:
    from ringrift.evaluation import MatchPlan, PlayedGame

DEFAULT_GAMES: Final = 100


def match(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[CONFIG] PLAYER PLAYER",
            help="The config, such as square8_2p, and 2 to 4 players, no more than it has seats.",
        ),
    ],
    config: Annotated[str | None, typer.Option(help="The config, if it is not the first word.")] = None,
    games: Annotated[
        int | None,
        typer.Option(
            "--games", "-n", min=1, max=MANY, help="How many games, rounded up to whole openings; by default 100."
        ),
    ] = None,
    openings: Annotated[
        int | None,
        typer.Option(
            min=1, max=MANY, help="How many openings, in place of --games: each is played in every seat order."
        ),
    ] = None,
    opening_plies: Annotated[
        int | None,
        typer.Option(
            min=0, max=MOST_MOVES, help="Random moves at the start; by default 4 per player, about a turn of each."
        ),
    ] = None,
    max_moves: MovesOption = None,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="The same seed gives the same games.")] = 0,
    batch: Annotated[
        int,
        typer.Option(
            min=1, max=MOST_AT_ONCE, help="Games side by side: a matter of speed and memory, never of results."
        ),
    ] = 64,
    records: Annotated[Path | None, typer.Option(help="Write the games there (.jsonl or .jsonl.gz).")] = None,
    by_seat: Annotated[bool, typer.Option("--by-seat", help="Also a table by seats.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Let 2 to 4 players play many games against each other: who is stronger?

    Every opening is played in every seat order. Fewer players than seats
    take them in all combinations: AAB, ABA, ABB, …

    Points are the values of the ranks, from 1 for the first to −1 for the
    last. A game that reaches its limit of moves has no winner and counts 0.

    A player is named by its mode and, where it has them, model, simulations
    and options: random, puct@800, 'gumbel:models/best.pth@150?temperature=1'.

    Example: ringrift match square8_2p minimax@4 heuristic --games 200

    Example: ringrift match gumbel@64 puct@64 random --config hex8_3p --records games.jsonl.gz
    """

    from ringrift.evaluation import game_record, make_players, play_match, report_match
    from ringrift.game.records import write_records

    plan = _plan(words, config, games, openings, opening_plies, max_moves, seed)
    agents = make_players(plan)
    played: list[PlayedGame] = []
    won = [0] * len(plan.players)
    with run_context(None) as context:
        context.progress("games", 0, plan.games)
        for game in play_match(agents, plan, side_by_side=batch, cancellation=context.cancellation):
            played.append(game)
            if game.winner is not None:
                won[game.scheduled.seating[game.winner - 1]] += 1
            context.progress("games", len(played), plan.games, f"won {' : '.join(map(str, won))}")
    report = report_match(plan, played, agents)
    show_report(report, as_json)
    if by_seat and not as_json:
        from ringrift.cli.render.evaluation import seat_table

        console().print(seat_table(report))
    if records is not None:
        played.sort(key=lambda game: game.scheduled.number)
        count = write_records(records, (game_record(plan, game) for game in played))
        echo(f"{count} games written to {records}", err=True)
    exit_if_cancelled(context)


def _plan(
    words: list[str],
    config: str | None,
    games: int | None,
    openings: int | None,
    opening_plies: int | None,
    max_moves: int | None,
    seed: int,
) -> MatchPlan:
    """Return the plan that the arguments describe."""
    from ringrift.evaluation import BadMatch, MatchPlan, seatings
    from ringrift.evaluation.matches import PLIES_OF_A_TURN
    from ringrift.game import UnknownConfig, parse_config
    from ringrift.limits import move_limit

    if games is not None and openings is not None:
        raise BadMatch("say --games or --openings, not both")
    specs = words
    if config is None:
        config, *specs = words
        try:
            parse_config(config)
        except UnknownConfig as error:
            raise BadMatch(f"{error}; the config comes first, then the players, or say --config CONFIG") from None
    seats = parse_config(config)[1]
    orders = len(seatings(len(specs), seats))
    return MatchPlan(
        config=config,
        players=tuple(specs),
        openings=openings or -(-(games or DEFAULT_GAMES) // orders),
        opening_plies=PLIES_OF_A_TURN * seats if opening_plies is None else opening_plies,
        max_moves=max_moves or move_limit(config),
        seed=seed,
    )
