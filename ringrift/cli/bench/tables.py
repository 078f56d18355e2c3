"""The common part of the benchmarks' commands: which configs, and where the figures go."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from ringrift.console import console, echo

LEFT: Final = ("config", "board", "player", "search", "program", "evaluator", "against", "page", "rule")
"""Headings of columns of words."""


def pairs_of(configs: list[str] | None) -> list[tuple[str, int]]:
    """Board and players of the configs that are named, or of all."""
    from ringrift.game import configs as all_configs
    from ringrift.game import parse_config

    named = [parse_config(name) for name in configs or ()]
    return [(board.name, players) for board, players in named] or list(all_configs())


def side_by_side(board: str, games: int) -> int:
    """Games at once on a board: on the large ones a quarter."""
    return games if board in ("square8", "hex8") else max(games // 4, 1)


def write_or_print(report: dict[str, Any], out: Path | None, as_json: bool) -> bool:
    """Write the report to a file and print it as JSON, each on demand; return whether it has been printed."""
    from ringrift.files import new_file

    if out is not None:
        with new_file(out) as file:
            file.write((json.dumps(report, indent=1) + "\n").encode())
    if as_json:
        echo(json.dumps(report))
    return as_json


def print_memory(usages: list[Any], title: str, out: Path | None, as_json: bool) -> None:
    """Print memory by config and samples: dataclasses with `config`, `samples` and `megabytes`."""
    if not write_or_print({"memory": [asdict(usage) for usage in usages]}, out, as_json):
        print_table(
            f"{title}: the most memory of a process, mapped files left out",
            ("config", "samples", "MB"),
            [(usage.config, f"{usage.samples:,}", f"{usage.megabytes:,.0f}") for usage in usages],
        )


def print_table(title: str, headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """A table with words to the left and numbers to the right."""
    from rich.table import Table

    table = Table(title=title)
    for heading in headings:
        table.add_column(heading, justify="left" if heading in LEFT else "right")
    for row in rows:
        table.add_row(*row)
    console().print(table)
