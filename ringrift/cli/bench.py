"""`ringrift bench …`: how fast things are on this machine."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

Item = TypeVar("Item")

LEFT = ("config", "board", "search", "program", "evaluator", "against")
"""Headings of columns of words."""

app = typer.Typer(no_args_is_help=True, help=__doc__)


@app.callback()
def _bench() -> None:
    """How fast things are on this machine."""


@app.command()
def game(
    configs: Annotated[
        list[str] | None, typer.Argument(metavar="[CONFIG…]", help="Config names, such as hex8_3p; by default all.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.05, help="Length of one measurement.")] = 0.5,
    repeats: Annotated[int, typer.Option(min=1, help="Measurements; the median counts.")] = 5,
    start: Annotated[bool, typer.Option(help="Also measure start-up with a cold and a warm cache.")] = True,
    out: Annotated[Path | None, typer.Option(help="Write the figures there as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")] = False,
) -> None:
    """Speed of the rules in random play.

    Example: ringrift bench game

    Example: ringrift bench game square8_2p hex8_3p --json
    """
    from ringrift.benchmarks.game import measure_rules, measure_start

    pairs = _pairs(configs)
    speeds = [
        measure_rules(board, players, seconds=seconds, repeats=repeats)
        for board, players in _with_progress(pairs, "random play")
    ]
    names = list(dict.fromkeys(board for board, _ in pairs)) if start else []
    starts = [measure_start(name) for name in _with_progress(names, "start-up")]
    report = {
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "python": platform.python_version(),
        },
        "rules": [asdict(speed) for speed in speeds],
        "start": [asdict(entry) for entry in starts],
    }
    if _write_or_print(report, out, as_json):
        return
    _print_table(
        f"Random play, median of {repeats}; every action counted, legal actions generated at every ply",
        (
            "config",
            "actions/s",
            "× goal",
            "games/s",
            "actions/game",
            "legal/action",
            "legal ns",
            "step ns",
            "copy ns",
            "hash ns",
            "bytes",
            f"actions/s on {speeds[0].threads} cores",
            "scaling",
        ),
        [
            (
                speed.config,
                f"{speed.actions_per_second:,.0f}",
                f"{speed.actions_per_second / speed.goal:.1f}",
                f"{speed.games_per_second:,.0f}",
                f"{speed.actions_per_game:.0f}",
                f"{speed.legal_per_action:.1f}",
                f"{speed.legal_ns:,.0f}",
                f"{speed.step_ns:,.0f}",
                f"{speed.copy_ns:.0f}",
                f"{speed.hash_ns:.0f}",
                f"{speed.bytes_per_game:,}",
                f"{speed.actions_per_second_all:,.0f}",
                f"{speed.scaling:.2f}",
            )
            for speed in speeds
        ],
    )
    if starts:
        _print_table(
            "Seconds from a new process to the first legal actions",
            ("board", "cold cache", "warm cache"),
            [(entry.board, f"{entry.cold:.1f}", f"{entry.warm:.2f}") for entry in starts],
        )


@app.command()
def encoding(
    out: Annotated[Path | None, typer.Option(help="Write the figures there as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")] = False,
) -> None:
    """Speed of turning positions into network input, on one core.

    Example: ringrift bench encoding
    """
    from ringrift.benchmarks.encoding import measure_encoding
    from ringrift.encoding import FEATURE_VERSIONS
    from ringrift.game import BOARDS

    pairs = [(board, version) for board in BOARDS for version in FEATURE_VERSIONS]
    figures = [
        {"board": board, "version": version, "nanoseconds": measure_encoding(board, version)}
        for board, version in _with_progress(pairs, "encoding")
    ]
    if _write_or_print({"encoding": figures}, out, as_json):
        return
    rows = [(str(row["board"]), str(row["version"]), f"{row['nanoseconds']:,.0f}") for row in figures]
    _print_table("Encoding one position, two players", ("board", "version", "ns"), rows)


@app.command()
def search(
    configs: Annotated[
        list[str] | None, typer.Argument(metavar="[CONFIG…]", help="Config names, such as hex8_3p; by default all.")
    ] = None,
    games: Annotated[
        int, typer.Option(min=2, help="Games side by side on the small boards; a quarter on the large.")
    ] = 2048,
    repeats: Annotated[int, typer.Option(min=1, help="Measurements; the median counts.")] = 5,
    network: Annotated[str, typer.Option(help="Architecture whose share of the time is measured.")] = "small",
    compare: Annotated[
        bool, typer.Option(help="Also measure other programs' searches and ours on Connect Four, about three minutes.")
    ] = True,
    out: Annotated[Path | None, typer.Option(help="Write the figures there as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")] = False,
) -> None:
    """Speed of the searches at 64 simulations, the share of the time that a network takes, and other programs' speed.

    The other programs are mctx on pgx, and OpenSpiel: pip install 'ringrift\\[compare]'.

    Example: ringrift bench search square8_2p hexagonal_4p

    Example: ringrift bench search square8_2p --no-compare --json
    """
    from ringrift.benchmarks import comparison
    from ringrift.benchmarks.search import measure_search, measure_share
    from ringrift.search import GumbelSearch, PuctSearch

    pairs = _pairs(configs)

    speeds = [
        measure_search(kind, board, players, games=_side_by_side(board, games), repeats=repeats)
        for kind in (GumbelSearch, PuctSearch)
        for board, players in _with_progress(pairs, kind.__name__)
    ]
    shares = [
        measure_share(board, players, network, games=_side_by_side(board, games))
        for board, players in _with_progress(pairs, f"with the network {network}")
    ]
    obstacle = comparison.obstacle() if compare else None
    if obstacle:
        typer.echo(obstacle, err=True)
    programs: list[comparison.ProgramSpeed] = []
    if compare and not obstacle:
        rows = sum(1 + len(contest.ours) for contest in comparison.contests(games))
        programs.extend(_with_progress(comparison.compare(in_flight=games), "other programs", rows))
    report = {
        "searches": [asdict(speed) for speed in speeds],
        "network": [asdict(share) for share in shares],
        "comparison": [asdict(speed) for speed in programs],
    }
    if _write_or_print(report, out, as_json):
        return
    _print_table(
        f"Searches with 64 simulations and no network, median of {repeats}",
        ("search", "config", "games", "µs/simulation", "limit", "simulations/s on all cores", "scaling", "bytes/node"),
        [
            (
                speed.search,
                speed.config,
                f"{speed.games}",
                f"{speed.microseconds:.1f}",
                f"{speed.limit:.0f}",
                f"{speed.simulations_per_second_all:,.0f}",
                f"{speed.scaling:.2f}",
                f"{speed.bytes_per_node:,.0f}",
            )
            for speed in speeds
        ],
    )
    _print_table(
        f"Gumbel search with 64 simulations and the network {network}",
        ("config", "games", "simulations/s", "time in the network"),
        [
            (share.config, f"{share.games}", f"{share.simulations_per_second:,.0f}", f"{share.share:.0%}")
            for share in shares
        ],
    )
    if programs:
        _print_table(
            "Connect Four with 64 simulations; one core by processor time, all cores by the clock",
            (
                "program",
                "evaluator",
                "in flight",
                "simulations/s on one core",
                "on all cores",
                "× one core",
                "× all",
                "against",
            ),
            [
                (
                    speed.program,
                    speed.evaluator,
                    f"{speed.in_flight}",
                    f"{speed.one_core:,.0f}",
                    f"{speed.all_cores:,.0f}",
                    f"{speed.times_one_core:.1f}" if speed.times_one_core else "",
                    f"{speed.times_all_cores:.1f}" if speed.times_all_cores else "",
                    speed.against or "",
                )
                for speed in programs
            ],
        )


@app.command()
def games(
    configs: Annotated[
        list[str] | None, typer.Argument(metavar="[CONFIG…]", help="Config names; by default square8_2p.")
    ] = None,
    count: Annotated[int, typer.Option("--games", "-n", min=1, help="Games in one measurement.")] = 5000,
    repeats: Annotated[int, typer.Option(min=1, help="Measurements; the fastest counts.")] = 3,
    memory: Annotated[int, typer.Option(min=0, help="Also measure memory at 1,000 and so many thousand games.")] = 10,
    out: Annotated[Path | None, typer.Option(help="Write the figures there as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")] = False,
) -> None:
    """Speed of the games database: random games ingested into SQLite, beside parsing their JSON and nothing else.

    Example: ringrift bench games square8_2p hexagonal_2p --games 500
    """
    from ringrift.benchmarks.games import measure_ingest, measure_memory

    names = configs or ["square8_2p"]
    runs = [(name, search) for name in names for search in (False, True)]
    speeds = [
        measure_ingest(name, count, search=search, repeats=repeats) for name, search in _with_progress(runs, "ingest")
    ]
    thousands = (1, memory) if memory else ()
    peaks = [measure_memory(names[0], 1000 * number) for number in _with_progress(thousands, "memory")]
    report = {"ingest": [asdict(speed) for speed in speeds], "memory": [asdict(peak) for peak in peaks]}
    if _write_or_print(report, out, as_json):
        return
    _print_table(
        f"Random games into SQLite on {speeds[0].threads} threads, the fastest of {repeats}",
        (
            "config",
            "search",
            "actions/game",
            "games/s",
            "games/s a core",
            "actions/s a core",
            "parsed/s a core",
            "× parsing",
            "bytes/game: JSONL",
            "gzip",
            "database",
        ),
        [
            (
                speed.config,
                "yes" if speed.search else "no",
                f"{speed.actions_per_game:.0f}",
                f"{speed.games_per_second:,.0f}",
                f"{speed.cpu_games_per_second:,.0f}",
                f"{speed.cpu_actions_per_second:,.0f}",
                f"{speed.parsed_per_second:,.0f}",
                f"{speed.parsed_per_second / speed.cpu_games_per_second:.1f}",
                f"{speed.bytes_jsonl:,.0f}",
                f"{speed.bytes_gzip:,.0f}",
                f"{speed.bytes_database:,.0f}",
            )
            for speed in speeds
        ],
    )
    if peaks:
        rows = [(f"{peak.games:,}", f"{peak.megabytes:,.0f}") for peak in peaks]
        _print_table(f"The most memory of a process that ingests {names[0]} with search", ("games", "MB"), rows)


@app.command()
def datasets(
    configs: Annotated[
        list[str] | None, typer.Argument(metavar="[CONFIG…]", help="Config names; by default two of each size.")
    ] = None,
    count: Annotated[
        int, typer.Option("--games", "-n", min=1, help="Games on the small boards; a quarter on the large.")
    ] = 1000,
    repeats: Annotated[int, typer.Option(min=1, help="Measurements; the fastest counts.")] = 3,
    out: Annotated[Path | None, typer.Option(help="Write the figures there as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")] = False,
) -> None:
    """Speed of exporting data sets: random games with search statistics at every action.

    Example: ringrift bench datasets square8_2p --games 4000
    """
    from ringrift.benchmarks.datasets import measure_export

    pairs = _pairs(configs or ["square8_2p", "hex8_4p", "square19_2p", "hexagonal_3p"])
    speeds = [
        measure_export(f"{board}_{players}p", _side_by_side(board, count), repeats=repeats)
        for board, players in _with_progress(pairs, "exports")
    ]
    if _write_or_print({"export": [asdict(speed) for speed in speeds]}, out, as_json):
        return
    _print_table(
        f"Exports from SQLite on {speeds[0].threads} threads, the fastest of {repeats}",
        (
            "config",
            "games",
            "samples",
            "samples/s",
            "goal",
            "× goal",
            "samples/s a core",
            "bytes/sample",
            *(f"{part} %" for part in speeds[0].parts),
        ),
        [
            (
                speed.config,
                f"{speed.games:,}",
                f"{speed.samples:,}",
                f"{speed.samples_per_second:,.0f}",
                f"{speed.goal:,}",
                f"{speed.samples_per_second / speed.goal:.2f}",
                f"{speed.cpu_samples_per_second:,.0f}",
                f"{speed.bytes_per_sample:,.0f}",
                *(f"{seconds / sum(speed.parts.values()):.0%}" for seconds in speed.parts.values()),
            )
            for speed in speeds
        ],
    )


@app.command()
def agents(
    configs: Annotated[
        list[str] | None, typer.Argument(metavar="[CONFIG…]", help="Config names, such as hex8_3p; by default all.")
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Measurements of the evaluation; the median counts.")] = 5,
    games: Annotated[
        int, typer.Option(min=1, help="Games side by side on the small boards; a quarter on the large.")
    ] = 256,
    positions: Annotated[int, typer.Option(min=1, help="Positions that each search is given.")] = 20,
    seconds: Annotated[float, typer.Option(min=0.001, help="Time of a search for each position.")] = 0.1,
    out: Annotated[Path | None, typer.Option(help="Write the figures there as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")] = False,
) -> None:
    """Speed of the players without a network: the heuristic, minimax for two players, maxn for three and four.

    Example: ringrift bench agents

    Example: ringrift bench agents square8_2p hex8_3p --json
    """
    from ringrift.benchmarks.agents import measure_depth, measure_evaluation, measure_games

    pairs = _pairs(configs)
    evaluations = [
        measure_evaluation(board, players, repeats=repeats) for board, players in _with_progress(pairs, "evaluations")
    ]
    plays = [
        measure_games(board, players, games=_side_by_side(board, games))
        for board, players in _with_progress(pairs, "games of the heuristic")
    ]
    depths = [
        measure_depth(board, players, positions=positions, seconds=seconds)
        for board, players in _with_progress(pairs, "searches")
    ]
    report = {
        "evaluations": [asdict(speed) for speed in evaluations],
        "games": [asdict(speed) for speed in plays],
        "searches": [asdict(speed) for speed in depths],
    }
    if _write_or_print(report, out, as_json):
        return
    _print_table(
        f"Evaluations by the heuristic on one core, by processor time, median of {repeats}",
        ("config", "evaluations/s", "goal", "× goal", "ns"),
        [
            (
                speed.config,
                f"{speed.evaluations_per_second:,.0f}",
                f"{speed.goal:,}",
                f"{speed.evaluations_per_second / speed.goal:.2f}",
                f"{1e9 / speed.evaluations_per_second:,.0f}",
            )
            for speed in evaluations
        ],
    )
    _print_table(
        f"The heuristic, one ply ahead, against itself on {plays[0].threads} cores, from random openings",
        ("config", "games", "games/s", "moves/game", "stopped"),
        [
            (
                speed.config,
                f"{speed.games}",
                f"{speed.games_per_second:,.2f}",
                f"{speed.moves_per_game:.0f}",
                f"{speed.stopped}",
            )
            for speed in plays
        ],
    )
    _print_table(
        f"Searches with {seconds * 1000:g} ms for each position on one core, from the middle of random games",
        ("search", "config", "positions", "nodes/s", "depth"),
        [
            (
                speed.search,
                speed.config,
                f"{speed.positions}",
                f"{speed.nodes_per_second:,.0f}",
                f"{speed.depth:.1f}",
            )
            for speed in depths
        ],
    )


def _pairs(configs: list[str] | None) -> list[tuple[str, int]]:
    """Board and players of the configs that are named, or of all."""
    from ringrift.game import configs as all_configs
    from ringrift.game import parse_config

    named = [parse_config(name) for name in configs or ()]
    return [(board.name, players) for board, players in named] or list(all_configs())


def _side_by_side(board: str, games: int) -> int:
    """Games at once on a board: on the large ones a quarter."""
    return games if board in ("square8", "hex8") else max(games // 4, 1)


def _with_progress(items: Iterable[Item], what: str, total: int | None = None) -> Iterable[Item]:
    """The items, with a progress bar where somebody looks; `total` is how many there are, unless they have a length."""
    from rich.console import Console
    from rich.progress import track

    quiet = not sys.stderr.isatty()
    return track(items, what, total, console=Console(stderr=True), disable=quiet, transient=True)


def _write_or_print(report: dict[str, Any], out: Path | None, as_json: bool) -> bool:
    """Write the report to a file and print it as JSON, as asked for; whether it has been printed."""
    from ringrift.game.files import new_file

    if out is not None:
        with new_file(out) as file:
            file.write((json.dumps(report, indent=1) + "\n").encode())
    if as_json:
        typer.echo(json.dumps(report))
    return as_json


def _print_table(title: str, headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """A table with words to the left and numbers to the right."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title)
    for heading in headings:
        table.add_column(heading, justify="left" if heading in LEFT else "right")
    for row in rows:
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 170).print(table)
