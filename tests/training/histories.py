"""Made-up histories of training runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ringrift.training.report import RunFacts


def step(number: int, total: float = 2.0, **more: Any) -> dict[str, Any]:
    """The line of a logged step."""
    return {
        "step": number,
        "samples": 256 * number,
        "epoch": number / 100,
        "lr": 3e-4,
        "losses": {"total": total, "policy": total - 0.5, "value": 0.5},
        "accuracy": 0.4,
        "gradient_norm": 1.5,
        "samples_per_second": 2000.0 + number,
        "seconds": 0.1 * number,
    } | more


def validation(
    number: int, total: float = 2.05, *, seen: dict[str, float] | None = None, **more: Any
) -> dict[str, Any]:
    """The line of a validation; `seen` are its figures of samples of training."""
    holdout = {"total": total, "policy": total - 0.5, "value": 0.5, "accuracy": 0.38} | more
    return {"step": number, "holdout": holdout} | ({"seen": seen} if seen else {})


def write_history(path: Path, lines: list[dict[str, Any]], rest: str = "") -> Path:
    """A history, and what a killed run may have left behind it."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + rest)
    return path


def facts(**changes: Any) -> RunFacts:
    """What is known of a run."""
    known = {
        "run": "r1",
        "config": "square8_2p",
        "command": "ringrift train square8_2p --preset smoke",
        "ended": "all 2 epochs",
        "network": "small",
        "parameters": 123_456,
        "device": "cpu",
        "dataset": {"samples": 9000, "games": 300, "identity": "0123456789abcdef" * 4},
        "settings": {"batch": 64, "optimiser": {"lr": 1e-3, "decay": 1e-4}},
        "defaults": {"batch": 256, "optimiser": {"lr": 3e-4, "decay": 1e-4}},
    }
    return RunFacts(**(known | changes))
