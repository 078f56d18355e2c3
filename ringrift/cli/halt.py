"""`ringrift halt` and `ringrift resume`: stop everything that the loop does, and let it go on."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from ringrift.cli.options import JsonOption
from ringrift.console import echo


def halt(
    reason: Annotated[str, typer.Option(help="Why; every waiting process reports it.")] = "no reason was given",
    as_json: JsonOption = False,
) -> None:
    """Halt the loop: jobs are ended within seconds, and no stage begins until `ringrift resume`.

    Nothing is lost: finished games are kept, training goes on from its last
    checkpoint, and tasks of Airflow wait. A second halt changes nothing.
    Meant is the loop of RINGRIFT_HOME, else of the working folder; the
    file that halts it is printed.

    Example: ringrift halt --reason 'the new model plays illegal moves'
    """
    from ringrift.pipeline.halt import halt as run
    from ringrift.pipeline.halt import halt_file, loop_folder

    folder = loop_folder()
    line, path = run(reason, folder), str(halt_file(folder))
    echo(json.dumps({"halted": line, "file": path}) if as_json else f"{path}: {line}")


def resume(as_json: JsonOption = False) -> None:
    """End a halt: what waited goes on. Meant is the same loop as by `ringrift halt`.

    Example: ringrift resume
    """
    from ringrift.pipeline.halt import halt_file, loop_folder
    from ringrift.pipeline.halt import resume as run

    folder = loop_folder()
    earlier, path = run(folder), str(halt_file(folder))
    line = f"{path}: {f'resumed; it was {earlier}' if earlier else 'not halted'}"
    echo(json.dumps({"was": earlier, "file": path}) if as_json else line)
