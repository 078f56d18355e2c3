"""What many commands ask for in the same words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

MODELS: Final = Path("models")
ConfigArgument = Annotated[str, typer.Argument(metavar="CONFIG", help="Config name, such as square8_2p.")]
ConfigOption = Annotated[str | None, typer.Option("--config", "-c", help="Only this config, such as square8_2p.")]
DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database",
        "-d",
        envvar="RINGRIFT_DATABASE",
        help="A path, sqlite:///… or postgresql://…; by default what database.yaml says.",
    ),
]
FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="Records: .jsonl or .jsonl.gz")]
GameOption = Annotated[int, typer.Option("--game", "-g", min=1, help="Which game of the file, from 1.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
ModelsOption = Annotated[Path, typer.Option("--models", help="The folder of models.")]
MovesOption = Annotated[
    int | None, typer.Option(min=1, help="Stop a game after that many moves; by default the config's limit.")
]
