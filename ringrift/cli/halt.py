"""`ringrift halt` and `ringrift resume`: stop everything that the loop does, and let it go on."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from ringrift.cli.options import JsonOption


def halt(
    reason: Annotated[str, typer.Option(help="Why; everybody who waits is told.")] = "no reason was given",
    as_json: JsonOption = False,
) -> None:
    """Halt the loop: jobs are ended within seconds, and no stage begins until `ringrift resume`.

    Nothing is lost: finished games are kept, training goes on from its last
    checkpoint, and tasks of Airflow wait. A second halt changes nothing.

    Example: ringrift halt --reason 'the new model plays illegal moves'
    """
    from ringrift.pipeline.halt import halt as run

    line = run(reason)
    typer.echo(json.dumps({"halted": line}) if as_json else line)


def resume(as_json: JsonOption = False) -> None:
    """End a halt: what waited goes on.

    Example: ringrift resume
    """
    from ringrift.pipeline.halt import resume as run

    earlier = run()
    typer.echo(json.dumps({"was": earlier}) if as_json else f"resumed; it was {earlier}" if earlier else "not halted")
