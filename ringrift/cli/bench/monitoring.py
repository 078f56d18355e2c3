"""`ringrift bench monitoring`: how long a scrape of the metrics takes."""

from __future__ import annotations

from typing import Annotated

import typer

from ringrift.cli.options import MANY, MANY_TIMES, JsonOption
from ringrift.cli.reports import show_output


def monitoring(
    games: Annotated[int, typer.Option(min=1, max=MANY, help="Rows of games in the database.")] = 1_000_000,
    hosts: Annotated[int, typer.Option(min=1, max=MANY_TIMES, help="Hosts in the settings.")] = 100,
    models: Annotated[int, typer.Option(min=1, max=MANY_TIMES, help="Models of each config.")] = 200,
    repeats: Annotated[int, typer.Option(min=1, max=MANY_TIMES, help="How often to scrape.")] = 10,
    as_json: JsonOption = False,
) -> None:
    """Time of a scrape of the metrics of twelve configs, from a database of generated rows.

    Example: ringrift bench monitoring

    Example: ringrift bench monitoring --games 10000 --json
    """
    from ringrift.benchmarks.monitoring import measure_scrapes

    speed = measure_scrapes(games, hosts, models, repeats=repeats)
    text = (
        f"{speed.games:,} games, {speed.configs} configs, {speed.hosts} hosts, {speed.models:,} models: "
        f"{speed.bytes / 1000:,.0f} kB in {speed.median:.3f} s (first {speed.first:.3f}, slowest {speed.slowest:.3f})"
    )
    show_output(text, speed.to_json(), as_json)
