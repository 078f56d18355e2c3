"""Metrics of the games: their number, the hosts that play them, and those that wait for a training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Final

from ringrift.errors import RingRiftError
from ringrift.game_database.counters import Counted
from ringrift.models.store import newest_trained
from ringrift.monitoring.view import Samples, View, label
from ringrift.pipeline.allocation_settings import allocation_settings
from ringrift.pipeline.backpressure import share_of
from ringrift.pipeline.readiness import games_of_training

SECONDS_PER_HOUR: Final = 3600
OTHER: Final = "other"
"""The name of all hosts beyond the number that get a name of their own."""


def games_metrics(view: View) -> Samples:
    """Yield the metrics of the games; of their hosts, no more are named than the settings allow."""
    counted = view.counted("games")
    names = _names(view, counted)
    synced: Counter[tuple[str, str]] = Counter()
    last: dict[str, int] = {}
    for (config, host), counter in counted.items():
        name = names[host]
        synced[config, name] += counter.total
        last[name] = max(last.get(name, 0), counter.last)
    for (config, host), games in synced.items():
        yield "ringrift_games_synced_total", (label(config), label(host)), games
    for host, moment in last.items():
        if (age := view.age(moment)) is not None:
            yield "ringrift_seconds_since_last_game", (label(host),), age
    yield from _pool_metrics(view)
    for (_, reason), counter in view.counted("quarantined").items():
        yield "ringrift_quarantined_lines_total", (label(reason),), counter.total


def _pool_metrics(view: View) -> Samples:
    bands = allocation_settings().backpressure
    needed = view.preset.training.new_games
    added, removed = _by_config(view.counted("games")), _by_config(view.counted("games_removed"))
    for config in view.configs:
        games = max(0, added[config] - removed[config])
        with view.database.reading() as connection:
            newest = newest_trained(connection, config)
        waiting = games if newest is None else max(0, games - games_of_training(newest))
        yield "ringrift_games", (config,), games
        yield "ringrift_games_pending_training", (config,), waiting
        trained = 0.0 if newest is None or waiting < needed else (view.age(newest.created) or 0.0) / SECONDS_PER_HOUR
        share = min(share_of(bands.games, waiting), share_of(bands.training_hours, trained))
        yield "ringrift_backpressure", (config,), 1 - share


def _by_config(counted: Mapping[tuple[str, str], Counted]) -> Counter[str]:
    totals: Counter[str] = Counter()
    for (config, _), counter in counted.items():
        totals[config] += counter.total
    return totals


def _names(view: View, counted: Mapping[tuple[str, str], Counted]) -> dict[str, str]:
    """Return the names of hosts: those of the settings first, then those that have played last, up to the limit."""
    last: dict[str, int] = {}
    for (_, host), counter in counted.items():
        last[host] = max(last.get(host, 0), counter.last)
    known: Collection[str] = ()
    with suppress(RingRiftError):  # to have names, hosts need no settings
        known = view.hosts
    newest = sorted(last, key=lambda host: (host in known, last[host]), reverse=True)
    return {host: host if place < view.settings.hosts else OTHER for place, host in enumerate(newest)}
