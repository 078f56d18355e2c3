"""`ringrift fill`: self-play that keeps a host busy, and no more than that."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path
from typing import Annotated

import typer

from ringrift.cli.context import exit_if_cancelled, run_context
from ringrift.cli.log import telling
from ringrift.cli.options import GAMES, MODELS, RINGRIFT, ConfigArgument, FromZeroOption, ModelsOption


def fill(
    config: ConfigArgument,
    weight: Annotated[
        float, typer.Option(min=0.01, max=100, help="Of this config among those that fill the same host.")
    ] = 1.0,
    from_zero: FromZeroOption = False,
    out: Annotated[Path, typer.Option(help="Folder of the games, as <config>/<host>/<worker>/*.jsonl.")] = GAMES,
    models: ModelsOption = MODELS,
    host: Annotated[str | None, typer.Option(help="Name of this machine; by default its own.")] = None,
    worker: Annotated[str, typer.Option(help="The processes are called by this name and a number.")] = "fill",
) -> None:
    """Play games for training with as many processes as keep this machine 60 to 80 % busy, until you stop it.

    A PID controller looks at processors and GPUs every few seconds; whatever
    else the machine has to do comes first. Several configs at once agree on
    the processes, by their weights. Targets and gains are in control.yaml;
    `ringrift hosts pace` shows what is decided, and why. Each process sees
    one GPU, the next one in turn.

    Example: ringrift fill square8_2p

    Example: ringrift fill hex8_2p --weight 2
    """
    from ringrift.game import parse_config
    from ringrift.resources.control_settings import control_settings
    from ringrift.resources.fill import fill as run
    from ringrift.resources.pace import PLAN
    from ringrift.resources.usage import visible_gpus
    from ringrift.selfplay import checked_name, selfplay_settings
    from ringrift.settings import home_folder

    board = parse_config(config)[0]
    most = selfplay_settings(config).batch[board.name]
    home = home_folder()
    place = checked_name("host", host or socket.gethostname())
    checked_name("worker", worker)

    gpus = [gpu.index for gpu in visible_gpus()]

    def start(number: int, factor: float, position: int) -> subprocess.Popen[bytes]:
        words = ["selfplay", config, "--host", place, "--worker", f"{worker}-{number}", "--pace", str(home / PLAN)]
        words += ["--batch", str(max(1, int(most * factor))), "--out", str(out), "--models", str(models)]
        words += ["--from-zero"] if from_zero else []
        seen = {"CUDA_VISIBLE_DEVICES": gpus[position % len(gpus)] if gpus else ""}
        return subprocess.Popen([*RINGRIFT, *words], stdin=subprocess.DEVNULL, env=os.environ | seen)

    with run_context(control_settings()) as context, telling("ringrift.resources"):
        run(config, weight, start, context, home=home)
    exit_if_cancelled(context)
