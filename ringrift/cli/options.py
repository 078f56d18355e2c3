"""The options and arguments that many commands share."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from ringrift.game.boards import parse_config

# What a number may be at most: more would be a slip of the hand, and end in a memory that is full, not in an answer.
MANY: Final = 10**9
"""Games, lines, files."""
MANY_TIMES: Final = 10_000
MOST_AT_ONCE: Final = 1 << 16
"""Games or positions side by side, each of which takes memory."""
MOST_MOVES: Final = 1_000_000
"""Moves of a game; the longest that can be played has a thousandth of that."""
MOST_THREADS: Final = 1024
MOST_PROCESSES: Final = 1024
LARGEST_SEED: Final = 2**63 - 1
LONGEST_SECONDS: Final = 86_400.0
LONGEST_DAYS: Final = 36_500.0
MOST_GPUS: Final = 1024
MOST_NODES: Final = 1024
RINGRIFT: Final = (
    *(sys.executable, "-P", "-c"),
    "import sys; from ringrift.cli import main; sys.argv[0] = 'ringrift'; main()",
)
"""The words that start this program in another process."""
MODELS: Final = Path("models")
GAMES: Final = Path("data/selfplay")


def checked_config(config: str | None) -> str | None:
    """Return the name of a config; `UnknownConfig` if there is no such config."""
    if config is not None:
        parse_config(config)
    return config


ConfigArgument = Annotated[
    str, typer.Argument(metavar="CONFIG", help="Config name, such as square8_2p.", callback=checked_config)
]
ConfigOption = Annotated[
    str | None,
    typer.Option("--config", "-c", help="Only this config, such as square8_2p.", callback=checked_config),
]
DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database",
        "-d",
        envvar="RINGRIFT_DATABASE",
        help="A path, sqlite:///… or postgresql://…; by default what database.yaml says.",
    ),
]
DeviceOption = Annotated[
    str | None, typer.Option(help="cpu, cuda, cuda:1 or mps; by default a GPU where there is one.")
]
FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="Records: .jsonl or .jsonl.gz")]
FromZeroOption = Annotated[
    bool,
    typer.Option("--from-zero", help="Play the bootstrap mixture until a model has been promoted here."),
]
GameOption = Annotated[int, typer.Option("--game", "-g", min=1, max=MANY, help="Which game of the file, from 1.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
ModelsOption = Annotated[Path, typer.Option("--models", help="The folder of models.")]
MovesOption = Annotated[
    int | None, typer.Option(min=1, max=MANY, help="Stop a game after this many moves; by default the config's limit.")
]
TorchThreadsOption = Annotated[int | None, typer.Option(min=1, max=MOST_THREADS, help="Threads of torch on a CPU.")]
