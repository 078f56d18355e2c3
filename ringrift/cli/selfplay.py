"""`ringrift selfplay`: games for training."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringrift.cli.context import exit_if_cancelled, run_context
from ringrift.cli.log import telling
from ringrift.cli.options import (
    GAMES,
    MANY,
    MODELS,
    MOST_AT_ONCE,
    MOST_MOVES,
    MOST_PROCESSES,
    ConfigArgument,
    DeviceOption,
    FromZeroOption,
    JsonOption,
    ModelsOption,
    MovesOption,
)
from ringrift.cli.reports import show_report

if TYPE_CHECKING:
    from ringrift.selfplay import SelfPlaySettings


def selfplay(
    config: ConfigArgument,
    players: Annotated[
        str | None,
        typer.Option(
            help="A player, or a mixture; {best} is the champion, {best~1} the one before. By default of the settings."
        ),
    ] = None,
    from_zero: FromZeroOption = False,
    games: Annotated[
        int | None, typer.Option("--games", "-n", min=1, max=MANY, help="Play until the run has this many games.")
    ] = None,
    target: Annotated[
        bool, typer.Option("--target", help="Play what is missing to the games needed for the first training.")
    ] = False,
    run: Annotated[
        str | None,
        typer.Option(
            help="Name of the run, which decides the games; by default made from host, worker and the other options."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Another seed gives other games.")] = 0,
    temperature: Annotated[
        str | None,
        typer.Option(help="Schedule: alphazero, aggressive, conservative, adaptive, curriculum or cosine."),
    ] = None,
    progress: Annotated[
        float,
        typer.Option(min=0, max=1, help="How far training has come; temperatures, opponents, simulations may follow."),
    ] = 0.0,
    draw: Annotated[str | None, typer.Option(help="Draw from a mixture per seat or per game.")] = None,
    opening: Annotated[
        int | None,
        typer.Option(min=0, max=MOST_MOVES, help="The most random moves that a game begins with; 0 for none."),
    ] = None,
    resign: Annotated[bool, typer.Option(help="Search less once a player would have resigned.")] = True,
    max_moves: MovesOption = None,
    batch: Annotated[
        int | None,
        typer.Option(
            min=1, max=MOST_AT_ONCE, help="Games side by side: a matter of speed and memory, never of results."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the games, as <config>/<host>/<worker>/*.jsonl.")] = GAMES,
    models: ModelsOption = MODELS,
    host: Annotated[str | None, typer.Option(help="Name of this machine; by default its own.")] = None,
    worker: Annotated[str, typer.Option(help="Name of this process among those of the machine.")] = "0",
    pace: Annotated[Path | None, typer.Option(help="Rest as this file says, which `ringrift fill` writes.")] = None,
    device: DeviceOption = None,
    processes: Annotated[
        int,
        typer.Option(
            min=1, max=MOST_PROCESSES, help="Processes that share cores, GPUs and games; each has a run of its own."
        ),
    ] = 1,
    as_json: JsonOption = False,
) -> None:
    """Play games for training: many side by side, until there are enough or you stop it.

    The same command again goes on where the last one was stopped, however
    that came about; what it has played is not played again.

    Without --players, the champion plays: the model that was promoted here,
    and until there is one, the champion that comes with the package. With
    --from-zero, or where none comes along, a mixture plays until then that
    needs no network, and {best} is never the package's. A model that is
    promoted meanwhile plays the games that begin after that.

    Example: ringrift selfplay square8_2p --target

    Example: ringrift selfplay square8_2p --from-zero --games 400

    Example: ringrift selfplay hex8_3p --players 'mixed:3xheuristic,random' --games 100

    Example: ringrift selfplay square8_2p --players 'gumbel:{best}@64?noise=1&full=0.25&fast=16' --worker 1

    Example: ringrift selfplay square8_2p --players 'mixed:4xgumbel:{best}@64?noise=1,gumbel:{best~1}@64?noise=1'

    Example: ringrift selfplay square8_2p --processes 4 --device cuda:1

    Example: ringrift selfplay square8_2p --temperature curriculum --progress 0.3 --json
    """
    from ringrift.limits import move_limit
    from ringrift.selfplay import BadOptions, SelfPlayOptions, checked_name, count_games, selfplay_settings
    from ringrift.selfplay.options import wanted_positions
    from ringrift.selfplay.processes import SelfPlayShare, run_in_processes, run_share

    settings = _settings(selfplay_settings(config), temperature, draw, opening)
    host = checked_name("host", host or socket.gethostname())
    checked_name("worker", worker)
    options = SelfPlayOptions(
        config=config,
        run="",
        players=players,
        seed=seed,
        max_moves=max_moves or move_limit(config),
        progress=progress,
        resigns=resign,
        settings=settings,
        positions=wanted_positions(config, settings),
        from_zero=from_zero,
    )
    # A run without a name is called after its place and everything that decides the games.
    options = replace(options, run=checked_name("run", run or f"{host}-{worker}-{options.fingerprint}"))
    more = None
    if target:
        if games is not None:
            raise BadOptions("say --games or --target, not both")
        more = max(0, settings.targets[config] - count_games(out / config))
    gpus = _gpus(device) if device is not None or processes > 1 else 0
    whole = SelfPlayShare(
        options=options,
        place=0,
        processes=processes,
        device=device,
        root=out,
        host=host,
        worker=worker,
        models=models,
        games=games,
        more=more,
        side_by_side=batch,
        pace=pace,
    )
    with run_context(None, heavy="self-play", folders=[out], gpu=True) as context, telling("ringrift.selfplay"):
        report = run_in_processes(whole, context, gpus=gpus) if processes > 1 else run_share(whole, context)
    show_report(report, as_json)
    exit_if_cancelled(context)


def _gpus(device: str | None) -> int:
    """The number of GPUs to share out; `NoDevice` if the device that is named is not there."""
    from ringrift.networks.devices import checked_device, gpu_count

    checked_device(device)
    return gpu_count()


def _settings(
    settings: SelfPlaySettings, temperature: str | None, draw: str | None, opening: int | None
) -> SelfPlaySettings:
    """The settings, changed by what the command line says."""
    from ringrift.selfplay import BadOptions
    from ringrift.selfplay.temperature import SCHEDULES
    from ringrift.settings import unknown_name

    changes: dict[str, object] = {}
    if temperature is not None:
        if temperature not in SCHEDULES:
            raise BadOptions(f"temperature {temperature!r}: {unknown_name(temperature, tuple(SCHEDULES))}")
        changes["temperature"] = settings.temperature.model_copy(update={"schedule": temperature})
    if draw is not None:
        if draw not in ("seat", "game"):
            raise BadOptions(f"draw {draw!r}: {unknown_name(draw, ('seat', 'game'))}")
        changes["draw"] = draw
    if opening is not None:
        change = {"moves": opening} if opening else {"share": 0.0}
        changes["opening"] = settings.opening.model_copy(update=change)
    return settings.model_copy(update=changes)
