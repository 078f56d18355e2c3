"""Settings with which a whole turn of the loop, real in every part, takes a minute, and ends in a promotion."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import yaml

from ringrift.settings import DEFAULTS

PRESET = "presets.smoke."
CHANGES: dict[str, dict[str, Any]] = {
    # About half of the games are stopped before they end, and nobody has lost those.
    "games.yaml": {"max_moves.square8_2p": 110},
    "loop.yaml": {
        PRESET + "selfplay.games": 12,
        PRESET + "selfplay.players": "gumbel:heuristic@2?noise=1",
        PRESET + "retry_seconds": 1,
        PRESET + "training.new_games": 24,
        PRESET + "rated_as": ["policy"],
    },
    "hyperparameters.yaml": {"presets.smoke.batch": 32, "presets.smoke.validate_samples": 64},
    # Of 24 games, those that end.
    "training.yaml": {"preflight.games": {"fail": 1, "warn": 1}, "preflight.samples": {"fail": 1, "warn": 1}},
    "evaluation.yaml": {
        "gauntlet.as": "gumbel@2",
        "gauntlet.first_games": 4,
        "gauntlet.second_games": 8,
        "gauntlet.cut_off": 0.0,
        "gauntlet.limits": {"random": 0.0, "heuristic": 0.0, "champion": 0.0},
        "rating.anchors": {2: ["random", "heuristic"], 3: ["random", "heuristic"], 4: ["random", "heuristic"]},
        "rating.anchor_games": 4,
        "rating.games": 4,
    },
    "models.yaml": {
        "gate.pause_minutes": 0,
        "gate.gauntlet": {"games": 2, "elo": 0},
        "gate.inference.milliseconds": 10_000,
        # The search with the heuristic stands for the model: it wins now and then, which is all that is asked.
        "gate.trial.player": "gumbel:heuristic@8",
        "gate.trial.random_games": 10,
        "gate.trial.heuristic_games": 40,
        "gate.trial.stopped": 1.0,
        "gate.trial.random": 0.0,
        "gate.trial.heuristic": 0.0,
    },
}


def tiny_settings(folder: Path) -> Path:
    """A new folder of settings."""
    shutil.copytree(DEFAULTS, folder)
    for name, changes in CHANGES.items():
        change_settings(folder / name, changes)
    return folder


def change_settings(path: Path, changes: dict[str, Any]) -> None:
    """Change values in a file of settings, each named by its fields with dots between them."""
    content = yaml.safe_load(path.read_text())
    for dotted, value in changes.items():
        *groups, field = dotted.split(".")
        target = content
        for group in groups:
            target = target[group]
        target[field] = value
    path.write_text(yaml.safe_dump(content))
