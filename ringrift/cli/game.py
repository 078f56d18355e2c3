"""`ringrift game …`: look at games, play random ones, and check the rules against recorded ones."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringrift.cli.log import complain
from ringrift.cli.options import MOST_MOVES, FileArgument, GameOption, JsonOption
from ringrift.cli.progress import tracked
from ringrift.console import echo

if TYPE_CHECKING:
    from ringrift.game import Board, Game

app = typer.Typer(no_args_is_help=True, help=__doc__)

BoardArgument = Annotated[
    str,
    typer.Argument(metavar="CONFIG", help="A config such as hex8_3p, or a board: square8, square19, hex8, hexagonal."),
]
PlayersOption = Annotated[
    int | None,
    typer.Option("--players", "-p", help="2, 3 or 4; by default 2, or what the config says."),
]


def _config(name: str, players: int | None) -> tuple[Board, int]:
    from ringrift.game import UnknownConfig, get_board, parse_config

    if name.endswith("p") and "_" in name:
        board, named = parse_config(name)
        if players not in (None, named):
            raise UnknownConfig(f"{name} is for {named} players, and --players says {players}")
        return board, named
    return get_board(name), 2 if players is None else players


def _opening(path: Path, wanted: int) -> tuple[Game, Sequence[Mapping[str, Any] | int]]:
    """The first position and the moves of a record of a file."""
    from ringrift.errors import RingRiftError
    from ringrift.game import BadRecord, Game
    from ringrift.game.game import record_moves
    from ringrift.game.records import read_records

    count = 0
    for count, (line, record) in enumerate(read_records(path), 1):
        if count == wanted:
            try:
                return Game.opening(record), record_moves(record)
            except RingRiftError as error:
                raise BadRecord(f"{path}:{line}: {error}") from None
    raise BadRecord(f"{path}: there is no game {wanted}, the file holds {count}")


def _play(game: Game, move: Mapping[str, Any] | int, path: Path, number: int, index: int) -> None:
    from ringrift.errors import RingRiftError
    from ringrift.game import BadRecord

    try:
        game.play(move)
    except RingRiftError as error:
        raise BadRecord(f"{path}: game {number}, move {index}: {error}") from None


def _print_json(value: object) -> None:
    echo(json.dumps(value, ensure_ascii=False))


@app.command()
def new(
    config: BoardArgument,
    players: PlayersOption = None,
    swap_rule: Annotated[bool, typer.Option("--swap-rule", help="Play with the pie rule (two players).")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the start of a game and its first actions.

    Example: ringrift game new hex8 --players 3
    """
    from ringrift.game import Game

    board, count = _config(config, players)
    game = Game(board.name, count, swap_rule=swap_rule)
    if as_json:
        _print_json({"config": game.config, "rules": game.rules(), "state": game.state(), "legal": game.keys()})
        return
    _show(game)


def _show(game: Game) -> None:
    """The board with its legend, and the first of the legal actions."""
    from ringrift.game.diagram import LEGEND

    echo(game)
    echo(LEGEND)
    keys = game.keys()
    if keys:
        shown = ", ".join(keys[:8])
        count = f"{len(keys)} legal actions" if len(keys) > 1 else "one legal action"
        echo(f"{count}: {shown}{', …' if len(keys) > 8 else ''}")


@app.command()
def show(
    path: FileArgument,
    number: GameOption = 1,
    move: Annotated[
        int | None,
        typer.Option("--move", "-m", min=0, max=MOST_MOVES, help="After this many moves; by default after the last."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Draw a position of a recorded game.

    Example: ringrift game show tests/traces/hex8_2p.jsonl.gz --game 3 --move 40
    """
    from ringrift.game import BadRecord

    game, moves = _opening(path, number)
    if move is not None and move > len(moves):
        raise BadRecord(f"{path}: game {number} has {len(moves)} moves, not {move}")
    for index, step in enumerate(moves[:move]):
        _play(game, step, path, number, index)
    if as_json:
        _print_json({"config": game.config, "state": game.state(), "legal": game.keys()})
        return
    _show(game)


@app.command()
def replay(
    path: FileArgument,
    number: GameOption = 1,
    boards: Annotated[bool, typer.Option("--boards", help="Draw the board after every move.")] = False,
) -> None:
    """Print a recorded game move by move, and its end.

    Example: ringrift game replay games.jsonl --game 2 --boards
    """
    game, moves = _opening(path, number)
    for index, move in enumerate(moves):
        notation, played, player = game.notation(), len(game.actions), game.player
        _play(game, move, path, number, index)
        echo(f"{index:>5}  player {player}  {notation.key(game.actions[played])}")
        if boards:
            echo(f"\n{game}\n")
    echo(game)


@app.command("random")
def random_game(  # noqa: C901 - a branch per form of output
    config: BoardArgument,
    players: PlayersOption = None,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="The same seed gives the same games.")] = 0,
    games: Annotated[int, typer.Option(min=1, max=10**9, help="How many games.")] = 1,
    max_moves: Annotated[
        int | None, typer.Option(min=1, max=MOST_MOVES, help="Stop a game after this many moves.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the records there (.jsonl or .jsonl.gz).")] = None,
    as_json: JsonOption = False,
) -> None:
    """Play random games; one is drawn, several are counted.

    Example: ringrift game random square8 --players 3

    Example: ringrift game random hexagonal_2p --games 20 --out games.jsonl.gz
    """
    import numpy as np

    from ringrift.game import Game
    from ringrift.game.records import record_line, write_records
    from ringrift.kernels.random import random_below
    from ringrift.version import code_version

    board, count = _config(config, players)

    def play(index: int) -> Game:
        game = Game(board.name, count, max_moves=max_moves)
        while not game.is_over:
            legal = game.legal_actions()
            game.play(int(legal[random_below(np.uint64(seed), index, len(game.actions), len(legal))]))
        return game

    if games == 1 and out is None:
        game = play(0)
        if as_json:
            echo(record_line(game.record(seed=seed, code=code_version())), end=False)
        else:
            echo(game)
            echo(f"ranks {', '.join(f'player {i + 1}: {rank}' for i, rank in enumerate(game.ranks()))}")
        return
    ended: Counter[str] = Counter()

    def records() -> Iterator[dict[str, Any]]:
        for index in tracked(range(games), "games"):
            game = play(index)
            ended[game.result().reason or "stopped"] += 1
            yield game.record(seed=seed, game=index, code=code_version())

    if out is not None:
        write_records(out, records())
    else:
        for _ in records():
            pass
    if as_json:
        _print_json({"config": f"{board.name}_{count}p", "games": games, "ended": ended, "out": out and str(out)})
        return
    echo(f"{games} games of {board.name}_{count}p" + (f" written to {out}" if out else ""))
    for reason, times in ended.most_common():
        echo(f"{times:>6}  {reason}")


@app.command()
def perft(
    config: BoardArgument,
    players: PlayersOption = None,
    depth: Annotated[int, typer.Option("--depth", "-d", min=1, max=12)] = 3,
    as_json: JsonOption = False,
) -> None:
    """Count the action sequences of every length up to a depth: a fingerprint of the rules.

    Example: ringrift game perft square8 --depth 4
    """
    from ringrift.game import new_states
    from ringrift.game.playout import perft as count_sequences

    board, count = _config(config, players)
    start = new_states(board, count)[0]
    rows = []
    for level in range(1, depth + 1):
        began = time.perf_counter()
        leaves = count_sequences(board, start, level)
        rows.append({"depth": level, "leaves": leaves, "seconds": round(time.perf_counter() - began, 3)})
        if not as_json:
            echo(f"depth {level}: {leaves:,} sequences, {rows[-1]['seconds']} s")
    if as_json:
        _print_json({"config": f"{board.name}_{count}p", "perft": rows})


@app.command()
def verify(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Records or traces: .jsonl or .jsonl.gz")],
    as_json: JsonOption = False,
) -> None:
    """Replay recorded games and compare legal actions and positions wherever the files have them.

    Prints a line per file; exits 1 with the first divergence drawn as a board, 2 if a file cannot be read.

    Example: ringrift game verify tests/traces/*.jsonl.gz
    """
    from concurrent.futures import ProcessPoolExecutor

    from ringrift.errors import RingRiftError
    from ringrift.game.conformance import Divergence, check_file
    from ringrift.kernels.threads import default_threads

    worst = 0
    with ProcessPoolExecutor(min(default_threads(), len(files)), initializer=_leave_interrupts_to_parent) as pool:
        for path, running in [(path, pool.submit(check_file, path)) for path in files]:
            line: dict[str, Any] = {"file": str(path)}
            try:
                checked = running.result()
            except Divergence as error:
                line |= {"exact": False, "error": str(error), "board": error.board}
                worst = max(worst, 1)
            except RingRiftError as error:
                line |= {"exact": False, "error": str(error)}
                worst = 2
            else:
                line |= {"exact": True, **vars(checked)}
            if as_json:
                _print_json(line)
            elif line["exact"]:
                echo(
                    f"{path}: exact: {checked.games} games, {checked.moves:,} moves, "
                    f"{checked.legal_actions:,} legal actions, {checked.positions:,} positions"
                )
            else:
                complain(line["error"])
                if "board" in line:
                    echo(f"\n{line['board']}\n", err=True)
    raise typer.Exit(worst)


def _leave_interrupts_to_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@app.command("compile")
def compile_rules() -> None:
    """Compile the rules for every board now, so that the next start is quick.

    Example: ringrift game compile
    """
    from ringrift.game.warmup import compile_all
    from ringrift.kernels.compiled import cache_root

    for board, seconds in compile_all():
        echo(f"{board}: ready after {seconds:.1f} s")
    echo(f"the compiled rules are in {cache_root()}")
