"""Speed of self-play: whole games with their records, by player."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ringrift.game import parse_config
from ringrift.limits import move_limit
from ringrift.selfplay import PlayerPool, SelfPlay, SelfPlayOptions, selfplay_settings

BOOTSTRAP: Final = "bootstrap"
"""The players of the settings where there is no network yet."""
GAMES: Final = {"random": 4096, "heuristic": 512, BOOTSTRAP: 64, "gumbel@16": 128, "gumbel@64": 64}
"""The games that are measured on the small boards, a quarter on the large ones; half of them side by side."""


@dataclass(frozen=True)
class SelfPlaySpeed:
    """Speed of one player; the searches ask an untrained network."""

    config: str
    player: str
    games: int
    side_by_side: int
    """The most games side by side; the last ones end in smaller company."""
    games_per_second: float
    games_per_cpu_second: float
    """The games by the seconds of processor time, of all cores together, which other work changes least."""
    moves_per_second: float
    network_share: float
    """The share of the time that the network takes."""
    bytes_per_game: float
    """The bytes of its line, not compressed."""


def measure_selfplay(configs: list[str], architecture: str = "small") -> Iterator[SelfPlaySpeed]:
    """Measure every player on every config."""
    for config in configs:
        with tempfile.TemporaryDirectory() as folder:
            model = Path(folder) / "untrained.pth"
            save_untrained(model, config, architecture)
            for player, games in GAMES.items():
                small = config.startswith(("square8", "hex8"))
                yield measure_player(config, player, model, games if small else games // 4)


def measure_player(config: str, player: str, model: Path, games: int) -> SelfPlaySpeed:
    """Play `games` games; kernels are compiled and the model is loaded before the clock starts."""
    settings = selfplay_settings(config)
    mode, _, simulations = player.partition("@")
    players = f"{mode}:{model}@{simulations}?noise=1" if simulations else mode
    if player == BOOTSTRAP:
        players = settings.players.bootstrap
    options = SelfPlayOptions(
        config=config,
        run="benchmark",
        players=players,
        seed=0,
        max_moves=move_limit(config),
        progress=0.0,
        resigns=False,
        settings=settings,
    )
    pool = PlayerPool(options, model.parent)
    size = max(1, games // 2)
    short = SelfPlay(replace(options, max_moves=20), pool, side_by_side=size)
    for record in short.play(range(size)):
        record.to_line()
    selfplay = SelfPlay(options, pool, side_by_side=size)
    start, used = time.perf_counter(), time.process_time()
    written = sum(len(record.to_line()) for record in selfplay.play(range(games)))
    seconds, used = time.perf_counter() - start, time.process_time() - used
    return SelfPlaySpeed(
        config=config,
        player=player,
        games=games,
        side_by_side=size,
        games_per_second=games / seconds,
        games_per_cpu_second=games / used,
        moves_per_second=selfplay.moves / seconds,
        network_share=selfplay.network_seconds / seconds,
        bytes_per_game=written / games,
    )


def save_untrained(path: Path, config: str, architecture: str) -> None:
    """Write a model with random weights."""
    import torch

    from ringrift.networks import NetworkConfig, build_network, save_model

    board, players = parse_config(config)
    torch.manual_seed(0)
    save_model(path, build_network(NetworkConfig.of(architecture, board.name, players)))
