"""`ringrift bench encoding`: how fast positions as network input are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ringrift.cli.bench.tables import print_table, write_or_print
from ringrift.cli.progress import tracked


def encoding(
    out: Annotated[Path | None, typer.Option(help="Write the figures there as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")] = False,
) -> None:
    """Speed of turning positions into network input, on one core.

    Example: ringrift bench encoding
    """
    from ringrift.benchmarks.encoding import measure_encoding
    from ringrift.encoding import FEATURE_VERSIONS
    from ringrift.game import BOARDS

    pairs = [(board, version) for board in BOARDS for version in FEATURE_VERSIONS]
    figures = [
        {"board": board, "version": version, "nanoseconds": measure_encoding(board, version)}
        for board, version in tracked(pairs, "encoding")
    ]
    if write_or_print({"encoding": figures}, out, as_json):
        return
    rows = [(str(row["board"]), str(row["version"]), f"{row['nanoseconds']:,.0f}") for row in figures]
    print_table("Encoding one position, two players", ("board", "version", "ns"), rows)
