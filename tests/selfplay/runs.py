"""Options of small runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from ringrift.selfplay import GameRecord, PlayerPool, SelfPlay, SelfPlayOptions, selfplay_settings

NOWHERE = Path("no-models")


def some_options(config: str = "hex8_2p", *, players: str | None = "heuristic", **changes: Any) -> SelfPlayOptions:
    """Options with the settings of the repository; `settings` are changes of those, by section and name."""
    settings = selfplay_settings(config)
    for name, section in changes.pop("settings", {}).items():
        values = getattr(settings, name).model_copy(update=section) if isinstance(section, dict) else section
        settings = settings.model_copy(update={name: values})
    options = SelfPlayOptions(
        config=config,
        run="test",
        players=players,
        seed=3,
        max_moves=800,
        progress=0.0,
        resigns=True,
        settings=settings,
    )
    return replace(options, **changes)


def played(options: SelfPlayOptions, games: int, *, side_by_side: int = 16, models: Path = NOWHERE) -> list[GameRecord]:
    """The games 0, 1, … of a run, by number."""
    selfplay = SelfPlay(options, PlayerPool(options, models), side_by_side=side_by_side)
    return sorted(selfplay.play(range(games)), key=lambda record: record.game)


def lines(records: list[GameRecord]) -> list[bytes]:
    """The games as they are kept."""
    return [record.to_line() for record in records]
