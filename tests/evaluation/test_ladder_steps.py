"""The steps of the ladder: a level is measured against the one below until the result is clear."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from ringrift.agents.ladder import ladder_spec
from ringrift.evaluation.ladder_steps import LadderStep, measure_step


@pytest.mark.parametrize(("config", "level"), [("square8_2p", 6), ("hex8_2p", 7), ("square8_3p", 9), ("hex8_4p", 6)])
def test_a_level_is_stronger_than_the_one_below(config: str, level: int) -> None:
    step = measure_step(config, level, openings=80)
    assert step.spec == ladder_spec(config, level)
    assert step.stronger, step
    assert step.better + step.worse <= step.games


def test_equal_levels_are_measured_to_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ladder.yaml").write_text("levels: {hex8_2p: {1: random, 2: 'mixed:random'}}\n")
    monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(tmp_path))
    step = measure_step("hex8_2p", 2, openings=12)
    assert step.games == 24
    assert not step.stronger


@pytest.mark.parametrize(
    ("better", "worse", "stronger"), [(7, 0, True), (6, 0, False), (0, 0, False), (30, 12, True), (24, 12, False)]
)
def test_stronger_means_a_p_below_one_in_a_hundred(better: int, worse: int, stronger: bool) -> None:
    assert LadderStep("hex8_2p", 2, "a", "b", 100, better, worse, 50, None).stronger is stronger


def test_elo_follows_from_the_score_and_stays_finite() -> None:
    step = LadderStep("hex8_2p", 2, "a", "b", games=100, better=0, worse=0, scored=75, milliseconds=None)
    assert step.elo == pytest.approx(400 * math.log10(75.5 / 25.5))
    assert LadderStep("hex8_2p", 2, "a", "b", 10, 5, 0, 10, None).elo < 1000
