"""A run of self-play: the games that are missing are played and kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count, islice
from pathlib import Path

from ringrift.agents.network_evaluators import NetworkEvaluators
from ringrift.run_context import RunContext
from ringrift.selfplay.files import GameFiles
from ringrift.selfplay.live import SHOWN, LiveFile, LiveWorker
from ringrift.selfplay.options import SelfPlayOptions
from ringrift.selfplay.play import SelfPlay
from ringrift.selfplay.player_pool import PlayerPool
from ringrift.selfplay.report import SelfPlayReport, Tally
from ringrift.version import code_version


def worker_folder(root: Path, config: str, host: str, worker: str) -> Path:
    """Return the folder where a worker keeps its games."""
    return root / config / host / worker


def run_selfplay(  # noqa: PLR0913 - independent choices, by keyword
    options: SelfPlayOptions,
    context: RunContext[object],
    *,
    root: Path,
    host: str,
    worker: str,
    models: Path,
    games: int | None = None,
    more: int | None = None,
    side_by_side: int | None = None,
    device: str | None = None,
    processes: int = 1,
    rest: Callable[[], None] = lambda: None,
) -> SelfPlayReport:
    """Play a run until it has the games 0 … `games`−1, or `more` games than before, or else until it is
    cancelled.

    Games that the worker's files hold are not played again. `side_by_side` is a matter of speed and memory, by default
    that of the settings, shared by `processes` of which this is one. Networks are computed on `device`, by default the
    best there is. `rest` is called after every step, and may take its time.
    """
    folder = worker_folder(root, options.config, host, worker)
    limit = int(options.settings.files.megabytes * 1e6)
    with GameFiles(folder, options.run, limit=limit) as files, LiveFile(folder) as live:
        numbers = count() if games is None else range(games)
        missing: Iterator[int] = (number for number in numbers if number not in files.games)
        before = len(files.games) if games is None else sum(number < games for number in files.games)
        wanted = games
        if more is not None:
            missing = islice(missing, more)
            wanted = before + more
        code = code_version()
        pool = PlayerPool(options, models, NetworkEvaluators(device))
        settings = options.settings
        batch = settings.gpu_batch if pool.uses_gpu else settings.batch
        size = side_by_side or max(1, batch[pool.board.name] // processes)
        if wanted is not None:
            size = max(1, min(size, wanted - before))
        selfplay = SelfPlay(options, pool, side_by_side=size)
        tally = Tally(games_before=before, games_wanted=wanted)

        def shown() -> LiveWorker:
            return LiveWorker(
                config=options.config,
                run=options.run,
                host=host,
                worker=worker,
                written=time.time(),
                max_moves=options.max_moves,
                side_by_side=size,
                games=tally.games,
                games_per_second=tally.games / tally.seconds,
                moves_per_second=tally.moves / tally.seconds,
                running=selfplay.running(SHOWN),
            )

        def after_step() -> None:
            tally.moves, tally.network_seconds = selfplay.moves, selfplay.network_seconds
            context.progress("games", before + tally.games, wanted, tally.speed)
            live.show(shown)
            rest()

        for record in selfplay.play(missing, cancellation=context.cancellation, after_step=after_step):
            ended = int(time.time())
            files.append(replace(record, host=host, worker=worker, ended=ended, code=code).to_line())
            tally.add(record)
    return tally.report(
        config=options.config,
        run=options.run,
        players=pool.seat_count,
        folder=str(folder),
        reloads=pool.reloads,
    )
