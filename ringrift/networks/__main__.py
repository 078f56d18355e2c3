"""`python -m ringrift.networks`: how large the networks are."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.table import Table

from ringrift.game.boards import BOARDS
from ringrift.networks.config import ARCHITECTURES, NetworkConfig
from ringrift.networks.factory import build_network, flops, parameter_count


def size_table() -> Table:
    """Parameters and operations of every architecture on every board, for two players and the default features.

    More players change next to nothing: one output each.
    """
    table = Table(title="Residual networks, two players")
    for heading in ("architecture", "board", "channels", "blocks", "parameters", "MFLOPs per position"):
        table.add_column(heading, justify="left" if heading in ("architecture", "board") else "right")
    for name, dimensions in ARCHITECTURES.items():
        for board in BOARDS:
            config = NetworkConfig.of(name, board, 2)
            table.add_row(
                name,
                board,
                str(dimensions.channels),
                str(dimensions.blocks),
                f"{parameter_count(build_network(config)):,}",
                f"{flops(config) / 1e6:,.1f}",
            )
    return table


if __name__ == "__main__":
    Console(width=None if sys.stdout.isatty() else 120).print(size_table())
